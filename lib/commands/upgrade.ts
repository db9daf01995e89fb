// vms upgrade: replaces the contract of a VM.

import { Calls } from '../client/calls.js'
import { upgrade as upgradeTo } from '../client/upgrade.js'
import { VMSError } from '../errors.js'
import { hashSource, methodsToCall, MIGRATE, type UpgradeName } from '../ledger/contract.js'
import { encodeKey } from '../ledger/keys.js'
import { newestContract } from '../replica/contract.js'
import { bundle } from '../sandbox/bundle.js'
import { Executor } from '../sandbox/executor.js'
import { describeWarning, inspect, refuse } from '../sandbox/findings.js'
import type { Context } from './context.js'
import { EXIT } from './exit.js'
import { log, print, printJSON } from './output.js'

/** Says what is easily overlooked of a contract that is deployed. */
export function warnOfMigrate(methods: string[], policy: UpgradeName): void {
  if (policy === 'never' && methods.includes(MIGRATE))
    log(
      'vms: migrate is a method like others here, and anybody can call it: it runs once where the owner may upgrade (--upgrade owner)'
    )
}

export async function upgrade(context: Context, key: string, script: string): Promise<number> {
  const { timeout } = context
  const bundled = await bundle(script)
  const replica = await context.replica(key)
  if (!(await replica.sync(timeout)))
    throw new VMSError('UNREACHABLE', `the host of ${encodeKey(replica.key)} is offline: nothing was sent`)
  const genesis = await replica.genesis()
  const before = await newestContract(replica, timeout)
  const { gas } = genesis.limits
  const findings = await inspect(context.use(new Executor()), bundled, script, {
    gas,
    oracles: genesis.oracles
  })
  for (const warning of findings.warnings) log(describeWarning(warning))
  refuse(findings)
  const contract = { source: bundled.source, methods: findings.methods }
  const calls = new Calls(replica, await context.identity())
  const { block, index } = await upgradeTo(calls, genesis, before, contract, { timeout })
  const id = encodeKey(replica.key)
  const logged = await replica.block(block, timeout)
  if (logged.type !== 'commit' || logged.upgrade === null)
    throw new VMSError(
      'BAD_HOST',
      `the host of ${id} has logged the upgrade as something else, in block ${block}`
    )
  const methods = methodsToCall(genesis, contract)
  const sourceHash = Buffer.from(hashSource(contract.source)).toString('hex')
  if (context.json) printJSON({ event: 'upgraded', key: id, block, index, methods, sourceHash })
  else {
    print(`${genesis.title} runs the new contract from block ${block} on: ${id}`)
    for (const method of methods) print(`  vms call ${id} ${method} …`)
  }
  return EXIT.ok
}
