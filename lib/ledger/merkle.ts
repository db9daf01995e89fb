// The Merkle tree of a Hypercore, computed here instead of by Hypercore: what an auditor builds in memory, and what a proof
// shows. Nodes are numbered as in a flat tree (flat-tree): block i is leaf 2i, its parents stand between their children. The
// tree hash of a core at a length is the hash of the roots that cover it, so it commits to every block before.

import { data, parent, tree } from 'hypercore-crypto'
import flat from 'flat-tree'
import c from 'compact-encoding'
import { bytes, key, list, struct } from './encoding.js'

/** Longer than any core, and short enough for the indexes of its nodes to be exact. */
export const MAX_LENGTH = 2 ** 32

/** Blocks of a core in a proof, or lengths of it: more than a call can read. */
export const MAX_ITEMS = 2 ** 17

/** A node of the tree: `size` is the bytes of all blocks below it. */
export interface TreeNode {
  index: number
  size: number
  hash: Uint8Array
}

/** The indexes of the roots that cover the first `length` blocks, from the left. */
export function rootIndexes(length: number): number[] {
  return flat.fullRoots(2 * length)
}

/** The tree hash of the blocks that these roots cover. */
export function hashOfRoots(roots: TreeNode[]): Uint8Array {
  return tree(roots)
}

export function bytesOfRoots(roots: TreeNode[]): number {
  return roots.reduce((sum, { size }) => sum + size, 0)
}

/** @returns the roots after one more block */
export function appendToRoots(roots: TreeNode[], length: number, block: Uint8Array): TreeNode[] {
  const grown = [...roots]
  let node = leafOf(length, block)
  // as many times as the new block completes a pair
  for (let pairs = length; pairs % 2 === 1; pairs = (pairs - 1) / 2) node = join(grown.pop()!, node)
  grown.push(node)
  return grown
}

function leafOf(block: number, content: Uint8Array): TreeNode {
  return { index: 2 * block, size: content.byteLength, hash: data(content) }
}

function join(left: TreeNode, right: TreeNode): TreeNode {
  return { index: flat.parent(left.index), size: left.size + right.size, hash: parent(left, right) }
}

/**
 * Some blocks of a core, with as few other nodes as it takes to compute the roots from them. There is one such list for a
 * set of blocks and lengths, and it is used to the last node, so no byte of it can be changed unnoticed.
 */
export interface CoreProof {
  /** blocks of the core that the roots cover */
  length: number
  /** ascending */
  blocks: { index: number; content: Uint8Array }[]
  /** the nodes that do not follow from the blocks, from the left */
  nodes: { size: number; hash: Uint8Array }[]
}

export const coreProof = struct<CoreProof>({
  length: c.uint,
  blocks: list(struct<{ index: number; content: Uint8Array }>({ index: c.uint, content: bytes }), MAX_ITEMS),
  nodes: list(struct<{ size: number; hash: Uint8Array }>({ size: c.uint, hash: key }), 8 * MAX_ITEMS)
})

/** The blocks that a proof of the tree hash at some lengths takes: a lone last block is a root by itself. */
export function endsOf(lengths: number[]): number[] {
  return lengths.filter(length => length % 2 === 1).map(length => length - 1)
}

/**
 * Makes the proof of some blocks of a core, and of its roots at some shorter lengths.
 * @param length of the core
 * @param blocks ascending; those of `endsOf(lengths)` among them
 * @param lengths shorter ones, whose tree hashes are to follow too
 * @param node reads a node of the core's tree
 */
export function proveCore(
  length: number,
  blocks: { index: number; content: Uint8Array }[],
  lengths: number[],
  node: (index: number) => Promise<TreeNode>
): Promise<CoreProof> {
  return prove(length, blocks, inner(blocks, lengths.flatMap(rootIndexes), true), node)
}

/**
 * Makes the proof of the hashes, and of nothing more, that the roots at a shorter length have.
 * @param node reads a node of the core's tree
 */
export function provePath(
  length: number,
  shorter: number,
  node: (index: number) => Promise<TreeNode>
): Promise<CoreProof> {
  return prove(length, [], inner([], rootIndexes(shorter), false), node)
}

async function prove(
  length: number,
  blocks: { index: number; content: Uint8Array }[],
  wanted: Inner,
  node: (index: number) => Promise<TreeNode>
): Promise<CoreProof> {
  const indexes: number[] = []
  const visit = (index: number): void => {
    if (wanted.leaves.has(index)) return
    if (!wanted.above.has(index)) return void indexes.push(index)
    visit(flat.leftChild(index))
    visit(flat.rightChild(index))
  }
  for (const root of rootIndexes(length)) visit(root)
  // all are asked for before anything is waited for
  const nodes = await Promise.all(indexes.map(node))
  return { length, blocks, nodes: nodes.map(({ size, hash }) => ({ size, hash })) }
}

/** What a proof shows. */
export interface ProvenCore {
  roots: TreeNode[]
  /** the roots at each of the shorter lengths */
  rootsAt: Map<number, TreeNode[]>
}

/**
 * Computes the roots that a proof leads to; it proves something once their hash is one that somebody has signed.
 *
 * A node's hash commits to the size of all below it, but not to how that is shared by its two children: whoever gives both may
 * move bytes from one to the other. So a root at a shorter length is computed from what is below it, and never given.
 * @param lengths those that it was made with
 * @throws Error if it is not made as `proveCore` makes it
 */
export function openCoreProof(proof: CoreProof, lengths: number[] = []): ProvenCore {
  if (lengths.some(one => one > proof.length)) throw new Error('malformed: a length beyond the core')
  const wanted = inner(proof.blocks, lengths.flatMap(rootIndexes), true)
  if (endsOf(lengths).some(index => !wanted.leaves.has(2 * index)))
    throw new Error('malformed: the last block of a length is missing')
  const { roots, known } = open(proof, wanted)
  const rootsAt = new Map(lengths.map(one => [one, rootIndexes(one).map(index => known.get(index)!)]))
  return { roots, rootsAt }
}

/**
 * Computes the roots that a path leads to.
 * @returns with them the hashes of the roots at the shorter length: their sizes are not proved
 * @throws Error if it is not made as `provePath` makes it
 */
export function openPath(path: CoreProof, shorter: number): { roots: TreeNode[]; hashes: Uint8Array[] } {
  if (shorter > path.length) throw new Error('malformed: a length beyond the core')
  if (path.blocks.length > 0) throw new Error('malformed: a path has no blocks')
  const { roots, known } = open(path, inner([], rootIndexes(shorter), false))
  return { roots, hashes: rootIndexes(shorter).map(index => known.get(index)!.hash) }
}

function open(
  { length, blocks, nodes }: CoreProof,
  wanted: Inner
): { roots: TreeNode[]; known: Map<number, TreeNode> } {
  if (length > MAX_LENGTH) throw new Error(`malformed: a core of ${length} blocks`)
  for (const [i, { index }] of blocks.entries()) {
    if (index >= length || (i > 0 && index <= blocks[i - 1].index))
      throw new Error('malformed: blocks out of order')
  }
  const contents = new Map(blocks.map(({ index, content }) => [2 * index, content]))
  const known = new Map<number, TreeNode>()
  let next = 0
  const visit = (index: number): TreeNode => {
    const node = compute(index)
    known.set(index, node)
    return node
  }
  const compute = (index: number): TreeNode => {
    const content = contents.get(index)
    if (content) return leafOf(index / 2, content)
    if (wanted.above.has(index)) return join(visit(flat.leftChild(index)), visit(flat.rightChild(index)))
    if (next === nodes.length) throw new Error('malformed: a node is missing')
    return { index, ...nodes[next++] }
  }
  const roots = rootIndexes(length).map(visit)
  if (next !== nodes.length) throw new Error('malformed: a node too many')
  return { roots, known }
}

/** The leaves that are given, and the nodes that are computed from their children. */
interface Inner {
  leaves: Set<number>
  above: Set<number>
}

/** @param computed whether the roots are computed themselves, and not only the nodes above them */
function inner(blocks: { index: number }[], roots: number[], computed: boolean): Inner {
  const leaves = new Set(blocks.map(({ index }) => 2 * index))
  const above = new Set<number>()
  for (const start of [...leaves, ...roots]) {
    if (computed && start % 2 === 1) above.add(start)
    for (
      let index = flat.parent(start);
      index < 4 * MAX_LENGTH && !above.has(index);
      index = flat.parent(index)
    ) {
      above.add(index)
    }
  }
  return { leaves, above }
}
