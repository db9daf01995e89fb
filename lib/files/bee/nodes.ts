// The nodes of a tree, kept decoded from one reading to the next. What is in memory is read without waiting: where a block is
// missing, the reading is given up and begun again when it is there. What is kept is bounded.

import type { BlockSource } from '../blob.js'
import { broken, decodeBlock, type Block } from './block.js'
import { Node, type Key } from './node.js'

/** A bound that no tree of Hyperbee comes near: 5^32 paths. */
const MAX_DEPTH = 32

/** What the nodes in memory may take, roughly: some 64,000 keys. */
export const MEMORY_BYTES = 24 * 1024 * 1024
const KEY_BYTES = 200
const PLACE_BYTES = 48

/** Blocks that are kept for what is in them besides what they were loaded for, bytes of them. */
const KEPT_BYTES = 1024 * 1024

/** A way from the root on: in each node the place of a child, or of a key. */
export interface Steps {
  nodes: Node[]
  places: number[]
}

/** The way to where a key is, or would be. */
export interface Way extends Steps {
  /** whether the key is in the last place */
  found: boolean
}

/** A block is not in memory. */
class Missing extends Error {
  seq = 0
}

export class Nodes {
  /** of the tree that is being written: the length of the database once it is */
  pending: number | null = null
  /** grows with whatever makes a way through the nodes that was kept useless */
  edits = 0
  private top: Node | null = null
  private length = 0
  private bytes = 0
  private readonly blocks = new Map<number, Block>()
  private blockBytes = 0
  private readonly loading = new Map<number, Promise<void>>()
  private readonly missing = new Missing()

  /**
   * @param db the database; the tree is always that at its end
   * @param memory bytes that the nodes may take
   */
  constructor(
    readonly db: BlockSource,
    private readonly memory = MEMORY_BYTES
  ) {}

  /** Whether the nodes take more than they may: the next reading begins anew. */
  get full(): boolean {
    return this.bytes > this.memory
  }

  /**
   * Reads the tree as it is now, whatever is forgotten meanwhile: what is in memory at once, and waits only for what is not.
   * @param read gets the root, null if there is no tree; is called again until no block is missing, and changes nothing before
   */
  when<T>(read: (root: Node | null) => T): T | Promise<T> {
    if (this.pending === null && this.full) this.forget()
    let root: Node | null | undefined
    return this.retry(() => read((root ??= this.root())))
  }

  /** @param read as in `when` */
  retry<T>(read: () => T): T | Promise<T> {
    try {
      return read()
    } catch (error) {
      if (error !== this.missing) throw error
      return this.later(this.missing.seq, read)
    }
  }

  private async later<T>(seq: number, read: () => T): Promise<T> {
    for (;;) {
      await this.load(seq)
      try {
        return read()
      } catch (error) {
        if (error !== this.missing) throw error
        seq = this.missing.seq
      }
    }
  }

  private root(): Node | null {
    if (this.pending === null && this.length !== this.db.length) this.forget()
    if (this.top === null && this.length > 1) this.top = this.read(this.length - 1, 0, 0)
    return this.top
  }

  /** A key of a node, loaded. */
  key(node: Node, index: number): Key {
    const key = node.keys[index]
    if (key.name === null) {
      const { name, blob } = this.block(key.seq)
      node.load(index, name, blob)
      this.bytes += name.length
    }
    return key
  }

  /** A child of a node, at its depth. */
  child(node: Node, index: number, depth: number): Node {
    const child = node.children[index]
    return (child.node ??= this.read(child.seq, child.offset, depth))
  }

  /**
   * Looks for a key in a node as Hyperbee does, and reads no others than it.
   * @returns its place, or that of the child that it would be in: then the keys on both sides are loaded
   */
  search(node: Node, name: string): number {
    let [low, high] = [0, node.keys.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const found = node.keys[middle].name ?? this.key(node, middle).name!
      if (name < found) high = middle
      else if (name === found) return middle
      else low = middle + 1
    }
    return low
  }

  /** The way to a key. */
  way(root: Node, name: string): Way {
    let node = root
    const nodes: Node[] = []
    const places: number[] = []
    let above: Key | null = null
    let below: Key | null = null
    for (;;) {
      node.check(above, below)
      const place = this.search(node, name)
      const { keys } = node
      nodes.push(node)
      places.push(place)
      const found = place < keys.length && keys[place].name === name
      if (found || node.isLeaf) return { nodes, places, found }
      if (place > 0) above = keys[place - 1]
      if (place < keys.length) below = keys[place]
      node = this.child(node, place, nodes.length)
    }
  }

  /** A key, loaded; null if it is not there. */
  find(root: Node, name: string): Key | null {
    const way = this.way(root, name)
    if (!way.found) return null
    const last = way.nodes.length - 1
    return way.nodes[last].keys[way.places[last]]
  }

  /** Counts a key that was put. */
  count(name: string): void {
    this.bytes += KEY_BYTES + name.length
  }

  /** The tree from now on: nodes which no block has yet. */
  begin(root: Node, length: number): void {
    this.top = root
    this.pending = length
    this.edits++
  }

  /** The tree is written: it goes on from the nodes in memory. */
  settle(): void {
    if (this.pending !== null) this.length = this.pending
    this.pending = null
  }

  /** Goes on from what the database holds. */
  forget(): void {
    this.pending = null
    this.top = null
    if (this.db.length < this.length) {
      this.blocks.clear()
      this.blockBytes = 0
    }
    this.length = this.db.length
    this.bytes = 0
    this.edits++
  }

  private read(seq: number, offset: number, depth: number): Node {
    if (depth > MAX_DEPTH) throw broken(seq)
    const node = Node.of(seq, this.block(seq).levels.at(offset), depth)
    this.bytes += node.keys.length * KEY_BYTES + (1 + node.children.length) * PLACE_BYTES
    return node
  }

  private block(seq: number): Block {
    const block = this.blocks.get(seq)
    if (block) return block
    this.missing.seq = seq
    throw this.missing
  }

  private load(seq: number): Promise<void> {
    if (this.blocks.has(seq)) return Promise.resolve()
    const loading = this.loading.get(seq)
    if (loading) return loading
    const load = this.fetch(seq).finally(() => this.loading.delete(seq))
    this.loading.set(seq, load)
    return load
  }

  private async fetch(seq: number): Promise<void> {
    const block = decodeBlock(seq, await this.db.get(seq))
    this.blocks.set(seq, block)
    this.blockBytes += block.byteLength
    const kept = Math.min(KEPT_BYTES, this.memory)
    for (const [oldest, { byteLength }] of this.blocks) {
      if (this.blockBytes <= kept || oldest === seq) break
      this.blocks.delete(oldest)
      this.blockBytes -= byteLength
    }
  }
}
