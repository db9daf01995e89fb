// A copy of a VM that has every block, or every one that is not on this machine already: fetches what the host publishes, as it
// comes.

import { setTimeout as sleep } from 'node:timers/promises'
import type Hypercore from 'hypercore'
import type { Download } from 'hypercore'
import ReadyResource from 'ready-resource'
import { VMSError } from '../errors.js'
import type { Commit } from '../ledger/blocks.js'
import { storedBytes, type Cores } from '../machine/cores.js'
import type { Replica } from './replica.js'
import { NEVER } from './within.js'

/** How far the copy has come. */
export interface Synced {
  /** blocks of the log; the files are as they leave them */
  length: number
  /** bytes of the blocks of log and files */
  bytes: number
}

/** Blocks of log, database and blobs. */
export type Lengths = Record<'log' | 'db' | 'blobs', number>

export interface FullCopyOptions {
  /** makes room for so many bytes in all, with BLOCK_BYTES for each block, and tells whether there is */
  reserve?: (bytes: number) => Promise<boolean>
  /** how many blocks are not fetched, since they are elsewhere on this machine */
  held?: Lengths
}

/** What is stored beside a block, about: hashes, where it begins, that it is there. */
export const BLOCK_BYTES = 256

/** What failed is tried again after so many ms, and where there is no room, it is looked whether there is. */
const RETRY_MS = 1000

/**
 * Events: 'synced' (Synced) each time that everything is there; 'no-room' once there is none for what comes next, with the
 * bytes that all of it has; 'fraud' (VMSError) when the host has contradicted itself: what is there stays there.
 */
export class FullCopy extends ReadyResource {
  synced: Synced | null = null
  /** Whether there is no room for what its host has published since. */
  full = false
  private readonly stopping = new AbortController()
  /** blocks that have come, and their bytes */
  readonly received = { blocks: 0, bytes: 0 }
  private watched = false
  private downloads: Download[] = []
  private running: Promise<void> = Promise.resolve()

  constructor(
    readonly replica: Replica,
    private readonly options: FullCopyOptions = {}
  ) {
    super()
  }

  protected override async _open(): Promise<void> {
    await this.replica.ready()
    this.running = this.run()
  }

  protected override async _close(): Promise<void> {
    await Promise.resolve() // until `closing` is set
    this.stopping.abort()
    for (const download of this.downloads) download.destroy()
    await this.replica.close()
    await this.running
  }

  private async run(): Promise<void> {
    while (!this.closing) {
      try {
        await this.follow()
      } catch (error) {
        const cause = await this.replica.explain(error)
        if (cause instanceof VMSError && cause.code === 'FRAUD') return void this.emit('fraud', cause)
        await this.pause()
      }
    }
  }

  private async follow(): Promise<void> {
    const { replica } = this
    const { log } = replica
    await replica.until(() => log.length > 1 && log.manifest !== null, NEVER)
    const cores = await replica.cores()
    this.watch(cores)
    const { held = { log: 0, db: 0, blobs: 0 } } = this.options
    const length = log.length
    if (!(await this.fits(cores))) return this.pause()
    await this.fetch(log, held.log, length)
    const { after } = await this.lastCommit(length)
    await grown(cores.db, after.db.length, this.stopping.signal)
    await grown(cores.blobs, after.blobs.length, this.stopping.signal)
    const [db, blobs, bytes] = [cores.db.length, cores.blobs.length, storedBytes(cores)]
    if (!(await this.fits(cores))) return this.pause()
    await Promise.all([this.fetch(cores.db, held.db, db), this.fetch(cores.blobs, held.blobs, blobs)])
    this.synced = { length, bytes }
    this.emit('synced', this.synced)
    await replica.until(() => log.length > length, NEVER)
  }

  private watch({ log, db, blobs }: Cores): void {
    if (this.watched) return
    this.watched = true
    for (const core of [log, db, blobs]) {
      core.on('download', (_index, bytes) => {
        this.received.blocks++
        this.received.bytes += bytes
      })
    }
  }

  /** Whether there is room for what is published; how much that is was signed before any of it is fetched. */
  private async fits(cores: Cores): Promise<boolean> {
    const { log, db, blobs } = cores
    const bytes = storedBytes(cores) + BLOCK_BYTES * (log.length + db.length + blobs.length)
    const fits = (await this.options.reserve?.(bytes)) ?? true
    if (!fits && !this.full) this.emit('no-room', bytes)
    this.full = !fits
    return fits
  }

  private async fetch(core: Hypercore, held: number, end: number): Promise<void> {
    const start = Math.max(held, core.contiguousLength)
    if (start >= end) return
    const download = core.download({ start, end })
    this.downloads.push(download)
    try {
      if (!(await download.done()) && !(await core.has(start, end)))
        throw new Error('the download was given up')
    } finally {
      this.downloads.splice(this.downloads.indexOf(download), 1)
    }
  }

  private async lastCommit(length: number): Promise<Commit> {
    for (let n = length - 1; n > 0; n--) {
      const block = await this.replica.block(n)
      if (block.type === 'commit') return block
    }
    throw new Error('the log holds no commit')
  }

  private async pause(): Promise<void> {
    await sleep(RETRY_MS, undefined, { signal: this.stopping.signal }).catch(() => {})
  }
}

/** Waits until a core is so long. */
async function grown(core: Hypercore, length: number, signal: AbortSignal): Promise<void> {
  while (core.length < length) {
    await new Promise<void>((resolve, reject) => {
      const settle = (finish: () => void) => {
        core.off('append', onappend)
        signal.removeEventListener('abort', onabort)
        finish()
      }
      const onappend = () => settle(resolve)
      const onabort = () => settle(() => reject(new VMSError('CLOSED', 'closed while it waited')))
      core.on('append', onappend)
      signal.addEventListener('abort', onabort)
      if (signal.aborted) onabort()
    })
  }
}
