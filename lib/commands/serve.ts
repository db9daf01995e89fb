// vms serve: deploys scripts, resumes the VMs that the storage holds, and serves them until it is stopped.

import path from 'node:path'
import { VMSError } from '../errors.js'
import { isFactory } from '../host/factory.js'
import { Host, type HostLine } from '../host/host.js'
import type { PolicyOptions } from '../host/policy.js'
import type { Service } from '../host/service.js'
import { CEILINGS } from '../ledger/blocks.js'
import { methodsToCall, nameOfUpgrade, type UpgradeName } from '../ledger/contract.js'
import { encodeKey } from '../ledger/keys.js'
import { trustIn } from '../ledger/oracles.js'
import { MAX_VALUE_BYTES } from '../ledger/values.js'
import { DEFAULT_LIMITS } from '../machine/genesis.js'
import { describeOracles } from '../oracles/index.js'
import { bundle, type Bundle } from '../sandbox/bundle.js'
import { Executor, type RunOptions } from '../sandbox/executor.js'
import { describeWarning, inspect, refuse } from '../sandbox/findings.js'
import { isolation } from '../sandbox/isolation.js'
import { placesOf, type Places } from '../sandbox/places.js'
import { hostFolder } from '../user/folders.js'
import { IdList } from '../user/ids.js'
import type { Reach } from '../swarm/watchdog.js'
import { parseSize } from '../user/sizes.js'
import { parseNumber, parsePort, parseUpgrade, type Context } from './context.js'
import { chooseOracles, type OracleFlags } from './oracles.js'
import { log, print, printJSON } from './output.js'
import { tellReach } from './reach.js'
import { warnOfMigrate } from './upgrade.js'

/** The most that a timer can wait, ms. */
const MAX_WATCHDOG_MS = 2 ** 31 - 1

export async function serve(
  context: Context,
  scripts: string[],
  options: {
    new?: boolean
    factory?: boolean
    gas?: string
    watchdog?: string
    upgrade?: string
    port?: string
    wait?: boolean
  } & OracleFlags &
    PolicyFlags
): Promise<number> {
  context.runsUntilStopped()
  const watchdog =
    options.watchdog === undefined
      ? undefined
      : parseNumber('--watchdog', options.watchdog, { min: 1, max: MAX_WATCHDOG_MS, integer: true })
  const gas =
    options.gas === undefined
      ? DEFAULT_LIMITS.gas
      : parseNumber('--gas', options.gas, { min: 1, max: CEILINGS.gas, integer: true })
  const upgrade = parseUpgrade(options.upgrade)
  const port = options.port === undefined ? undefined : parsePort(options.port)
  const bundles = await bundleAll(scripts)
  const oracles = await chooseOracles(options)
  const specs = await describeOracles(oracles)
  const owner = await context.identity()
  const storage = context.storage ?? hostFolder()
  const places = new Map(bundles.map(({ source, map, path }) => [source, placesOf(map, path)]))
  const onconsole = (vm: string, line: HostLine) => {
    const source = host.services.get(vm)?.machine.contract.source
    log(describeLine(vm, line, source === undefined ? undefined : places.get(source)))
  }
  const onproblem = (problem: string) => log(`vms: ${problem}`)
  const policy = readPolicy(options, onproblem)
  const { network, reason } = await isolation()
  if (network === 'open') log(`vms: contracts run without isolation from the network: ${reason}`)
  const host = context.use(
    new Host({
      storage,
      ...(await context.network()),
      port,
      wait: options.wait,
      warm: true,
      watchdog,
      onconsole,
      onproblem,
      offered: oracles,
      policy
    })
  )
  await host.ready()

  for (const { id, error } of host.refused) printRefused(context, id, error)
  const resumed = [...host.services.values()]
  for (const service of resumed) {
    printReady(context, service, true)
    const { title, upgrade: policy } = service.machine.genesis
    const isNamed = bundles.some(({ source }) => source === service.machine.contract.source)
    if (isNamed && options.upgrade !== undefined && nameOfUpgrade(policy) !== upgrade)
      log(
        `vms: ${title} runs already, and its genesis says "${nameOfUpgrade(policy)}": --upgrade is for what is deployed (--new)`
      )
  }
  const held = [
    ...resumed.map(({ machine }) => [machine.contract.source, machine.genesis.source]),
    ...host.refused.map(({ source }) => [source])
  ]
  for (const script of options.new ? bundles : notDeployed(bundles, held)) {
    await look(script, { gas, oracles: specs }, upgrade)
    const { source, title, file } = script
    printReady(
      context,
      await host.deploy({ source, title, file, owner, limits: { gas }, oracles, upgrade }),
      false
    )
  }
  if (options.factory) {
    const factory = await host.factory(owner)
    if (!resumed.includes(factory)) printReady(context, factory, false)
  }
  if (host.services.size === 0) throw nothingToServe(host, storage)
  if (host.reach) tellReach(context, host.reach)
  host.on('reach', (reach: Reach) => tellReach(context, reach))
  return context.stopped
}

/** Whom the host serves, as it was typed. */
interface PolicyFlags {
  allow?: string[]
  deny?: string[]
  allowDeploy?: string[]
  vmsPerOwner?: string
  bytesPerOwner?: string
  callsPerMinute?: string
  bytesPerMinute?: string
  disk?: string
  maxGas?: string
  maxFileBytes?: string
}

/** @throws VMSError USAGE */
function readPolicy(flags: PolicyFlags, onproblem: (problem: string) => void): PolicyOptions {
  const list = (flag: string, texts: string[] | undefined) => texts && new IdList(flag, texts, onproblem)
  const count = (flag: string, text: string | undefined, max?: number) =>
    text === undefined ? undefined : parseNumber(flag, text, { min: 1, max, integer: true })
  const size = (flag: string, text: string | undefined, max?: number) =>
    text === undefined ? undefined : parseSize(flag, text, { max })
  return {
    allow: list('--allow', flags.allow),
    deny: list('--deny', flags.deny),
    deployers: list('--allow-deploy', flags.allowDeploy),
    vmsPerOwner: count('--vms-per-owner', flags.vmsPerOwner),
    bytesPerOwner: size('--bytes-per-owner', flags.bytesPerOwner),
    callsPerMinute: count('--calls-per-minute', flags.callsPerMinute),
    bytesPerMinute: size('--bytes-per-minute', flags.bytesPerMinute),
    disk: size('--disk', flags.disk),
    maxGas: count('--max-gas', flags.maxGas, CEILINGS.gas),
    maxFileBytes: size('--max-file-bytes', flags.maxFileBytes, MAX_VALUE_BYTES) // as much as writeFile takes
  }
}

interface Script extends Bundle {
  /** as it was typed */
  path: string
  file: string
}

async function bundleAll(scripts: string[]): Promise<Script[]> {
  const bundled: Script[] = []
  for (const script of scripts)
    bundled.push({ ...(await bundle(script)), path: script, file: path.basename(script) })
  return bundled
}

/** Says what its author should know about a contract; one that cannot be deployed is refused by its author's places. */
async function look(script: Script, options: RunOptions, upgrade: UpgradeName): Promise<void> {
  const executor = new Executor()
  try {
    const findings = await inspect(executor, script, script.path, options)
    for (const warning of findings.warnings) log(describeWarning(warning))
    refuse(findings)
    warnOfMigrate(findings.methods, upgrade)
  } finally {
    await executor.close()
  }
}

/** The scripts that no VM of the storage runs, or ran before its contract was replaced; two scripts that are equal need two VMs. */
function notDeployed(scripts: Script[], held: (string | null)[][]): Script[] {
  const left = [...held]
  return scripts.filter(({ source }) => {
    const at = left.findIndex(sources => sources.includes(source))
    if (at !== -1) left.splice(at, 1)
    return at === -1
  })
}

function printReady(context: Context, { key, machine }: Service, resumed: boolean): void {
  const { genesis, contract, head, cores } = machine
  const id = encodeKey(key)
  const methods = methodsToCall(genesis, contract)
  if (context.json) {
    const files = encodeKey(cores.keys.db)
    const hash = Buffer.from(head.hash).toString('hex')
    const { title } = genesis
    const trust = trustIn(genesis.oracles)
    return printJSON({
      event: 'ready',
      key: id,
      files,
      length: head.length,
      hash,
      resumed,
      title,
      methods,
      trust
    })
  }
  const bootstrap = context.flags.bootstrap === undefined ? '' : ` --bootstrap ${context.flags.bootstrap}`
  print(`${genesis.title} is ${resumed ? 'served again' : 'deployed and served'}: ${id}`)
  if (genesis.oracles.length > 0) print(`  ${trustIn(genesis.oracles)}`)
  if (isFactory(genesis)) print(`  vms deploy${bootstrap} … --host ${id}`, `  vms list${bootstrap} ${id}`)
  else for (const method of methods) print(`  vms call${bootstrap} ${id} ${method} …`)
  print(`  vms audit${bootstrap} ${id}`, '')
}

function printRefused(context: Context, id: string, { code, message }: VMSError): void {
  if (context.json) printJSON({ event: 'refused', key: id, code, message })
  log(`vms: ${message.includes(id) ? '' : `${id} is not served: `}${message}`)
}

function nothingToServe({ refused }: Host, storage: string): VMSError {
  if (refused.length > 0) {
    return new VMSError('STORAGE_BROKEN', `none of the VMs in ${storage} can be served: see above`)
  }
  return new VMSError('USAGE', `${storage} holds no VMs: name a contract to deploy, "vms serve script.js"`)
}

function describeLine(vm: string, { index, level, text, line }: HostLine, places?: Places): string {
  const call = index === null ? '' : ` #${index}`
  return `${shorten(vm)}${call} ${level}: ${text}${line === null ? '' : ` (${placeOf(line, places)})`}`
}

// in the author's file, if it is among the scripts that were named
function placeOf(line: number, places?: Places): string {
  const place = places?.locate(line, null)
  return place ? `${place.file}:${place.line}` : `line ${line}`
}

function shorten(id: string): string {
  return id.slice(0, 8)
}
