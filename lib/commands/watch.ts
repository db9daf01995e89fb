// vms audit --watch: checks each commit of some VMs as it arrives, until interrupted.

import path from 'node:path'
import type { KeyPair } from 'hypercore'
import type { Doubt, Finding, Verdict } from '../audit/findings.js'
import { Watch, type Verified } from '../audit/watch.js'
import { messageOf } from '../errors.js'
import type { Attesting } from '../replica/attested.js'
import { dataFolder } from '../user/folders.js'
import type { Context } from './context.js'
import { EXIT } from './exit.js'
import { log, printJSON } from './output.js'
import { describeKept, saveProof } from './proof.js'

export interface WatchFlags {
  attest?: boolean
  proof?: string
}

/** @returns what the verdicts come to once it is stopped, or none of the VMs can be followed any further */
export async function watchAll(
  context: Context,
  keys: string[],
  { attest, proof }: WatchFlags,
  jobs = 1
): Promise<number> {
  const auditor = attest ? await context.identity() : null
  const watches: Watch[] = []
  // what is still being opened has verified nothing
  const status = () => statusOf(keys.map((_, i) => watches.at(i)?.verdict ?? 'inconclusive'))
  context.runsUntilStopped(status)
  for (const key of keys) watches.push(await watchOne(context, key, { auditor, proof, jobs }))
  await Promise.all(watches.map(watch => watch.ended))
  // who asks later is to be told too
  return attest ? context.stopped : status()
}

/** The exit status of audits that came to these verdicts. */
export function statusOf(verdicts: Verdict[]): number {
  if (verdicts.includes('fraud')) return EXIT.failed
  return verdicts.includes('inconclusive') ? EXIT.unavailable : EXIT.ok
}

interface OneOptions {
  /** who attests */
  auditor: KeyPair | null
  proof?: string
  jobs: number
}

async function watchOne(context: Context, key: string, { auditor, proof, jobs }: OneOptions): Promise<Watch> {
  const replica = await context.replica(key, true)
  const folder = path.join(context.storage ?? dataFolder(), 'audits')
  const watch = context.use(new Watch(replica, { timeout: context.timeout, folder, jobs }))
  const tell = (event: string, fields: object, sentence: string) => {
    if (context.json) printJSON({ event, key, ...fields })
    log(`${key.slice(0, 8)}  ${sentence}`)
  }
  watch.on('verified', ({ length, hash, calls }: Verified) =>
    tell('verified', { length, hash, calls }, `verified: ${length} blocks, ${calls} calls`)
  )
  let saving: Promise<string | null> | null = null
  context.use({ close: async () => void (await saving?.catch(() => null)) })
  watch.on('fraud', (finding: Finding) => {
    const { kind, block, index, detail } = finding
    const place = `block ${block}${index === null ? '' : `, call ${index}`}`
    const kept = kind === 'forked' ? replica.fork?.file : undefined
    tell('fraud', { kind, block, index, detail, proof: kept }, `FRAUD: ${kind} in ${place}: ${detail}`)
    if (kept !== undefined) log(describeKept(kept))
    if (proof === undefined || saving !== null) return
    saving = saveProof(context, replica, [finding], proof)
    saving.catch((error: unknown) => log(`vms: ${messageOf(error)}`)) // the copy was closed
  })
  watch.on('checked', (said: Attesting) => auditor && replica.attest(auditor, said))
  watch.on('rewound', (why: string) => tell('rewound', { reason: why }, why))
  watch.on('inconclusive', ({ block, reason }: Doubt) =>
    tell('inconclusive', { block, reason }, `not checked, from block ${block} on: ${reason}`)
  )
  watch.on('late', ({ block, reason }: Doubt) =>
    tell('late', { block, reason }, `waiting, from block ${block} on: ${reason}`)
  )
  watch.on('online', () => tell('online', {}, 'the host is online'))
  watch.on('offline', () => tell('offline', {}, 'the host is offline'))
  await watch.ready()
  const search = setTimeout(() => {
    if (replica.host === null && watch.online === null) tell('offline', {}, 'no host was found yet')
  }, context.timeout)
  context.use({ close: () => Promise.resolve(clearTimeout(search)) })
  return watch
}
