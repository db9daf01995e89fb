// Makes the Merkle proof of blocks that a copy of a core holds.

import type Hypercore from 'hypercore'
import flat from 'flat-tree'
import { proveCore, type CoreProof, type TreeNode } from '../../ledger/merkle.js'
import { nodeOf } from '../../machine/tree.js'
import type { ReadBlocks } from '../recorder.js'

/**
 * @param length up to which the core is shown
 * @param lengths shorter ones, ascending, whose tree hashes are to follow too
 * @throws Error if a node is neither in the copy nor sent by a peer
 */
export function proveBlocks(
  core: Hypercore,
  length: number,
  blocks: ReadBlocks,
  lengths: number[] = []
): Promise<CoreProof> {
  const listed = [...blocks].map(([index, content]) => ({ index, content }))
  listed.sort((a, b) => a.index - b.index)
  return proveCore(length, listed, lengths, index => nodeAt(core, index))
}

// a sparse copy has the nodes beside the blocks that it fetched: with a block below it, it has any node
async function nodeAt(core: Hypercore, index: number): Promise<TreeNode> {
  try {
    return await nodeOf(core, index)
  } catch {
    await core.get(flat.leftSpan(index) / 2)
    return nodeOf(core, index)
  }
}
