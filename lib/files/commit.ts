// Turns changes into blocks of the drive's two cores. The same changes on the same drive make the same blocks, whoever
// does it: what the host appends, an auditor appends to a draft, and the tree hashes are equal.

import b4a from 'b4a'
import { compareUTF8 } from '../utf8.js'
import { BLOB_BLOCK_BYTES, type BlockStore } from './blob.js'
import type { FileTree, Operation } from './filetree.js'
import type { Changes } from './overlay.js'

/**
 * Appends one batch: puts and deletions together in the order of the paths' UTF-8 bytes, the blobs in the same order.
 * A deletion counts only if the file is there; nothing to change appends nothing.
 */
export async function commitChanges(tree: FileTree<BlockStore>, changes: Changes): Promise<void> {
  const { blobs } = tree
  const operations: Operation[] = []
  const blocks: Uint8Array[] = []
  let blockOffset = blobs.length
  let byteOffset = blobs.byteLength

  for (const [path, content] of [...changes].sort(([a], [b]) => compareUTF8(a, b))) {
    if (content === null) {
      if (await tree.has(path)) operations.push({ path, blob: null })
      continue
    }
    const blockLength = Math.ceil(content.byteLength / BLOB_BLOCK_BYTES)
    const { byteLength } = content
    operations.push({ path, blob: { blockOffset, byteOffset, blockLength, byteLength } })
    for (let at = 0; at < byteLength; at += BLOB_BLOCK_BYTES)
      blocks.push(content.subarray(at, at + BLOB_BLOCK_BYTES))
    blockOffset += blockLength
    byteOffset += byteLength
  }

  if (operations.length === 0) return
  const writing = blocks.length > 0 ? blobs.append(blocks.map(block => b4a.from(block))) : null
  const ended = await Promise.allSettled([writing, tree.write(operations)]) // both: what fails is rolled back after
  for (const one of ended) if (one.status === 'rejected') throw one.reason
}
