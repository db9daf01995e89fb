// vms log: prints the records of a VM.

import { countRecords, records, type Logged } from '../client/records.js'
import { readUpgrade, UPGRADE_NEVER } from '../ledger/contract.js'
import { encodeKey } from '../ledger/keys.js'
import { decodeRequest } from '../ledger/request.js'
import { decodeValue } from '../ledger/values.js'
import type { Replica } from '../replica/replica.js'
import { describeOffline } from './age.js'
import { parseNumber, type Context } from './context.js'
import { EXIT } from './exit.js'
import { toJSON } from './json.js'
import { log, print, printJSON } from './output.js'
import { showOracles } from './semi-trusted.js'
import { describeCall, oracleCallOf, outcomeOf, writeOf } from './shown.js'

export async function printLog(
  context: Context,
  key: string,
  options: { from?: string; follow?: boolean }
): Promise<number> {
  const from = options.from === undefined ? 0 : parseNumber('--from', options.from, { min: 0, integer: true })
  const { follow = false } = options
  if (follow) context.runsUntilStopped()
  const replica = await context.replica(key)
  const online = await replica.sync(context.timeout)
  if (!online) log(`${describeOffline(replica)}: the log is shown up to block ${replica.log.length - 1}`)
  await showOracles(context, replica)
  await printRecords(context, replica, { from, follow })
  return EXIT.ok
}

/** Prints the last `count` records. */
export async function printTail(context: Context, replica: Replica, count: number): Promise<void> {
  const { timeout } = context
  const from = Math.max(0, (await countRecords(replica, timeout)) - count)
  await printRecords(context, replica, { from })
}

async function printRecords(
  context: Context,
  replica: Replica,
  range: { from: number; follow?: boolean }
): Promise<void> {
  const { upgrade } = await replica.genesis()
  let since = 0
  for await (const logged of records(replica, { ...range, timeout: context.timeout })) {
    const { contract, block } = logged
    if (contract.block !== since && !context.json)
      print(`contract ${contract.hash.slice(0, 8)}, since block ${contract.block}`)
    since = contract.block
    printRecord(context, logged, upgrade !== UPGRADE_NEVER && contract.block === block)
  }
}

/** @param isUpgrade whether the record replaces the contract */
function printRecord(context: Context, { index, block, record, contract }: Logged, isUpgrade: boolean): void {
  const request = decodeRequest(record.request)
  const caller = encodeKey(request.caller)
  // a contract is told by its hash: "vms info --source" prints it
  const args = isUpgrade ? [readUpgrade(request).from, contract.hash] : toJSON(decodeValue(request.args))
  const { method } = request
  const { gas } = record
  const writes = record.writes.map(writeOf)
  const outcome = outcomeOf(record.outcome)
  const oracles = record.oracles.map(oracleCallOf)
  const call = { index, caller, method, args, outcome, gas, writes, oracles }
  if (context.json) return printJSON({ ...call, block, contract: contract.hash })
  print(...describeCall({ ...call, caller: caller.slice(0, 8) }))
}
