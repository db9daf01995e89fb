// The outer form of a proof file:
//
//   magic     8 bytes     "vmsproof"
//   version   1 byte      1
//   type      1 byte      what the body is: see PROOF
//   body
//   hash      32 bytes    BLAKE2b of all before: a damaged file is told from a false one
//
// The hash proves nothing, anybody can make it: what proves are the signatures and the Merkle paths in the body.

import b4a from 'b4a'
import crypto from './crypto.js'

const MAGIC = b4a.from('vmsproof')
const VERSION = 1
const HASH_BYTES = 32

/** Larger than any proof. */
export const MAX_PROOF_BYTES = 64 * 1024 * 1024

/** What the body of a proof is. */
export const PROOF = {
  /** what it takes to replay a block: audit/proof/commit.ts */
  replay: 1,
  /** two signed heads that contradict each other: fork.ts */
  fork: 2,
  /** a signed answer, and the log that does not hold it: audit/proof/answer.ts */
  answer: 3,
  /** a signed head of the files that the log has passed over: audit/proof/unlogged.ts */
  unlogged: 4
} as const

export type ProofType = keyof typeof PROOF

export function sealProof(type: ProofType, body: Uint8Array): Uint8Array {
  const bytes = b4a.concat([MAGIC, b4a.from([VERSION, PROOF[type]]), body])
  return b4a.concat([bytes, crypto.hash(bytes)])
}

/** @throws Error if it is no proof, or a damaged one */
export function unsealProof(file: Uint8Array): { type: ProofType; body: Uint8Array } {
  if (file.byteLength > MAX_PROOF_BYTES) throw new Error(`it has more than ${MAX_PROOF_BYTES} bytes`)
  const begin = MAGIC.byteLength + 2
  if (file.byteLength < begin + HASH_BYTES || !b4a.equals(file.subarray(0, MAGIC.byteLength), MAGIC)) {
    throw new Error('it is no proof: it does not begin as one')
  }
  const end = file.byteLength - HASH_BYTES
  if (!b4a.equals(crypto.hash(file.subarray(0, end)), file.subarray(end))) throw new Error('it is damaged')
  const [version, number] = file.subarray(MAGIC.byteLength, begin)
  if (version !== VERSION) throw new Error(`version ${version} of proofs is unknown`)
  const type = (Object.keys(PROOF) as ProofType[]).find(name => PROOF[name] === number)
  if (type === undefined) throw new Error(`type ${number} of proofs is unknown`)
  return { type, body: file.subarray(begin, end) }
}
