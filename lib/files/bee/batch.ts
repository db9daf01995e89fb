// Changes of a tree, and the blocks that they make: step by step what a batch of Hyperbee does, so that they are the same to
// the byte. Each change first loads all that it will touch, and then is made at once.

import type { BlobId } from 'hyperdrive'
import { broken, encodeBlock, HEADER } from './block.js'
import { Child, Key, Node } from './node.js'
import type { Nodes, Steps } from './nodes.js'

const MIN_KEYS = 4
const MAX_KEYS = 2 * MIN_KEYS

/** A block to be: of its nodes some may change again before it is made. */
interface Draft {
  name: string
  value: string | null
  index: (Child | null)[]
}

export class Batch {
  private readonly drafts: Draft[] = []
  /** the number of the block that the first change makes */
  private readonly first: number

  constructor(private readonly nodes: Nodes) {
    this.first = Math.max(1, nodes.db.length)
  }

  get size(): number {
    return this.drafts.length
  }

  /**
   * To be called as long as a block is missing.
   * @param root as the change before has left it
   * @throws VMSError BAD_HOST
   */
  put(root: Node | null, name: string, blob: BlobId, value: string): void {
    const { nodes } = this
    const way = root && nodes.way(root, name)
    if (way !== null && !way.found) this.loadMedians(way)

    const key = new Key(this.first + this.size, name, blob)
    nodes.count(name)
    if (way === null) return this.add(new Node(0, [key], []), name, value)
    for (const node of way.nodes) node.changed = true
    this.add(way.found ? replace(way, key) : insert(way, key), name, value)
  }

  /**
   * To be called as long as a block is missing. What is not there makes no block.
   * @throws VMSError BAD_HOST
   */
  delete(root: Node | null, name: string): void {
    const way = root && this.nodes.way(root, name)
    if (!way?.found) return
    const depth = way.nodes.length - 1
    const [node, place] = [way.nodes[depth], way.places[depth]]
    const { nodes, places } = node.isLeaf ? way : this.toNearestLeaf(way)
    this.loadSiblings({ nodes, places })

    if (node.isLeaf) node.keys.splice(place, 1)
    else {
      const leaf = nodes[nodes.length - 1]
      node.keys[place] = places[depth] > place ? leaf.keys.shift()! : leaf.keys.pop()!
      node.rearranged()
    }
    for (const one of nodes) one.changed = true
    this.add(rebalance({ nodes, places }), name, null)
  }

  /** The blocks of all changes, in their order; the first of a database come after a header. */
  blocks(): Uint8Array[] {
    const blocks = this.drafts.map(({ name, value, index }, i) => {
      if (i < this.size - 1) compact(index, this.first + i)
      return encodeBlock(
        name,
        value,
        index.map(child => levelOf(child!.node!))
      )
    })
    return this.nodes.db.length === 0 ? [HEADER, ...blocks] : blocks
  }

  private add(root: Node, name: string, value: string | null): void {
    const seq = this.first + this.size
    const index: (Child | null)[] = []
    assign(root, index, seq)
    index[0] = new Child(seq, 0, root)
    this.drafts.push({ name, value, index })
    this.nodes.begin(root, seq + 1)
  }

  // the keys that rise where a full node is split
  private loadMedians({ nodes, places }: Steps): void {
    for (let depth = nodes.length - 1; depth >= 0; depth--) {
      const size = nodes[depth].keys.length + 1
      if (size <= MAX_KEYS) return
      const median = size - (size >> 1) - 1
      if (median !== places[depth]) this.nodes.key(nodes[depth], median - (median > places[depth] ? 1 : 0))
    }
  }

  // on to where the key comes from that takes the place of a deleted one
  private toNearestLeaf(way: Steps): Steps {
    const depth = way.nodes.length - 1
    const end = (place: number, side: 0 | 1): Steps => {
      const [nodes, places] = [[...way.nodes], [...way.places]]
      places[depth] = place
      for (let node = nodes[depth]; !node.isLeaf;) {
        node = this.nodes.child(node, places[places.length - 1], nodes.length)
        nodes.push(node)
        places.push(side * (node.children.length - 1))
      }
      return { nodes, places }
    }
    const left = end(way.places[depth], 1)
    const right = end(way.places[depth] + 1, 0)
    const sizeOf = ({ nodes }: Steps) => nodes[nodes.length - 1].keys.length
    return sizeOf(left) < sizeOf(right) ? right : left
  }

  // those from which a node that has become too small borrows, or with which it is merged
  private loadSiblings({ nodes, places }: Steps): void {
    let size = nodes[nodes.length - 1].keys.length - 1
    for (let depth = nodes.length - 1; depth > 0 && size < MIN_KEYS; depth--) {
      const parent = nodes[depth - 1]
      const siblings = [places[depth - 1] - 1, places[depth - 1] + 1]
        .filter(index => index >= 0 && index < parent.children.length)
        .map(index => this.nodes.child(parent, index, depth))
      // nodes of one depth are all leaves, or none is
      if (siblings.some(({ isLeaf }) => isLeaf !== nodes[depth].isLeaf)) throw broken(parent.seq)
      if (siblings.some(({ keys }) => keys.length > MIN_KEYS)) return
      size = parent.keys.length - 1
    }
  }
}

function replace({ nodes, places }: Steps, key: Key): Node {
  nodes[nodes.length - 1].keys[places[nodes.length - 1]] = key
  return nodes[0]
}

function insert({ nodes, places }: Steps, key: Key): Node {
  let depth = nodes.length - 1
  let node = nodes[depth]
  node.keys.splice(places[depth], 0, key)
  while (node.keys.length > MAX_KEYS) {
    const { median, right } = split(node)
    if (depth === 0) {
      const root = new Node(node.seq, [median], [new Child(0, 0, node), new Child(0, 0, right)])
      root.changed = true
      return root
    }
    node = nodes[--depth]
    node.keys.splice(places[depth], 0, median)
    node.children.splice(places[depth] + 1, 0, new Child(0, 0, right))
  }
  return nodes[0]
}

function split(left: Node): { median: Key; right: Node } {
  const size = left.keys.length >> 1
  const keys = left.keys.splice(left.keys.length - size)
  const children = left.isLeaf ? [] : left.children.splice(left.children.length - size - 1)
  const right = new Node(left.seq, keys, children)
  right.changed = true
  return { median: left.keys.pop()!, right }
}

/** @returns the root */
function rebalance({ nodes, places }: Steps): Node {
  const [root] = nodes
  for (let depth = nodes.length - 1; depth > 0; depth--) {
    const [node, parent] = [nodes[depth], nodes[depth - 1]]
    if (node.keys.length >= MIN_KEYS) return root
    const place = places[depth - 1]
    const left = place > 0 ? parent.children[place - 1].node! : null
    const right = place < parent.children.length - 1 ? parent.children[place + 1].node! : null
    node.rearranged()
    parent.rearranged()

    if (left && left.keys.length > MIN_KEYS) {
      left.changed = true
      node.keys.unshift(parent.keys[place - 1])
      if (!left.isLeaf) node.children.unshift(left.children.pop()!)
      parent.keys[place - 1] = left.keys.pop()!
      return root
    }
    if (right && right.keys.length > MIN_KEYS) {
      right.changed = true
      node.keys.push(parent.keys[place])
      if (!right.isLeaf) node.children.push(right.children.shift()!)
      parent.keys[place] = right.keys.shift()!
      return root
    }
    if (left) merge(parent, place - 1, left, node)
    else merge(parent, place, node, right!)
  }
  return root.keys.length === 0 && !root.isLeaf ? root.children[0].node! : root
}

function merge(parent: Node, place: number, left: Node, right: Node): void {
  left.changed = true
  left.rearranged()
  left.keys.push(...parent.keys.splice(place, 1), ...right.keys)
  left.children.push(...right.children)
  const [freed] = parent.children.splice(place + 1, 1)
  freed.seq = 0 // no block has it any more
}

/** Gives all that has changed its place in a block. @returns the place of the node */
function assign(node: Node, index: (Child | null)[], seq: number): number {
  const offset = index.push(null) - 1
  node.changed = false
  for (const child of node.children) {
    if (!child.node?.changed) continue
    child.seq = seq
    child.offset = assign(child.node, index, seq)
    index[child.offset] = child
  }
  return offset
}

// What a later block of the batch has again, and the root, is left out. The rest moves up, the last one first.
function compact(index: (Child | null)[], seq: number): void {
  index[0] = null
  for (let i = 0; i < index.length;) {
    const child = index[i]
    if (child?.seq === seq) child.offset = i++
    else if (i === index.length - 1) index.pop()
    else index[i] = index.pop()!
  }
}

function levelOf({ keys, children }: Node): { keys: number[]; children: number[] } {
  const places: number[] = []
  for (const { seq, offset } of children) places.push(seq, offset)
  return { keys: keys.map(({ seq }) => seq), children: places }
}
