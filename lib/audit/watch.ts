// A watch over a VM: follows its log, checks each commit as it arrives, remembers how far it has come, and goes on from there
// after a restart. What is late is waited for; what is wrong is told once.
//
// Events: 'verified' (Verified), 'fraud' (Finding), 'inconclusive' (Doubt), 'checked' (Attesting: after each of these),
// 'late' (Doubt: nobody sends what comes next), 'online', 'offline', 'rewound' (a sentence: the host shows less than it has signed)

import { setTimeout as sleep } from 'node:timers/promises'
import b4a from 'b4a'
import ReadyResource from 'ready-resource'
import { codeOf, messageOf } from '../errors.js'
import type { Download } from 'hypercore'
import type { Replica } from '../replica/replica.js'
import { NEVER } from '../replica/within.js'
import { doubtsState, Findings, verdictOf, type Doubt, type Finding, type Verdict } from './findings.js'
import { checkForks, isContradiction } from './forks.js'
import { replayInJobs } from './jobs.js'
import { hashAt, LiveEvidence } from './live.js'
import { NOTHING, ProgressFile, type Progress } from './progress.js'
import { Replay, Stop } from './replay.js'
import { checkReceipts } from './receipts.js'
import { shareOut } from './selection.js'
import { UnloggedFiles } from './unlogged.js'

export interface WatchOptions {
  /** ms to wait for a block before it is asked for again */
  timeout: number
  /** where the progress is kept */
  folder: string
  /** processes that catch up with a log that is far ahead, 1 if not given: this one */
  jobs?: number
}

export interface Verified {
  /** blocks that were checked */
  length: number
  /** tree hash of the log at that length, hex */
  hash: string
  calls: number
}

/** How often progress is told and written down, at most. */
const SAVE_INTERVAL_MS = 1000

/** Blocks that processes catch up with at a time, and from how many on they do. */
const BLOCKS_AT_ONCE = 8192
const FAR_AHEAD = 512

/** What is late, and was waited for, is asked for again after this. */
const RETRY_MS = 1000

/** The longest that the host is waited for when it is asked something. */
const ASK_MS = 2000

/** How often it is looked whether files or answers came that the log does not know of. */
const TICK_MS = 500

/** Findings and doubts that are told: after so many, one more says nothing new. */
const MOST_FINDINGS = 1000
const MOST_DOUBTS = 100

export class Watch extends ReadyResource {
  progress: Progress = NOTHING
  /** the progress that was written down last */
  private settled: Progress = NOTHING
  private readonly file: ProgressFile
  private readonly found = new Findings()
  private readonly stopping = new AbortController()
  private rewound = false
  /** what is waited for longer than usual */
  private late: Doubt | null = null
  private evidence: LiveEvidence | null = null
  private unlogged: UnloggedFiles | null = null
  private stopNoting = () => {}
  private replay: Replay | null = null
  private downloads: Download[] = []
  /** resolves when nothing can be followed any further: the host has contradicted itself */
  readonly ended: Promise<void>
  private end!: () => void
  private running: Promise<void> = Promise.resolve()
  /** whether the host is there; null if it never was */
  online: boolean | null = null
  private saved = 0
  /** the verdict and the tree hash that were told last */
  private told = ''

  constructor(
    private readonly replica: Replica,
    private readonly options: WatchOptions
  ) {
    super()
    this.file = new ProgressFile(options.folder, replica.key)
    this.ended = new Promise(resolve => (this.end = resolve))
  }

  /** What is known so far, of the blocks that were checked; nothing if there are none. */
  get verdict(): Verdict {
    const { length, findings } = this.progress
    if (findings.length > 0) return 'fraud'
    return length === 0 || this.late !== null ? 'inconclusive' : verdictOf(this.progress)
  }

  protected override async _open(): Promise<void> {
    await this.replica.ready()
    this.progress = await this.file.load()
    this.replica.on('link', this.look)
    this.running = this.run().catch(async (error: unknown) => this.fail(await this.replica.explain(error)))
  }

  protected override async _close(): Promise<void> {
    await Promise.resolve() // until `closing` is set
    this.stopping.abort()
    this.replica.off('link', this.look)
    this.replica.emit('link') // whoever waits looks again
    await this.running
    this.stopNoting()
    for (const download of this.downloads) download.destroy()
    await this.replay?.close()
    // what was checked since it was written down is not compared with the published files
    const { length, hash, calls } = this.settled
    if (length > 0) await this.file.save({ ...this.progress, length, hash, calls })
  }

  private async run(): Promise<void> {
    this.look()
    while (!this.closing) {
      try {
        await this.follow()
      } catch (error) {
        const cause = await this.replica.explain(error)
        if (codeOf(cause) !== 'REWOUND') throw cause
        // it may have lost the end of its log, and find it again
        if (!this.rewound) this.emit('rewound', messageOf(cause))
        this.rewound = true
        await sleep(RETRY_MS, undefined, { signal: this.stopping.signal }).catch(() => {})
      }
    }
  }

  private async follow(): Promise<void> {
    const { replica } = this
    await this.wait(() => replica.log.length > 1 && replica.log.manifest !== null, NEVER)
    if (this.closing) return
    if (this.evidence === null) await this.begin()
    while (!this.closing) {
      await this.catchUp()
      this.rewound = false
      await this.wait(() => replica.log.length > this.progress.length, TICK_MS)
    }
  }

  private async begin(): Promise<void> {
    const { replica, options } = this
    const cores = await replica.cores()
    const evidence = await LiveEvidence.open(replica, options.timeout)
    this.unlogged = new UnloggedFiles(replica, cores, evidence)
    this.stopNoting = this.unlogged.watch()
    const { db, blobs } = cores
    this.downloads = [
      replica.log.download({ start: this.progress.length, end: -1 }),
      db.download({ start: 0, end: -1 }),
      blobs.download({ start: 0, end: -1 })
    ]
    await this.checkProgress()
    this.evidence = evidence
  }

  /** What was checked before must be what the log still holds: whoever replaced it is found out by the replica. */
  private async checkProgress(): Promise<void> {
    const { replica } = this
    const { length, hash } = this.progress
    if (length > 0) await this.wait(() => replica.log.length >= length || replica.caughtUp(), NEVER)
    if (this.closing) return
    if (length > 0 && (await this.hashShown(length)) !== hash) this.progress = NOTHING
    if (this.closing) return
    this.settled = this.progress
    for (const finding of this.progress.findings) this.emit('fraud', finding)
    for (const doubt of this.progress.doubts) this.emit('inconclusive', doubt)
  }

  private async catchUp(): Promise<void> {
    const { replica } = this
    while (!this.closing && this.progress.length < replica.log.length) {
      const { length } = replica.log
      const far = length - this.progress.length > FAR_AHEAD && (this.options.jobs ?? 1) > 1
      const done = far ? await this.stride(length) : await this.step()
      if (done && performance.now() - this.saved > SAVE_INTERVAL_MS) await this.save()
      if (done) continue
      await this.save()
      await this.wait(() => false, RETRY_MS)
    }
    await this.save()
  }

  /** Checks one block. @returns whether it could be checked */
  private async step(): Promise<boolean> {
    const { length } = this.progress
    let stopped = false
    try {
      this.replay ??= await this.openReplay() // which checks block 0
      if (length > 0) {
        await this.replay.seek(length)
        await this.replay.step()
      }
    } catch (error) {
      if (!(error instanceof Stop)) throw error
      stopped = true
    }
    const done = this.settleBlocks()
    // what cannot be read was told, and is passed over
    if (done)
      this.progress = {
        ...this.progress,
        length: length + 1,
        calls: this.replay?.calls ?? this.progress.calls
      }
    if (stopped || !done) {
      await this.replay?.close()
      this.replay = null
    }
    return done
  }

  /** Checks many blocks in several processes. @returns whether they could be checked */
  private async stride(length: number): Promise<boolean> {
    const start = Math.max(1, this.progress.length)
    const end = Math.min(length, start + BLOCKS_AT_ONCE)
    const shares = shareOut([{ start, end }], this.options.jobs ?? 1)
    const { calls } = await replayInJobs(this.evidence!, shares, this.found)
    const done = this.settleBlocks()
    if (done) this.progress = { ...this.progress, length: end, calls }
    return done
  }

  private async openReplay(): Promise<Replay> {
    const replay = new Replay(this.evidence!, this.found)
    try {
      await replay.open()
      return replay
    } catch (error) {
      await replay.close()
      throw error
    }
  }

  /**
   * Tells what was found.
   * @returns what is missing, if nothing is wrong
   */
  private report(): Doubt | null {
    const { findings, doubts } = this.found.drain()
    const missing = doubts.find(({ cause }) => cause === 'missing')
    if (missing && findings.length === 0) return missing
    for (const finding of findings)
      if (!this.progress.findings.some(one => same(one, finding))) this.tell(finding)
    for (const doubt of doubts) {
      const told = this.progress.doubts
      if (doubt.cause === 'missing' || told.some(({ reason }) => reason === doubt.reason)) continue
      if (told.length >= MOST_DOUBTS) continue
      this.progress = { ...this.progress, doubts: [...this.progress.doubts, doubt] }
      this.emit('inconclusive', doubt)
    }
    return null
  }

  /**
   * Tells what was found in blocks, and once what nobody sends: until it comes nothing after it is verified.
   * @returns whether nothing was missing
   */
  private settleBlocks(): boolean {
    const missing = this.report()
    if (missing && missing.reason !== this.late?.reason) this.emit('late', missing)
    this.late = missing
    return missing === null
  }

  private tell(finding: Finding): void {
    if (this.progress.findings.length >= MOST_FINDINGS) return
    this.progress = { ...this.progress, findings: [...this.progress.findings, finding] }
    this.emit('fraud', finding)
  }

  /** Compares the files that are published, and writes down how far it has come. */
  private async save(): Promise<void> {
    const { length } = this.progress
    if (this.replay && !(await this.replay.settle())) return void this.report() // they are on their way
    if (!this.progress.findings.some(doubtsState)) await this.unlogged?.check(this.found, ASK_MS, true)
    await checkReceipts(this.replica, await this.replica.cores(), this.found, ASK_MS)
    this.report()
    const hash = await this.hash(length)
    if (hash === null || this.closing) return
    this.saved = performance.now()
    const verdict = verdictOf(this.progress)
    const told = `${verdict} ${hash}`
    if (told === this.told || length < 2) return
    this.told = told
    this.settled = this.progress = { ...this.progress, hash }
    await this.file.save(this.progress)
    this.emit('checked', { length, hash: b4a.from(hash, 'hex'), verdict })
    if (verdict === 'verified') this.emit('verified', { length, hash, calls: this.progress.calls })
  }

  /** The log's tree hash as the log shows it, however late it comes; null if the log is not that long. */
  private async hashShown(length: number): Promise<string | null> {
    while (!this.closing && length <= this.replica.log.length) {
      const hash = await this.hash(length)
      if (hash !== null) return hash
      await this.wait(() => false, RETRY_MS)
    }
    return null
  }

  private async hash(length: number): Promise<string | null> {
    const hash = await hashAt(this.replica, length, this.options.timeout)
    return hash && b4a.toString(hash, 'hex')
  }

  private async wait(condition: () => boolean, timeout: number): Promise<void> {
    await this.replica.until(() => this.closing !== null || condition(), timeout)
  }

  private readonly look = () => {
    const online = this.replica.host !== null
    if (online === (this.online ?? false)) return
    this.online = online
    this.emit(online ? 'online' : 'offline')
  }

  private async fail(error: unknown): Promise<void> {
    if (this.closing || codeOf(error) === 'CLOSED') return
    const { length, hash } = this.progress
    const block = Math.max(0, length - 1)
    if (isContradiction(error)) {
      const findings = new Findings()
      await checkForks(this.replica, length, findings)
      for (const finding of findings.findings) this.tell(finding)
      if (hash !== '') this.emit('checked', { length, hash: b4a.from(hash, 'hex'), verdict: this.verdict })
    } else this.emit('inconclusive', { block, reason: messageOf(error), cause: 'missing' })
    this.end()
  }
}

function same(a: Finding, b: Finding): boolean {
  return a.kind === b.kind && a.block === b.block && a.index === b.index
}
