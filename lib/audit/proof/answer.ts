// The proof of an answer that is not in the log: the body of a proof of the type `answer`.
//
//   vm             namespace, publicKey (log.ts)
//   receipt        length, then a signed receipt (ledger/statements.ts)
//   confirmation   0, or 1, length, and a signed confirmation (ledger/statements.ts) of a log that ends before the receipt's
//                  block; its challenge is the BLAKE2b hash of the signed receipt
//   log            0, or 1 and the log (log.ts): the receipt's block, and the tree hash after it, and nothing else
//
// There is either a confirmation or a log.

import b4a from 'b4a'
import c, { type Encoder } from 'compact-encoding'
import { VMSError } from '../../errors.js'
import crypto from '../../ledger/crypto.js'
import { bytes, decodeExactly, optional, struct } from '../../ledger/encoding.js'
import type { VMKeys } from '../../ledger/keys.js'
import { hashRecord, type Record } from '../../ledger/record.js'
import { hashRequest } from '../../ledger/request.js'
import { sealProof } from '../../ledger/sealed.js'
import {
  confirmation,
  receipt,
  type Confirmation,
  type Receipt,
  type Signed
} from '../../ledger/statements.js'
import type { Cores } from '../../machine/cores.js'
import { confirmedBy } from './confirmed.js'
import {
  keysOf,
  logProof,
  openLogProof,
  proveLog,
  proveVM,
  shownBlock,
  vmProof,
  type LogProof,
  type ShownLog,
  type VMProof
} from './log.js'
import type { Shown } from './verdict.js'

export interface AnswerProof {
  vm: VMProof
  receipt: Uint8Array
  confirmation: Uint8Array | null
  log: LogProof | null
}

export const answerProof: Encoder<AnswerProof> = struct<AnswerProof>({
  vm: vmProof,
  receipt: bytes,
  confirmation: optional(bytes),
  log: optional(logProof)
})

/**
 * Proves that the log does not hold an answer where the host has signed that it does.
 * @param cores of the VM: a copy, or its own; the log is read
 * @throws VMSError NOT_AVAILABLE if the copy does not reach that far; Error if the log holds the answer
 */
export async function proveAnswer(
  { keys, log }: Pick<Cores, 'keys' | 'log'>,
  one: Signed<Receipt>
): Promise<Uint8Array> {
  const { block } = one
  const bytes = block < log.length ? await log.get(block) : null
  if (bytes === null) throw new VMSError('NOT_AVAILABLE', `block ${block} of the log is not available`)
  const shown = await proveLog(log, new Map([[block, bytes]]), [block + 1])
  return seal({ vm: proveVM(keys), receipt: receipt.encode(one), confirmation: null, log: shown })
}

/**
 * Proves that the host has signed an answer, and after it that its log ends before.
 * @throws Error if that is not so
 */
export function proveAnswerBeyond(
  keys: VMKeys,
  one: Signed<Receipt>,
  confirmed: Signed<Confirmation>
): Uint8Array {
  const encoded = confirmation.encode(confirmed)
  return seal({ vm: proveVM(keys), receipt: receipt.encode(one), confirmation: encoded, log: null })
}

/** What a host signs in a confirmation that it stands by a log after it has given an answer. */
export function challengeOfAnswer(one: Signed<Receipt>): Uint8Array {
  return crypto.hash(receipt.encode(one))
}

function seal(proof: AnswerProof): Uint8Array {
  const body = c.encode(answerProof, proof)
  verifyAnswer(body)
  return sealProof('answer', body)
}

/** @throws Error if it proves nothing */
export function verifyAnswer(body: Uint8Array): Shown {
  const proof = decodeExactly(answerProof, body)
  const keys = keysOf(proof.vm)
  const one = receipt.decode(proof.receipt)
  if (!b4a.equals(one.vm, keys.log) || !receipt.verify(one, keys.signer)) {
    throw new Error('the answer is not signed by the key of the log')
  }
  const { block, index } = one
  const found = { kind: 'answer-not-logged' as const, block, index }
  if (proof.confirmation !== null && proof.log === null) {
    const { length } = confirmedBy(keys, proof.confirmation, challengeOfAnswer(one))
    if (length > block) throw new Error('the log that the host stands by is long enough for the answer')
    const detail = `the host has signed an answer in block ${block}, and after it that its log has ${length} blocks`
    return { key: keys.log, genesis: null, findings: [{ ...found, detail }] }
  }
  if (proof.confirmation !== null || proof.log === null) {
    throw new Error('malformed: it takes a log or a confirmation')
  }
  const detail = contradiction(one, openLogProof(keys, proof.log))
  return { key: keys.log, genesis: null, findings: [{ ...found, detail }] }
}

/** @throws Error if there is none */
function contradiction({ block, index, request, record, hash }: Receipt, log: ShownLog): string {
  const after = log.hashes.get(block + 1)
  if (!log.blocks.has(block) || after === undefined)
    throw new Error('incomplete: the block of the answer is missing')
  if (log.blocks.size > 1 || log.hashes.size > (log.length === block + 1 ? 1 : 2)) {
    throw new Error('malformed: it holds more than the block of the answer')
  }
  if (!b4a.equals(after, hash)) return 'the host has signed an answer in another history than that of its log'
  const logged = recordAt(log, block, index)
  if (logged === null) return 'the host has signed an answer, and its log has no such call'
  const asked = hashRequest({ bytes: logged.request, signature: logged.signature })
  if (!b4a.equals(asked, request))
    return 'the host has signed an answer, and its log has another request there'
  if (!b4a.equals(hashRecord(logged), record))
    return 'the host has signed an answer, and its log has another record there'
  throw new Error('nothing is wrong in it: the log holds the answer')
}

function recordAt(log: ShownLog, block: number, index: number): Record | null {
  const logged = shownBlock(log, block)
  if (logged?.type !== 'commit' || index < logged.first) return null
  return logged.records.at(index - logged.first) ?? null
}
