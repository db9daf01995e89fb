// What the host's storage takes of the disk, and what it may take.

import { readdir, stat, statfs } from 'node:fs/promises'
import path from 'node:path'
import { codeOf, VMSError } from '../errors.js'
import { formatSize } from '../user/sizes.js'

/** Of the time, the share that goes into measuring at most. */
const SHARE = 1 / 20

export class Disk {
  private bytes = 0
  /** when it was measured last, and is measured again at the earliest, as performance.now() */
  private next = -Infinity
  private measuring: Promise<void> | null = null

  /** @param limit bytes */
  constructor(
    private readonly folder: string,
    readonly limit: number | null = null
  ) {}

  /** Bytes of all files in the storage; what RocksDB reserves beyond the end of a file is not counted. */
  async used(): Promise<number> {
    if (performance.now() >= this.next) await (this.measuring ??= this.measure())
    return this.bytes
  }

  /** Bytes that the file system has left. */
  async free(): Promise<number> {
    const { bavail, bsize } = await statfs(this.folder)
    return bavail * bsize
  }

  /** @throws VMSError QUOTA if nothing may be written any more */
  async check(): Promise<void> {
    if (this.limit === null) return
    const used = await this.used()
    if (used < this.limit) return
    throw new VMSError(
      'QUOTA',
      `this host may take ${formatSize(this.limit)} of its disk, and takes ${formatSize(used)}: nothing is written until its ` +
        'operator gives it more'
    )
  }

  private async measure(): Promise<void> {
    const began = performance.now()
    try {
      this.bytes = await sizeOf(this.folder)
    } finally {
      const now = performance.now()
      this.next = now + (now - began) / SHARE
      this.measuring = null
    }
  }
}

// files come and go meanwhile
async function sizeOf(folder: string): Promise<number> {
  const entries = await unlessGone(readdir(folder, { withFileTypes: true }), [])
  const sizes = entries.map(async entry => {
    const place = path.join(folder, entry.name)
    if (entry.isDirectory()) return sizeOf(place)
    return entry.isFile()
      ? unlessGone(
          stat(place).then(({ size }) => size),
          0
        )
      : 0
  })
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

async function unlessGone<T>(result: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await result
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return otherwise
    throw error
  }
}
