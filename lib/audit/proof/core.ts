// Makes the Merkle proof of blocks that a copy of a core holds.

import type Hypercore from 'hypercore'
import { proveCore, type CoreProof } from '../../ledger/merkle.js'
import { fetchNode } from '../../machine/tree.js'
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
  return proveCore(length, listed, lengths, index => fetchNode(core, index))
}
