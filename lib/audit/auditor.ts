// The audit of a VM: replicates its log and replays it, all of it or what was asked for.

import b4a from 'b4a'
import { messageOf, VMSError } from '../errors.js'
import type { Replica } from '../replica/replica.js'
import { doubtsState, Findings, verdictOf, type AuditResult } from './findings.js'
import { checkForks, isContradiction } from './forks.js'
import { hashAt, LiveEvidence } from './live.js'
import { keepFork } from './prove.js'
import { checkReceipts } from './receipts.js'
import { replayInJobs } from './jobs.js'
import { replayRanges, type Replayed } from './ranges.js'
import { decodeBlock } from '../ledger/blocks.js'
import { endOf } from '../ledger/position.js'
import type { Evidence } from './evidence.js'
import { UnloggedFiles } from './unlogged.js'
import {
  beginOf,
  countBlocks,
  randomSeed,
  select,
  shareOut,
  type BlockRange,
  type Selection
} from './selection.js'

export interface AuditOptions extends Selection {
  /** ms to wait for peers, and for each block */
  timeout: number
  /** processes that replay at once, 1 if not given: this one */
  jobs?: number
  /** a process more is worth its start for so many blocks, 64 if not given */
  blocksPerJob?: number
  /** called with the number of blocks audited so far, and of all that will be */
  onprogress?: (done: number, blocks: number) => void
}

const BLOCKS_PER_JOB = 64

/** Whoever begins in the middle and goes on for more blocks than this looks up paths all over the database. */
const FEW_BLOCKS = 64

/**
 * Audits a VM up to the newest block that its host has signed.
 * @throws VMSError UNREACHABLE if neither a peer nor a copy is there; BAD_HOST if the key is not a VM's
 */
export async function audit(replica: Replica, options: AuditOptions): Promise<AuditResult> {
  const { timeout, sample, from, last } = options
  const findings = new Findings()
  await replica.ready()
  await sync(replica, findings, timeout)
  const { length } = replica.log
  const hash = await hashAt(replica, length, timeout)
  const seed = options.seed ?? randomSeed()
  const ranges = select(length, { from, last, sample, seed })
  if (from !== undefined && from > length)
    findings.doubt(length, `the log has ${length} blocks: there is nothing from block ${from} on`)
  let replayed: Replayed = { calls: 0, checked: 0 }
  try {
    if (length > 0 && !replica.contradiction) replayed = await replay(replica, ranges, findings, options)
  } catch (error) {
    const cause = await replica.explain(error)
    if (!isContradiction(cause)) {
      if (cause instanceof VMSError) throw cause
      throw new VMSError('STORAGE_BROKEN', `the audit cannot go on: ${messageOf(cause)}`, { cause })
    }
  }
  await checkForks(replica, length, findings)
  for (const one of findings.findings) if (one.kind === 'forked') await keepFork(replica, one, timeout)
  return {
    verdict: verdictOf(findings),
    length,
    hash: hash === null ? '' : b4a.toString(hash, 'hex'),
    from: Math.min(length, beginOf(length, options)),
    ...(sample !== undefined && { sample, seed }),
    ...replayed,
    ...findings.found
  }
}

/** Waits for the log up to the newest head that the host has signed. */
async function sync(replica: Replica, findings: Findings, timeout: number): Promise<void> {
  const whole = () => replica.log.length >= (replica.head?.length ?? 0)
  try {
    await replica.sync(timeout)
    // the host may have gone on meanwhile
    if (await replica.until(whole, timeout)) return
    const { length } = replica.log
    findings.doubt(
      length,
      `the host has signed ${replica.head!.length} blocks, ${length} of them are available`
    )
  } catch (error) {
    if (!isContradiction(error) && !replica.truncated) throw error
  }
}

/** How many calls a log holds, as its last commit says. */
async function loggedCalls(evidence: Evidence, length: number): Promise<number> {
  for (let n = length - 1; n > 0; n--) {
    try {
      const block = decodeBlock((await evidence.block(n)) ?? b4a.alloc(0))
      if (block.type === 'commit') return endOf(block)
    } catch {
      return 0
    }
  }
  return 0
}

/** Replays the ranges, and compares the answers that were kept. */
async function replay(
  replica: Replica,
  ranges: BlockRange[],
  findings: Findings,
  { timeout, jobs = 1, blocksPerJob = BLOCKS_PER_JOB, onprogress }: AuditOptions
): Promise<Replayed> {
  const blocks = countBlocks(ranges)
  const downloads = [
    replica.log.download({ start: 0, end: 1 }),
    ...ranges.map(range => replica.log.download(range))
  ]
  try {
    if ((await replica.bytes(0, timeout)) === null) {
      findings.doubt(0, 'block 0 is not available')
      return { calls: 0, checked: 0 }
    }
    const cores = await replica.cores()
    const evidence = await LiveEvidence.open(replica, timeout)
    const shares = shareOut(ranges, Math.min(jobs, Math.ceil(blocks / blocksPerJob)))
    if (shares.length > 1 || ranges.some(({ start, end }) => start > 1 && end - start > FEW_BLOCKS))
      downloads.push(cores.db.download({ start: 0, end: cores.db.length }))
    let done = 0
    const onblocks = (count: number) => onprogress?.((done += count), blocks)
    const replayed =
      shares.length > 1
        ? await replayInJobs(evidence, shares, findings, onblocks)
        : await replayRanges(evidence, ranges, findings, () => onblocks(1))
    const unlogged = new UnloggedFiles(replica, cores, evidence)
    await unlogged.note('db')
    await unlogged.note('blobs')
    if (!findings.findings.some(doubtsState)) await unlogged.check(findings, timeout)
    await checkReceipts(replica, cores, findings, timeout)
    if (ranges.at(-1)?.end === replica.log.length && replayed.calls > 0) return replayed
    return { ...replayed, calls: await loggedCalls(evidence, replica.log.length) }
  } finally {
    for (const download of downloads) download.destroy()
  }
}
