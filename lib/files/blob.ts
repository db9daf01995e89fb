// The bytes of a file as its entry in the database names them. The entry may come from a host that made it up, so it is
// compared with what a file can be before anything is allocated for it.

import b4a from 'b4a'
import type { BlobId } from 'hyperdrive'
import { VMSError } from '../errors.js'

/** Bytes of a block of the blobs core, as Hyperdrive cuts files. */
export const BLOB_BLOCK_BYTES = 64 * 1024

/** The largest file that there can be. */
export const MAX_FILE_BYTES = 8 * 1024 * 1024

/** The first blocks of a core, wherever they come from. */
export interface BlockSource {
  readonly length: number
  /** whether all blocks are at hand, so that there is no use in asking for them ahead */
  readonly complete?: boolean
  get(index: number): Promise<Uint8Array | null>
}

/**
 * The blob of an entry.
 * @param blocks how many there are in the blobs core
 * @throws VMSError BAD_HOST if it is no blob of a file, or lies beyond the core's end
 */
export function blobOf(entry: unknown, path: string, blocks: number): BlobId {
  const blob = (entry as { blob?: Partial<BlobId> } | null)?.blob
  const { blockOffset, blockLength, byteOffset, byteLength } = blob ?? {}
  if (isCount(blockOffset) && isCount(blockLength) && isCount(byteOffset) && isCount(byteLength)) {
    const whole = blockLength === Math.ceil(byteLength / BLOB_BLOCK_BYTES)
    if (byteLength <= MAX_FILE_BYTES && whole && blockOffset + blockLength <= blocks)
      return { blockOffset, blockLength, byteOffset, byteLength }
  }
  throw new VMSError('BAD_HOST', `the entry of ${path} is malformed: no honest host signs that`)
}

/** @throws VMSError BAD_HOST if the blocks are not as the entry says */
export async function readBlob(blobs: BlockSource, blob: BlobId, path: string): Promise<Uint8Array> {
  const read = async (i: number) => {
    const block = await blobs.get(blob.blockOffset + i)
    const size = Math.min(BLOB_BLOCK_BYTES, blob.byteLength - i * BLOB_BLOCK_BYTES)
    if (block?.byteLength === size) return block
    throw new VMSError(
      'BAD_HOST',
      `the blocks of ${path} are not as its entry says: no honest host signs that`
    )
  }
  return b4a.concat(await Promise.all(Array.from({ length: blob.blockLength }, (_, i) => read(i))))
}

function isCount(n: unknown): n is number {
  return Number.isSafeInteger(n) && (n as number) >= 0
}
