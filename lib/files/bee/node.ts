// A node of the tree in memory. What it leads to may still be unloaded; and whatever it was made from, its own keys and those
// that it lies between ascend.

import type { Level } from 'hyperbee/lib/messages.js'
import type { BlobId } from 'hyperdrive'
import { broken } from './block.js'

/** A bound that no tree of Hyperbee comes near: below its root a node has 4 to 8 keys. */
const MAX_KEYS = 32

export class Key {
  /**
   * @param seq number of the block that it is in
   * @param name its bytes, each a character; null as long as the block is not loaded
   * @param blob what the block says that it is; null if that is no file
   */
  constructor(
    readonly seq: number,
    public name: string | null = null,
    public blob: BlobId | null = null
  ) {}
}

/** Where a child is stored. A block that is not appended yet has it too: what changes here changes there. */
export class Child {
  constructor(
    public seq: number,
    public offset: number,
    public node: Node | null = null
  ) {}
}

export class Node {
  /** whether it has to be stored again */
  changed = false
  // the keys that it was last found to lie between; undefined: it has to be looked at
  private above: Key | null | undefined = undefined
  private below: Key | null | undefined = undefined

  /** @param seq number of the block that it was read from, or of one near it */
  constructor(
    readonly seq: number,
    readonly keys: Key[],
    readonly children: Child[]
  ) {}

  /**
   * @param depth 0 for the root
   * @throws VMSError BAD_HOST
   */
  static of(seq: number, level: Level | undefined, depth: number): Node {
    if (!level || level.keys.length > MAX_KEYS) throw broken(seq)
    const { keys, children } = level
    if (children.length !== 0 && children.length !== 2 * (keys.length + 1)) throw broken(seq)
    if (keys.length === 0 && (depth > 0 || children.length > 0)) throw broken(seq) // only a root is empty
    const node = new Node(seq, [], [])
    for (const key of keys) {
      if (key < 1 || key > seq) throw broken(seq)
      node.keys.push(new Key(key))
    }
    for (let i = 0; i < children.length; i += 2) {
      if (children[i] < 1 || children[i] > seq) throw broken(seq)
      node.children.push(new Child(children[i], children[i + 1]))
    }
    return node
  }

  get isLeaf(): boolean {
    return this.children.length === 0
  }

  /** Its keys were put together anew: they are looked at before the way leads on through it. */
  rearranged(): void {
    this.above = this.below = undefined
  }

  /**
   * Its keys lie between these.
   * @throws VMSError BAD_HOST
   */
  check(above: Key | null, below: Key | null): void {
    if (this.above === above && this.below === below) return
    let last = above?.name ?? null
    for (const { name } of this.keys) {
      if (name === null) continue
      if (last !== null && last >= name) throw broken(this.seq)
      last = name
    }
    if (last !== null && below !== null && last >= below.name!) throw broken(this.seq)
    this.above = above
    this.below = below
  }

  /**
   * Takes over what the block of a key says; the node has been checked.
   * @throws VMSError BAD_HOST
   */
  load(index: number, name: string, blob: BlobId | null): void {
    const { keys } = this
    let [before, after] = [index - 1, index + 1]
    while (before >= 0 && keys[before].name === null) before--
    while (after < keys.length && keys[after].name === null) after++
    const above = before >= 0 ? keys[before] : this.above
    const below = after < keys.length ? keys[after] : this.below
    if (above && above.name! >= name) throw broken(this.seq)
    if (below && below.name! <= name) throw broken(this.seq)
    keys[index].name = name
    keys[index].blob = blob
  }
}
