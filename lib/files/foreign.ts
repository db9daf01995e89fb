// The files of a drive that a stranger has signed. Hyperbee trusts what it reads: a node that is its own child keeps it
// running for ever, in microtasks, so that no timer fires. Here every key is compared with those
// that it must lie between before the way leads on, and the way is no longer than in any honest tree. It reads the blocks
// that Hyperbee would read, and no others: each is fetched from a peer, or stands in a proof.

import b4a from 'b4a'
import { Node, YoloIndex, type Level } from 'hyperbee/lib/messages.js'
import type { BlobId } from 'hyperdrive'
import { VMSError } from '../errors.js'
import { blobOf, readBlob, type BlockSource } from './blob.js'
import { keyEncoding, type PathRange, type Tree } from './tree.js'

// Bounds that no tree of Hyperbee comes near: below its root a node has 4 to 8 keys, which makes 5^32 paths, and a block
// has the nodes that changed with one path, at most a few of each depth.
const MAX_DEPTH = 32
const MAX_KEYS = 32
const MAX_BLOCK_BYTES = 64 * 1024
const MAX_LEVELS = 256

/** Blocks that are kept decoded. */
const KEPT_BLOCKS = 4096

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

/** Where a key is in a node, or would be. */
interface Located {
  index: number
  entry: Block | null
  /** the child that it would be in; null if there is none, or if the key is here */
  child: Place | null
}

interface KeyRange {
  gte: Uint8Array
  lt: Uint8Array
}

export class ForeignTree implements Tree {
  private readonly blocks = new Map<number, Promise<Block>>()

  /**
   * @param db the database; it may grow, the tree is always that at its end
   * @param blobs the files that it names
   */
  constructor(
    private readonly db: BlockSource,
    private readonly blobs: BlockSource
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
    const ahead = { left: NODES_AHEAD, begun: this.db.complete ?? false }
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

  /**
   * Looks at the nodes that Hyperbee goes through when it puts or deletes a path, so that it comes to an end.
   * @throws VMSError BAD_HOST
   */
  async inspect(path: string, deletes: boolean): Promise<void> {
    const key = keyEncoding.encode(path)
    for (let place = this.root(); place !== null;) {
      const { index, entry, child } = await this.locate(place, key)
      // what takes the place of a deleted path comes from the end of a subtree beside it
      if (deletes && entry !== null) {
        await this.end(await this.childOf(place, index), -1)
        await this.end(await this.childOf(place, index + 1), 0)
      }
      place = child
    }
  }

  private async end(place: Place | null, side: 0 | -1): Promise<void> {
    while (place !== null) {
      const { children } = await this.level(place)
      place =
        children.length === 0 ? null : await this.childOf(place, side === 0 ? 0 : children.length / 2 - 1)
    }
  }

  private async *walk(place: Place, range: KeyRange): AsyncIterable<Uint8Array> {
    const { keys } = await this.level(place)
    const { index, child } = await this.locate(place, range.gte)
    if (child !== null) yield* this.walk(child, range)
    for (let i = index; i < keys.length; i++) {
      const { key } = await this.entry(place, keys[i])
      if (b4a.compare(key, range.lt) >= 0) return
      yield key
      const next = await this.childOf(place, i + 1)
      if (next !== null) yield* this.walk(next, range)
    }
  }

  // asks for all that lies in the range at once, so that the walk need not wait for one node after the other
  private async fetch(place: Place, range: KeyRange, ahead: { left: number }): Promise<void> {
    if (ahead.left-- <= 0) return
    const { keys, children } = await this.level(place)
    const [from, to] = await Promise.all([this.locate(place, range.gte), this.locate(place, range.lt)])
    const inside = keys.slice(from.index, to.index).map(key => this.block(key))
    const below =
      children.length === 0 ? [] : Array.from({ length: to.index - from.index + 1 }, (_, i) => from.index + i)
    await Promise.all([
      ...inside,
      ...below.map(async i => {
        const child = await this.childOf(place, i)
        if (child !== null) await this.fetch(child, range, ahead)
      })
    ])
  }

  private async blob(path: string): Promise<BlobId | null> {
    const entry = await this.find(keyEncoding.encode(path))
    return entry && blobOf(parse(entry.value), path, this.blobs.length)
  }

  private async find(key: Uint8Array): Promise<Block | null> {
    for (let place = this.root(); place !== null;) {
      const { entry, child } = await this.locate(place, key)
      if (entry !== null) return entry
      place = child
    }
    return null
  }

  private root(): Place | null {
    if (this.db.length < 2) return null // there is a header at most
    return { seq: this.db.length - 1, offset: 0, depth: 0, above: null, below: null }
  }

  /** Looks for a key as Hyperbee does, and reads no other entries than it. */
  private async locate(place: Place, key: Uint8Array): Promise<Located> {
    const { keys, children } = await this.level(place)
    let { above, below } = place
    let [low, high] = [0, keys.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const entry = await this.entry({ ...place, above, below }, keys[middle])
      const order = b4a.compare(key, entry.key)
      if (order === 0) return { index: middle, entry, child: null }
      if (order < 0) [high, below] = [middle, entry.key]
      else [low, above] = [middle + 1, entry.key]
    }
    if (children.length === 0) return { index: low, entry: null, child: null }
    const [seq, offset] = children.slice(2 * low)
    return { index: low, entry: null, child: { seq, offset, depth: place.depth + 1, above, below } }
  }

  /** A child by its number; null if the node has none. */
  private async childOf(place: Place, index: number): Promise<Place | null> {
    const { keys, children } = await this.level(place)
    if (children.length === 0) return null
    const above = index === 0 ? place.above : (await this.entry(place, keys[index - 1])).key
    const below = index === keys.length ? place.below : (await this.entry(place, keys[index])).key
    if (above !== null && below !== null && b4a.compare(above, below) >= 0) throw broken(place.seq)
    const [seq, offset] = children.slice(2 * index)
    return { seq, offset, depth: place.depth + 1, above, below }
  }

  private async level({ seq, offset, depth }: Place): Promise<Level> {
    const level = (await this.block(seq)).levels.at(offset)
    if (!level || depth > MAX_DEPTH || level.keys.length > MAX_KEYS) throw broken(seq)
    const { keys, children } = level
    if (children.length !== 0 && children.length !== 2 * (keys.length + 1)) throw broken(seq)
    if (keys.length === 0 && (depth > 0 || children.length > 0)) throw broken(seq) // only a root is empty
    if (keys.some(key => key < 1 || key > seq)) throw broken(seq)
    if (children.some((child, i) => i % 2 === 0 && (child < 1 || child > seq))) throw broken(seq)
    return level
  }

  /** The entry of a key of a node, which lies between the keys above and below. */
  private async entry({ seq, above, below }: Place, key: number): Promise<Block> {
    const entry = await this.block(key)
    if (above !== null && b4a.compare(above, entry.key) >= 0) throw broken(seq)
    if (below !== null && b4a.compare(entry.key, below) >= 0) throw broken(seq)
    return entry
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
    return decode(seq, bytes)
  }
}

/**
 * Looks at a block before Hyperbee reads it: its nodes lead to earlier blocks, or to each other without a circle. So whatever
 * way is taken through blocks that were looked at, it ends.
 * @throws VMSError BAD_HOST
 */
export function checkBlock(seq: number, bytes: Uint8Array): void {
  const { levels } = decode(seq, bytes)
  const state: ('open' | 'done' | undefined)[] = []
  const visit = (offset: number): void => {
    if (state[offset] === 'done') return
    const level = levels.at(offset)
    if (!level || state[offset] === 'open') throw broken(seq)
    state[offset] = 'open'
    for (let i = 0; i + 1 < level.children.length; i += 2) {
      const [child, place] = level.children.slice(i)
      if (child > seq) throw broken(seq)
      if (child === seq) visit(place)
    }
    state[offset] = 'done'
  }
  if (levels.length > MAX_LEVELS) throw broken(seq)
  for (let offset = 0; offset < levels.length; offset++) visit(offset)
}

function decode(seq: number, bytes: Uint8Array): Block {
  try {
    const { key, value, index } = Node.decode(bytes)
    return { key, value, levels: YoloIndex.decode(index).levels }
  } catch {
    throw broken(seq)
  }
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
