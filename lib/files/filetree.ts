// The files of a drive: of our own, of one that a stranger has signed, of one that goes on in memory. It reads and writes what
// Hyperdrive would, and reads of the database no other blocks than Hyperbee: each is fetched from a peer, or stands in a proof.
// Whatever the blocks say, all of it comes to an end.

import b4a from 'b4a'
import type { BlobId } from 'hyperdrive'
import { Batch } from './bee/batch.js'
import type { Key } from './bee/node.js'
import { MEMORY_BYTES, Nodes } from './bee/nodes.js'
import { Ahead, Walk } from './bee/walk.js'
import { checkBlob, formatEntry, readBlob, type BlockSource, type BlockStore } from './blob.js'
import { keyEncoding, type PathRange, type Tree } from './tree.js'

/** One path, and the blob that it has from now on; null: deleted. */
export interface Operation {
  path: string
  blob: BlobId | null
}

const PREFIX = b4a.toString(keyEncoding.encode(''), 'latin1')
const PRINTABLE = /^[ -~]*$/

export class FileTree<Core extends BlockSource = BlockSource> implements Tree {
  private readonly nodes: Nodes

  /**
   * @param db the database; it may grow, the tree is always that at its end
   * @param blobs the files that it names
   * @param memory bytes that what is kept of the tree may take, roughly
   */
  constructor(
    readonly db: Core,
    readonly blobs: Core,
    memory = MEMORY_BYTES
  ) {
    this.nodes = new Nodes(db, memory)
  }

  /** @throws VMSError BAD_HOST, as all of them do, if what is signed is no tree of files */
  async has(path: string): Promise<boolean> {
    return (await this.find(path)) !== null
  }

  async size(path: string): Promise<number | null> {
    return (await this.blob(path))?.byteLength ?? null
  }

  async get(path: string): Promise<Uint8Array | null> {
    const blob = await this.blob(path)
    return blob && readBlob(this.blobs, blob, path)
  }

  async *paths({ gte, lt }: PathRange): AsyncIterable<string> {
    const { nodes } = this
    const range = { gte: nameOf(gte), lt: nameOf(lt) }
    const walk = new Walk(nodes, range)
    let ahead: Ahead | null = null
    try {
      for (;;) {
        const name = await nodes.when(root => walk.next(root))
        if (name === null) return
        yield pathOf(name)
        if (ahead !== null || this.db.complete) continue
        ahead = new Ahead(nodes, range) // whoever wants one path only never comes here
        ahead.begin()
      }
    } finally {
      ahead?.end()
    }
  }

  /**
   * Appends one batch to the database, all or nothing; nothing is read while it is written. The deletion of what is not
   * there makes no block. After a failure the tree is again what the database holds, which is what it was before unless the
   * core appends and fails.
   */
  async write(this: FileTree<BlockStore>, operations: Operation[]): Promise<void> {
    const { db, nodes } = this
    const batch = new Batch(nodes)
    try {
      for (const { path, blob } of operations) {
        const name = nameOf(path)
        const done = nodes.when(root =>
          blob === null ? batch.delete(root, name) : batch.put(root, name, blob, formatEntry(blob))
        )
        if (done !== undefined) await done
      }
      if (batch.size === 0) return
      await db.append(batch.blocks())
      nodes.settle()
    } catch (error) {
      nodes.forget()
      throw error
    }
  }

  private async blob(path: string): Promise<BlobId | null> {
    const key = await this.find(path)
    return key && checkBlob(key.blob, path, this.blobs.length)
  }

  private find(path: string): Key | null | Promise<Key | null> {
    const name = nameOf(path)
    return this.nodes.when(root => root && this.nodes.find(root, name))
  }
}

// the key of a path, its bytes each a character

function nameOf(path: string): string {
  return PRINTABLE.test(path) ? PREFIX + path : b4a.toString(keyEncoding.encode(path), 'latin1')
}

function pathOf(name: string): string {
  const path = name.slice(PREFIX.length)
  return PRINTABLE.test(path) ? path : keyEncoding.decode(b4a.from(name, 'latin1'))
}
