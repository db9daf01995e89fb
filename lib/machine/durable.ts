// Durable before visible. RocksDB acknowledges a write once the kernel has it, so a power cut can lose the tail of the
// log; a host that appended again would then sign a second history. So the write-ahead log is synced between the write of
// an atom and the moment at which its blocks are seen by other sessions and by peers.
//
// Rests on private parts of hypercore-storage (an atom's `db`, the path of its database), which is pinned for that.

import { statfsSync } from 'node:fs'
import { open, readdir, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import type Corestore from 'corestore'
import type { Atom } from 'hypercore-storage'
import { messageOf, VMSError } from '../errors.js'

/**
 * A host stops committing while the disk has less than this left: RocksDB does not recover from a full disk by itself, and
 * flushes its memory of 64 MiB beside the logs that it may remove only then.
 */
export const DISK_RESERVE_BYTES = 192 * 1024 * 1024

/** Syncs the write-ahead log of one Corestore; concurrent requests share a sync. */
export class Durability {
  private readonly folder: string
  private file: { number: number; handle: FileHandle } | null = null
  private running: Promise<void> | null = null
  private next: Promise<void> | null = null
  private failure: Error | null = null

  constructor(private readonly store: Corestore) {
    this.folder = path.join(store.storage.path, 'db')
  }

  /** An atom whose flush resolves only when its blocks are on the disk. */
  createAtom(): Atom {
    const atom = this.store.storage.createAtom()
    const db = atom.db
    atom.db = {
      write: options => {
        const batch = db.write(options)
        return {
          tryPut: (key, value) => batch.tryPut(key, value),
          tryDelete: key => batch.tryDelete(key),
          tryDeleteRange: (start, end) => batch.tryDeleteRange(start, end),
          flush: async () => {
            await batch.flush()
            await this.sync()
          }
        }
      }
    }
    return atom
  }

  /** @throws VMSError DISK if there is no room for a commit, or if a sync has failed */
  checkRoom(): void {
    if (this.failure !== null) {
      const why = `a write did not reach the host's disk (${this.failure.message})`
      throw new VMSError('DISK', `${why}: no call is taken until the host is started again`)
    }
    const { bavail, bsize } = statfsSync(this.folder) // microseconds, and no wait for a thread
    if (bavail * bsize < DISK_RESERVE_BYTES) {
      const reserve = DISK_RESERVE_BYTES / 1024 / 1024
      throw new VMSError(
        'DISK',
        `the host's disk has less than ${reserve} MiB left: no call is taken until there is room`
      )
    }
  }

  /**
   * Resolves when everything written before is on the disk. After one that failed none succeeds: what is lost of the
   * write-ahead log stays lost even if a later fdatasync has nothing to complain of, and takes all that follows with it.
   */
  sync(): Promise<void> {
    // a sync that runs already may have begun before our write: share the one after it
    if (this.running === null) return (this.running = this.run())
    return (this.next ??= this.running.then(
      () => this.startNext(),
      () => this.startNext()
    ))
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.running, this.next])
    await this.file?.handle.close()
    this.file = null
  }

  private startNext(): Promise<void> {
    this.next = null
    return (this.running = this.run())
  }

  private async run(): Promise<void> {
    try {
      if (this.failure !== null) throw this.failure
      // what was written before is in the file that is the newest now, or in one before it
      const [wal] = await Promise.all([this.store.storage.db.currentWalFile(), this.file?.handle.datasync()])
      if (this.file?.number === wal.number) return
      await this.follow(wal)
      await this.file!.handle.datasync()
    } catch (error) {
      this.failure = error instanceof Error ? error : new Error(messageOf(error))
      throw this.failure
    } finally {
      if (this.next === null) this.running = null
    }
  }

  // RocksDB has begun a new file, or several: the end of those before it and its entry in the folder must be safe too
  private async follow(wal: { number: number; path: string }): Promise<void> {
    const since = this.file?.number ?? 0
    await this.file?.handle.close()
    this.file = null
    for (const name of await readdir(this.folder)) {
      const number = Number(/^(\d+)\.log$/.exec(name)?.[1] ?? NaN)
      if (number >= since && number < wal.number) await syncFile(path.join(this.folder, name))
    }
    this.file = {
      number: wal.number,
      handle: await open(path.join(this.folder, path.basename(wal.path)), 'r')
    }
    await syncFile(this.folder)
  }
}

async function syncFile(place: string): Promise<void> {
  const handle = await open(place, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
