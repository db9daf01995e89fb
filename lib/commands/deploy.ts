// vms deploy, list, stop, resume and remove: VMs on somebody else's host, through its factory.

import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { Calls } from '../client/calls.js'
import { deploy as deployTo } from '../client/deploy.js'
import { CallError } from '../client/errors.js'
import { LocalCalls } from '../client/local.js'
import { codeOf, VMSError } from '../errors.js'
import { CEILINGS, encodeBlock, type Genesis } from '../ledger/blocks.js'
import { methodsToCall } from '../ledger/contract.js'
import { decodeKey, encodeKey } from '../ledger/keys.js'
import { trustIn } from '../ledger/oracles.js'
import { DEFAULT_LIMITS } from '../machine/genesis.js'
import { describeOracles, isBuiltin } from '../oracles/index.js'
import { bundle } from '../sandbox/bundle.js'
import { Executor } from '../sandbox/executor.js'
import { describeWarning, inspect, refuse } from '../sandbox/findings.js'
import { dataFolder } from '../user/folders.js'
import { writeWhole } from '../user/whole.js'
import { describeOffline } from './age.js'
import { warnOfMigrate } from './upgrade.js'
import { parseNumber, parseUpgrade, type Context } from './context.js'
import { describeError, EXIT } from './exit.js'
import { log, print, printJSON } from './output.js'

export interface DeployFlags {
  host: string
  gas?: string
  oracle?: string[]
  upgrade?: string
}

export async function deploy(context: Context, script: string, flags: DeployFlags): Promise<number> {
  const host = encodeKey(decodeKey(flags.host))
  const gas =
    flags.gas === undefined
      ? undefined
      : parseNumber('--gas', flags.gas, { min: 1, max: CEILINGS.gas, integer: true })
  const oracles = flags.oracle ?? []
  const upgrade = parseUpgrade(flags.upgrade)
  const bundled = await bundle(script)
  const known = oracles.filter(isBuiltin)
  const shapes = await describeOracles(known.map(name => ({ name })))
  const findings = await inspect(context.use(new Executor()), bundled, script, {
    gas: gas ?? DEFAULT_LIMITS.gas,
    oracles: shapes
  })
  for (const warning of findings.warnings) log(describeWarning(warning))
  refuse(findings)
  const { methods } = findings
  warnOfMigrate(methods, upgrade)
  const { source, title } = bundled
  const identity = await context.identity()
  const calls = new Calls(await context.replica(host), identity)
  const wanted = { source, methods, title, gas, oracles, upgrade }
  const { key, genesis } = await orExplain(deployTo(calls, identity, wanted, { timeout: context.timeout }))
  const id = encodeKey(key)
  await writeWhole(placeOf(id), HOST_FILE, `${host}\n`)
  await checkDeployed(context, id, genesis)
  if (context.json)
    printJSON({ event: 'deployed', key: id, host, title, methods, trust: trustIn(genesis.oracles) })
  else {
    print(`${title} is deployed at ${host}: ${id}`)
    if (genesis.oracles.length > 0) print(`  ${trustIn(genesis.oracles)}`)
    for (const method of methodsToCall(genesis, genesis)) print(`  vms call ${id} ${method} …`)
  }
  return EXIT.ok
}

/** Its log is there, and begins with what was signed. */
async function checkDeployed(context: Context, id: string, genesis: Genesis): Promise<void> {
  const replica = await context.replica(id)
  await replica.sync(context.timeout)
  if (Buffer.compare(encodeBlock(await replica.genesis()), encodeBlock(genesis)) === 0) return
  throw new VMSError('BAD_HOST', `the host serves something else than was signed as ${id}`)
}

interface Listed {
  key: string
  owner: string
  title: string
  sourceHash: string
  state: string
}

export async function list(context: Context, host: string): Promise<number> {
  const replica = await context.replica(host)
  if (!(await replica.sync(context.timeout))) log(describeOffline(replica))
  const { publicKey } = await context.identity()
  const calls = context.use(new LocalCalls(replica, publicKey))
  const { value, block } = await orExplain(calls.call('list', [], { timeout: context.timeout }))
  const vms = value as unknown as Listed[]
  for (const vm of vms) {
    if (context.json) printJSON(vm)
    else print(`${vm.key}  ${vm.state.padEnd(7)}  ${vm.owner.slice(0, 8)}  ${vm.title}`)
  }
  log(`${vms.length} ${vms.length === 1 ? 'VM' : 'VMs'}, as of block ${block} of the host's factory`)
  return EXIT.ok
}

/** Has the host stop a VM, take its calls again, or forget it. */
export async function change(
  context: Context,
  action: 'stop' | 'resume' | 'remove',
  vm: string,
  flags: { host?: string }
): Promise<number> {
  const key = encodeKey(decodeKey(vm))
  const host = encodeKey(decodeKey(flags.host ?? (await hostOf(key))))
  const calls = new Calls(await context.replica(host), await context.identity())
  await orExplain(calls.call(action, [key], { timeout: context.timeout }))
  const done = { stop: 'stopped', resume: 'running', remove: 'removed' }[action]
  if (context.json) printJSON({ event: done, key, host })
  else print(`${key} is ${done}`)
  return EXIT.ok
}

const HOST_FILE = 'host'

function placeOf(key: string): string {
  return path.join(dataFolder(), 'known', key)
}

/** The host that this user has deployed a VM to. */
async function hostOf(key: string): Promise<string> {
  const text = await readFile(path.join(placeOf(key), HOST_FILE), 'utf8').catch(() => null)
  if (text !== null) return text.trim()
  throw new VMSError(
    'USAGE',
    `who hosts ${key} is not known here: name the host, --host <key of its factory>`
  )
}

// what the factory's contract throws is an answer of the host
async function orExplain<T>(action: Promise<T>): Promise<T> {
  try {
    return await action
  } catch (error) {
    if (codeOf(error) === 'NO_SUCH_METHOD')
      throw new VMSError(
        'USAGE',
        'that is the key of a VM, not of the factory that "vms serve --factory" prints'
      )
    if (!(error instanceof CallError)) throw error
    throw new VMSError('FORBIDDEN', `the host refuses it: ${describeError(error.thrown)}`)
  }
}
