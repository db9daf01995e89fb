// The blocks of a drive's database, byte for byte as Hyperbee stores them: the key and the value of one change, and the nodes
// that changed with it. They may come from a host that made them up.

import b4a from 'b4a'
import { Node, YoloIndex, type Level } from 'hyperbee/lib/messages.js'
import type { BlobId } from 'hyperdrive'
import { VMSError } from '../../errors.js'
import { parseEntry } from '../blob.js'

// Bounds that no honest block comes near: it has the nodes that changed with one path, at most a few of each depth.
const MAX_BLOCK_BYTES = 64 * 1024
const MAX_LEVELS = 256

/** Block 0 of every database of a Hyperdrive: its protocol, and that no blobs core is named there. */
export const HEADER = b4a.concat([b4a.from([10, 8]), b4a.from('hyperbee'), b4a.from([18, 0])])

export interface Block {
  /** the bytes of the key, each a character: such strings compare as the bytes do, and keep no buffer alive */
  name: string
  /** null if the value is no entry of a file, or if there is none */
  blob: BlobId | null
  levels: Level[]
  /** what it takes in the core */
  byteLength: number
}

/** @throws VMSError BAD_HOST */
export function decodeBlock(seq: number, bytes: Uint8Array | null): Block {
  if (bytes === null || bytes.byteLength > MAX_BLOCK_BYTES) throw broken(seq)
  const { key, value, index } = decode(() => Node.decode(bytes), seq)
  const { levels } = decode(() => YoloIndex.decode(index), seq)
  if (levels.length > MAX_LEVELS) throw broken(seq)
  return { name: b4a.toString(key, 'latin1'), blob: parseEntry(value), levels, byteLength: bytes.byteLength }
}

function decode<T>(read: () => T, seq: number): T {
  try {
    return read()
  } catch {
    throw broken(seq)
  }
}

/**
 * @param name the bytes of the key, each a character
 * @param value ASCII; null for a deletion
 */
export function encodeBlock(name: string, value: string | null, levels: Level[]): Uint8Array {
  let indexBytes = 0
  const sizes = levels.map(({ keys, children }) => {
    const [ofKeys, ofChildren] = [sizeOfAll(keys), sizeOfAll(children)]
    const size = sizeOfField(ofKeys) + sizeOfField(ofChildren)
    indexBytes += 1 + sizeOf(size) + size
    return { ofKeys, ofChildren, size }
  })
  const valueBytes = value === null ? 0 : 1 + sizeOf(value.length) + value.length
  const bytes = b4a.allocUnsafe(
    1 + sizeOf(indexBytes) + indexBytes + 1 + sizeOf(name.length) + name.length + valueBytes
  )
  let at = begin(bytes, 0, 10, indexBytes)
  for (const [i, { ofKeys, ofChildren, size }] of sizes.entries()) {
    at = begin(bytes, at, 10, size)
    at = writeAll(bytes, at, 10, levels[i].keys, ofKeys)
    at = writeAll(bytes, at, 18, levels[i].children, ofChildren)
  }
  at = begin(bytes, at, 18, name.length)
  at += b4a.write(bytes, name, at, name.length, 'latin1')
  if (value !== null) b4a.write(bytes, value, begin(bytes, at, 26, value.length), value.length, 'latin1')
  return bytes
}

// varints, as Protocol Buffers has them

function sizeOf(n: number): number {
  let size = 1
  for (; n >= 128; n /= 128) size++
  return size
}

function sizeOfAll(numbers: number[]): number {
  let size = 0
  for (const n of numbers) size += sizeOf(n)
  return size
}

// numbers that are none take no field
function sizeOfField(size: number): number {
  return size === 0 ? 0 : 1 + sizeOf(size) + size
}

function begin(bytes: Uint8Array, at: number, tag: number, size: number): number {
  bytes[at] = tag
  return write(bytes, at + 1, size)
}

function write(bytes: Uint8Array, at: number, n: number): number {
  for (; n >= 128; n = Math.floor(n / 128)) bytes[at++] = (n % 128) | 128
  bytes[at++] = n
  return at
}

function writeAll(bytes: Uint8Array, at: number, tag: number, numbers: number[], size: number): number {
  if (size === 0) return at
  at = begin(bytes, at, tag, size)
  for (const n of numbers) at = write(bytes, at, n)
  return at
}

export function broken(seq: number): VMSError {
  return new VMSError(
    'BAD_HOST',
    `the files are malformed: block ${seq} of their database is as no honest host signs it`
  )
}
