// The Merkle tree of a core as Hypercore keeps it: its nodes, and what its owner has signed. Rests on private parts of
// hypercore, which is pinned for that.

import type Hypercore from 'hypercore'
import type { ConflictProof } from 'hypercore'
import flat from 'flat-tree'
import merkle from 'hypercore/lib/merkle-tree.js'
import type { TreeNode } from '../ledger/merkle.js'

/** A node of a core's tree. @throws Error if the copy does not hold it */
export function nodeOf(core: Hypercore, index: number): Promise<TreeNode> {
  return merkle.MerkleTree.get(core.state, index)
}

/**
 * The roots of the first `length` blocks. With the last of these blocks, which is fetched if the copy does not hold it, come
 * the nodes beside its way up: only then it is certain how large each of them is.
 */
export async function rootsOf(core: Hypercore, length: number): Promise<TreeNode[]> {
  if (length === core.length) return core.state.roots
  if (length > 0) await core.treeHash(length)
  return merkle.MerkleTree.getRoots(core.state, length)
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
