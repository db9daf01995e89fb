// The heads of cores, as Hypercore has their owner sign them: length, tree hash and fork number, under the core's key.

import caps from 'hypercore/lib/caps.js'
import { verify } from 'hypercore-crypto'
import type { Head } from './encoding.js'

/**
 * Whether a head of a core is signed.
 * @param key of the core: the hash of its manifest
 * @param signer the one public key in that manifest
 */
export function verifyHead(
  key: Uint8Array,
  signer: Uint8Array,
  { length, hash }: Head,
  signature: Uint8Array,
  fork = 0
): boolean {
  return verify(caps.treeSignable(key, hash, length, fork), signature, signer)
}
