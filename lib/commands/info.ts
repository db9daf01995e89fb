// vms info: what a VM is.

import { describe, type Info } from '../client/info.js'
import { messageOf } from '../errors.js'
import { placeOf } from '../host/factory-contract.js'
import { latestSnapshot } from '../replica/snapshot.js'
import { within } from '../replica/within.js'
import { describeOffline, formatAge } from './age.js'
import type { Context } from './context.js'
import { EXIT } from './exit.js'
import { describeVerified, hearTrusted, readTrust, trustingReplica, type TrustFlags } from './trust.js'
import { log, print, printJSON, printText } from './output.js'

export async function info(
  context: Context,
  key: string,
  { source, compare, ...flags }: { source?: boolean; compare?: string } & TrustFlags
): Promise<number> {
  const contract = compare === undefined ? null : await readContract(compare)
  const trust = readTrust(flags)
  const replica = await trustingReplica(context, key, trust)
  const online = await replica.sync(context.timeout)
  await hearTrusted(context, replica, trust)
  const found = await describe(replica, online, context.timeout)
  if (!online) log(describeOffline(replica))
  const listed = found.factory === null ? null : await isListed(context, found.factory, found.key)
  const { size } = replica.trusted
  if (compare !== undefined) return showComparison(context, compare, contract === found.source)
  if (source) {
    if (context.json) printJSON({ source: found.source })
    else printText(found.source.replace(/\n$/, ''))
  } else if (context.json) printJSON({ ...found, source: undefined, listed })
  else {
    printInfo(context, found, size)
    if (found.factory !== null) print(`factory   ${found.factory}: ${describeListed(listed)}`)
  }
  return EXIT.ok
}

function describeListed(listed: boolean | null): string {
  if (listed === null) return 'it was not reached'
  return listed ? 'its log says so' : 'NOT in its list: this VM was removed, or deployed without being logged'
}

/** Whether the factory that genesis names has the VM in its list; null if it cannot be asked. */
async function isListed(context: Context, factory: string, key: string): Promise<boolean | null> {
  const replica = await context.replica(factory)
  try {
    await replica.sync(context.timeout)
    const { tree } = await latestSnapshot(replica, context.timeout)
    const size = tree.size(placeOf(key)).then(bytes => bytes !== null)
    return await within<boolean | null>(context.timeout, size, () => null)
  } catch (error) {
    log(`vms: what ${factory} lists is not known: ${messageOf(error)}`)
    return null
  }
}

/** @param trusted how many auditors are trusted */
export function printInfo(context: Context, found: Info, trusted: number): void {
  if (context.json) return printJSON({ ...found, source: undefined })
  const { node, arch } = found.runtime
  const lines: [string, string][] = [
    ['title', found.title],
    ['key', found.key],
    ['owner', found.owner],
    ['methods', found.methods.join(', ')],
    ['trust', found.trust],
    ['host', found.online ? 'online' : 'offline: this is as it was seen last'],
    ['log', `${found.length} blocks, ${found.hash}`],
    ['head', found.age === null ? 'none seen' : `signed ${formatAge(found.age)} ago`],
    ...(trusted === 0 ? [] : [['audited', describeVerified(found.verified, trusted)] as [string, string]]),
    ['runtime', `Node ${node} on ${arch}, engine ${found.engine}`],
    ['contract', found.sourceHash],
    ['upgrades', describeUpgrades(found)]
  ]
  const width = Math.max(...lines.map(([name]) => name.length))
  for (const [name, text] of lines) print(`${name.padEnd(width)}  ${text}`)
}

function describeUpgrades({ upgrade, contractBlock }: Info): string {
  if (upgrade === 'never') return 'never: the contract stays as it is'
  const since = contractBlock === 0 ? 'it did not so far' : `the contract is that of block ${contractBlock}`
  return `the owner may replace the contract; ${since}`
}

function showComparison(context: Context, file: string, same: boolean): number {
  if (context.json) printJSON({ same })
  else print(same ? `${file} is the contract of this VM` : `${file} is another contract`)
  return same ? EXIT.ok : EXIT.failed
}

async function readContract(file: string): Promise<string> {
  const { bundle } = await import('../sandbox/bundle.js')
  return (await bundle(file)).source
}
