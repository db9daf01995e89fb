// Turns changes into blocks of the drive's two cores. The same changes on the same drive make the same blocks, whoever
// does it: what the host appends, an auditor appends to a draft, and the tree hashes are equal.

import b4a from 'b4a'
import type Hyperbee from 'hyperbee'
import type { BlobId } from 'hyperdrive'
import { compareUTF8 } from '../utf8.js'
import { BLOB_BLOCK_BYTES } from './blob.js'
import type { Changes } from './overlay.js'
import { keyEncoding } from './tree.js'

/** What a batch needs of the blobs core. */
interface Blobs {
  readonly length: number
  readonly byteLength: number
  append(blocks: Uint8Array[]): Promise<unknown>
}

/**
 * Appends one batch: puts and deletions together in the order of the paths' UTF-8 bytes, the blobs in the same order.
 * A deletion counts only if the file is there; nothing to change appends nothing.
 * @param bee over a writable session of the database core
 * @param blobs a writable session of the blobs core
 */
export async function commitChanges(bee: Hyperbee, blobs: Blobs, changes: Changes): Promise<void> {
  const operations: { path: string; blob: BlobId | null }[] = []
  const blocks: Uint8Array[] = []
  let blockOffset = blobs.length
  let byteOffset = blobs.byteLength

  for (const [path, content] of [...changes].sort(([a], [b]) => compareUTF8(a, b))) {
    if (content === null) {
      if ((await bee.get(path, { keyEncoding })) !== null) operations.push({ path, blob: null })
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
  if (blocks.length > 0) await blobs.append(blocks.map(block => b4a.from(block)))
  const batch = bee.batch()
  for (const { path, blob } of operations) {
    if (blob === null) await batch.del(path, { keyEncoding })
    else await batch.put(path, { executable: false, linkname: null, blob, metadata: null }, { keyEncoding })
  }
  await batch.flush()
}
