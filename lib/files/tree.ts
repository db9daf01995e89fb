// What the files of a VM are read from: a tree of paths. The drive is one; an overlay of pending writes on a tree is one.

import Hyperbee, { type BeeCore } from 'hyperbee'
import type Hypercore from 'hypercore'
import SubEncoder from 'sub-encoder'
import type { BlobId } from 'hyperdrive'
import { blobOf, readBlob } from './blob.js'

/** Paths from `gte` (included) up to `lt` (excluded), in the order of their UTF-8 bytes. */
export interface PathRange {
  gte: string
  lt: string
}

export interface Tree {
  /** @returns bytes of the file, null if there is none */
  size(path: string): Promise<number | null>
  /** @returns the file's content, null if there is none */
  get(path: string): Promise<Uint8Array | null>
  /** The paths of files in a range, ascending. */
  paths(range: PathRange): AsyncIterable<string>
}

/** Everything in a folder, at any depth; '0' is the byte after '/'. */
export function inside(folder: string): PathRange {
  return folder === '/' ? { gte: '/', lt: '0' } : { gte: folder + '/', lt: folder + '0' }
}

/** Hyperdrive keeps its entries under this prefix of its Hyperbee. */
export const keyEncoding = new SubEncoder('files', 'utf-8')

/** The Hyperbee of a drive, on any session of its database core; what others have signed is read as a ForeignTree. */
export function openBee(db: BeeCore): Hyperbee {
  return new Hyperbee(db, {
    keyEncoding: 'utf-8',
    valueEncoding: 'json',
    metadata: { contentFeed: null },
    extension: false,
    sessions: false // no snapshot of the core for every read: nobody truncates it under us
  })
}

/** The files as a drive's two cores hold them, if these are our own, or were looked through. */
export class DriveTree implements Tree {
  constructor(
    private readonly bee: Hyperbee,
    private readonly blobs: Hypercore
  ) {}

  async size(path: string): Promise<number | null> {
    return (await this.blob(path))?.byteLength ?? null
  }

  async get(path: string): Promise<Uint8Array | null> {
    const blob = await this.blob(path)
    return blob && readBlob(this.blobs, blob, path)
  }

  async *paths({ gte, lt }: PathRange): AsyncIterable<string> {
    const entries = this.bee.createRangeIterator({ gte, lt }, { keyEncoding })
    try {
      await entries.open()
      for (let node = await entries.next(); node !== null; node = await entries.next()) yield node.key
    } finally {
      await entries.close()
    }
  }

  private async blob(path: string): Promise<BlobId | null> {
    const node = await this.bee.get(path, { keyEncoding })
    return node && blobOf(node.value, path, this.blobs.length)
  }
}
