// Takes proofs apart and puts them together again, as somebody would who wants to deceive.

import b4a from 'b4a'
import c from 'compact-encoding'
import { checkBlock, CHECK_MS } from '../../../lib/audit/proof/check.js'
import { commitProof, type CommitProof } from '../../../lib/audit/proof/commit.js'
import type { ProofSource } from '../../../lib/audit/proof/index.js'
import { assemble, type Parts } from '../../../lib/audit/proof/write.js'
import { isEmpty } from '../../../lib/audit/proof/evidence.js'
import crypto from '../../../lib/ledger/crypto.js'
import { decodeExactly } from '../../../lib/ledger/encoding.js'
import { sealProof, unsealProof } from '../../../lib/ledger/sealed.js'

export function openProof(file: Uint8Array): CommitProof {
  return decodeExactly(commitProof, unsealProof(file).body)
}

export function sealReplay(proof: CommitProof): Uint8Array {
  return sealProof('replay', c.encode(commitProof, proof))
}

/** Makes the outer hash right again. */
export function reseal(file: Uint8Array): Uint8Array {
  const bytes = file.subarray(0, Math.max(0, file.byteLength - 32))
  return b4a.concat([bytes, crypto.hash(bytes)])
}

/** All that checking a block reads, whether there is anything wrong with it or not. */
export async function partsOf({ evidence }: ProofSource, block: number): Promise<Parts> {
  const { read } = await checkBlock(evidence, block, CHECK_MS)
  const files = read.read.filter(({ state }) => !isEmpty(state))
  return { blocks: [...read.blocks], lengths: [...read.lengths], files }
}

/** A proof that says of a block whatever these parts of it show. */
export async function proofWith(source: ProofSource, block: number, parts: Parts): Promise<Uint8Array> {
  return sealReplay(await assemble(source, block, parts))
}
