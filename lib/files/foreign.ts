// The files of a drive that a stranger has signed. Hyperbee trusts what it reads: a node that is its own child keeps it
// running for ever, in microtasks, so that no timer fires. Here every node is compared with what an honest tree has
// before the way leads on: its keys ascend, and lie between those of the nodes above. No node can come twice, then.

import b4a from 'b4a'
import type Hypercore from 'hypercore'
import { Node, YoloIndex, type Level } from 'hyperbee/lib/messages.js'
import type { BlobId } from 'hyperdrive'
import { VMSError } from '../errors.js'
import { blobOf, readBlob } from './blob.js'
import { keyEncoding, type PathRange, type Tree } from './tree.js'

// Bounds that no tree of Hyperbee comes near: below its root a node has 4 to 8 keys, which makes 5^32 paths, and a block
// has the nodes that changed with one path, at most a few of each depth.
const MAX_DEPTH = 32
const MAX_KEYS = 32
const MAX_BLOCK_BYTES = 64 * 1024

/** Blocks that are kept decoded. */
const KEPT_BLOCKS = 256

/** Nodes that are asked for ahead of who goes through many paths. */
const NODES_AHEAD = 2048

interface Block {
  key: Uint8Array
  value: Uint8Array | null
  levels: Level[]
}

/** Where a node is, and the keys between which its own must lie. */
interface Place {
  seq: number
  offset: number
  depth: number
  above: Uint8Array | null
  below: Uint8Array | null
}

/** A node that was checked; `children` is empty, or has one more than `entries`. */
interface Branch {
  entries: Block[]
  children: Place[]
}

interface KeyRange {
  gte: Uint8Array
  lt: Uint8Array
}

export class ForeignTree implements Tree {
  private readonly blocks = new Map<number, Promise<Block>>()

  /**
   * @param db its first `dbLength` blocks are the database
   * @param blobs its first `blobsLength` blocks are the files
   */
  constructor(
    private readonly db: Hypercore,
    private readonly dbLength: number,
    private readonly blobs: Hypercore,
    private readonly blobsLength: number
  ) {}

  /** @throws VMSError BAD_HOST, as all of them do, if what is signed is no tree of files */
  async size(path: string): Promise<number | null> {
    return (await this.blob(path))?.byteLength ?? null
  }

  async get(path: string): Promise<Uint8Array | null> {
    const blob = await this.blob(path)
    return blob && readBlob(this.blobs, blob, path)
  }

  async *paths({ gte, lt }: PathRange): AsyncIterable<string> {
    const root = this.root()
    if (root === null) return
    const range = { gte: keyEncoding.encode(gte), lt: keyEncoding.encode(lt) }
    const ahead = { left: NODES_AHEAD, begun: this.db.contiguousLength >= this.dbLength }
    try {
      for await (const key of this.walk(root, range)) {
        yield keyEncoding.decode(key)
        // whoever wants one path only never comes here
        if (!ahead.begun) this.fetch(root, range, ahead).catch(() => {}) // the walk will come to it
        ahead.begun = true
      }
    } finally {
      ahead.left = 0
    }
  }

  private async *walk(place: Place, range: KeyRange): AsyncIterable<Uint8Array> {
    const { entries, children } = await this.branch(place)
    for (let i = 0; i <= entries.length; i++) {
      if (i < children.length && meets(children[i], range)) yield* this.walk(children[i], range)
      if (i === entries.length || b4a.compare(entries[i].key, range.lt) >= 0) return
      if (b4a.compare(entries[i].key, range.gte) >= 0) yield entries[i].key
    }
  }

  // asks for all that lies in the range at once, so that the walk need not wait for one node after the other
  private async fetch(place: Place, range: KeyRange, ahead: { left: number }): Promise<void> {
    if (ahead.left-- <= 0) return
    const { children } = await this.branch(place)
    await Promise.all(
      children.filter(child => meets(child, range)).map(child => this.fetch(child, range, ahead))
    )
  }

  private async blob(path: string): Promise<BlobId | null> {
    const entry = await this.find(keyEncoding.encode(path))
    return entry && blobOf(parse(entry.value), path, this.blobsLength)
  }

  private async find(key: Uint8Array): Promise<Block | null> {
    let place = this.root()
    while (place !== null) {
      const { entries, children }: Branch = await this.branch(place)
      const after = entries.findIndex(entry => b4a.compare(entry.key, key) >= 0)
      if (after !== -1 && b4a.equals(entries[after].key, key)) return entries[after]
      place = children.at(after) ?? null // the last one, if all entries are before the key
    }
    return null
  }

  private root(): Place | null {
    if (this.dbLength < 2) return null // there is a header at most
    return { seq: this.dbLength - 1, offset: 0, depth: 0, above: null, below: null }
  }

  private async branch({ seq, offset, depth, above, below }: Place): Promise<Branch> {
    const level = (await this.block(seq)).levels.at(offset)
    if (!level || depth > MAX_DEPTH || level.keys.length > MAX_KEYS) throw broken(seq)
    const { keys, children } = level
    if (children.length !== 0 && children.length !== 2 * (keys.length + 1)) throw broken(seq)
    if (keys.length === 0 && (depth > 0 || children.length > 0)) throw broken(seq) // only a root is empty
    if (keys.some(key => key < 1 || key > seq)) throw broken(seq)

    const entries = await Promise.all(keys.map(key => this.block(key)))
    const bounds = [above, ...entries.map(({ key }) => key), below]
    for (const [i, key] of bounds.slice(1).entries()) {
      const last = bounds[i]
      if (last !== null && key !== null && b4a.compare(last, key) >= 0) throw broken(seq)
    }
    const places: Place[] = []
    for (let i = 0; 2 * i < children.length; i++) {
      const child = { seq: children[2 * i], offset: children[2 * i + 1], depth: depth + 1 }
      if (child.seq < 1 || child.seq > seq) throw broken(seq)
      places.push({ ...child, above: bounds[i], below: bounds[i + 1] })
    }
    return { entries, children: places }
  }

  private block(seq: number): Promise<Block> {
    const kept = this.blocks.get(seq)
    if (kept) return kept
    const block = this.read(seq)
    this.blocks.set(seq, block)
    block.catch(() => this.blocks.delete(seq))
    if (this.blocks.size > KEPT_BLOCKS) this.blocks.delete(this.blocks.keys().next().value!)
    return block
  }

  private async read(seq: number): Promise<Block> {
    const bytes = await this.db.get(seq)
    if (bytes === null || bytes.byteLength > MAX_BLOCK_BYTES) throw broken(seq)
    try {
      const { key, value, index } = Node.decode(bytes)
      return { key, value, levels: YoloIndex.decode(index).levels }
    } catch {
      throw broken(seq)
    }
  }
}

function meets({ above, below }: Place, { gte, lt }: KeyRange): boolean {
  return (above === null || b4a.compare(above, lt) < 0) && (below === null || b4a.compare(below, gte) > 0)
}

function parse(value: Uint8Array | null): unknown {
  try {
    return JSON.parse(b4a.toString(value ?? b4a.alloc(0)))
  } catch {
    return null
  }
}

function broken(seq: number): VMSError {
  return new VMSError(
    'BAD_HOST',
    `the files are malformed: block ${seq} of their database is as no honest host signs it`
  )
}
