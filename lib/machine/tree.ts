// The Merkle tree of a core as Hypercore keeps it: its nodes, and what its owner has signed. Rests on private parts of
// hypercore, which is pinned for that.

import type Hypercore from 'hypercore'
import type { ConflictProof } from 'hypercore'
import flat from 'flat-tree'
import merkle from 'hypercore/lib/merkle-tree.js'
import type { Head } from '../ledger/encoding.js'
import { hashOfRoots, type TreeNode } from '../ledger/merkle.js'

/** A node of a core's tree. @throws Error if the copy does not hold it */
export async function nodeOf(core: Hypercore, index: number): Promise<TreeNode> {
  const node = await merkle.MerkleTree.get(core.state, index)
  if (node === null) throw new Error(`node ${index} is not available`)
  return node
}

/** How long a block may take that a node is fetched with, ms. */
const FETCH_MS = 5000

/**
 * A node of a core's tree, fetched if the copy does not hold it: with a block below it, it has the nodes beside and above.
 * @throws Error if nobody sends it
 */
export async function fetchNode(core: Hypercore, index: number): Promise<TreeNode> {
  try {
    return await nodeOf(core, index)
  } catch {
    await core.get(flat.leftSpan(index) / 2, { timeout: FETCH_MS })
    return nodeOf(core, index)
  }
}

/**
 * The roots of the first `length` blocks, as the copy holds them; they are fetched with the last of these blocks if it does
 * not. A peer may have lied about their sizes: what is concluded from them is compared with a signed hash, or proved.
 */
export async function rootsOf(core: Hypercore, length: number): Promise<TreeNode[]> {
  const { state } = core
  if (length === state.length) return state.roots // known without reading
  const held = await merkle.MerkleTree.getRoots(core.state, length).catch(() => null)
  if (held !== null) return held
  await core.treeHash(length)
  return merkle.MerkleTree.getRoots(core.state, length)
}

/** The head of a core, at its end or at `length`: as `rootsOf`. */
export async function headOf(core: Hypercore, length = core.length): Promise<Head> {
  return { length, hash: hashOfRoots(await rootsOf(core, length)) }
}

/** The newest head of a core that its owner has signed, as far as the copy goes. */
export interface SignedLength {
  length: number
  fork: number
  /** ed25519, of `core.signable(length, fork)` */
  signature: Uint8Array
}

/** @returns null if nothing is signed yet */
export function signatureOf(core: Hypercore): SignedLength | null {
  const { signature } = core.core.state
  return signature && { length: core.length, fork: core.fork, signature: plain(signature) }
}

/**
 * What another peer has shown of another history of a core.
 * @returns its head, and the nodes of its tree that lead there from its first `upgrade.length` blocks; null if it is malformed
 */
export function shownBy({ fork, upgrade }: ConflictProof): (SignedLength & { nodes: TreeNode[] }) | null {
  const nodes = [...upgrade.nodes, ...upgrade.additionalNodes]
  const last = nodes.at(-1)
  if (last === undefined) return null
  return { length: flat.rightSpan(last.index) / 2 + 1, fork, signature: plain(upgrade.signature), nodes }
}

// hypercore encodes a list of signatures with their signers: one, by the first
function plain(signature: Uint8Array): Uint8Array {
  return signature.subarray(2, 66)
}
