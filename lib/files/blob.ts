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

/** A core that takes more blocks. */
export interface BlockStore extends BlockSource {
  readonly byteLength: number
  append(blocks: Uint8Array[]): Promise<unknown>
}

/** The value that Hyperdrive gives an entry, JSON with exactly these fields in this order. */
export function formatEntry({ blockOffset, byteOffset, blockLength, byteLength }: BlobId): string {
  const blob = { blockOffset, byteOffset, blockLength, byteLength }
  return JSON.stringify({ executable: false, linkname: null, blob, metadata: null })
}

/** The blob of an entry; null if it is none that there can be. */
export function parseEntry(value: Uint8Array | null): BlobId | null {
  const { blockOffset, blockLength, byteOffset, byteLength } = parse(value)?.blob ?? {}
  if (!isCount(blockOffset) || !isCount(blockLength) || !isCount(byteOffset) || !isCount(byteLength))
    return null
  const whole = blockLength === Math.ceil(byteLength / BLOB_BLOCK_BYTES)
  if (byteLength > MAX_FILE_BYTES || !whole) return null
  return { blockOffset, blockLength, byteOffset, byteLength }
}

/**
 * @param blob what the entry of a path names
 * @param blocks how many there are in the blobs core
 * @throws VMSError BAD_HOST if it is no blob of a file, or lies beyond the core's end
 */
export function checkBlob(blob: BlobId | null, path: string, blocks: number): BlobId {
  if (blob !== null && blob.blockOffset + blob.blockLength <= blocks) return blob
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

function parse(value: Uint8Array | null): { blob?: Partial<BlobId> | null } | null {
  try {
    return value && (JSON.parse(b4a.toString(value)) as { blob?: Partial<BlobId> | null } | null)
  } catch {
    return null
  }
}

function isCount(n: unknown): n is number {
  return Number.isSafeInteger(n) && (n as number) >= 0
}
