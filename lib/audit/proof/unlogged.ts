// The proof that files were written to outside of the log: the body of a proof of the type `unlogged`.
//
//   vm             namespace, publicKey (log.ts)
//   core           1 the database of the files, 2 their blobs
//   head           length, hash   of that core
//   signature      64 bytes       of the head, with fork 0 (ledger/heads.ts)
//   confirmation   0, or 1, length, and a signed confirmation (ledger/statements.ts); its challenge is the BLAKE2b hash of the
//                  signature
//   log            the log (log.ts), with some blocks in a row, and the tree hash at the confirmed length
//
// The first of the blocks is a commit or genesis, those after it are changes of the runtime. Then either
// - there is no confirmation, and the next commit is the last of the blocks. The head lies between the lengths that the two
//   commits leave: the log has passed over it. Or
// - the blocks end where the confirmed log does, and the commit leaves a core that is shorter than the head: the host had
//   signed the head when it stood by a log that does not know of it.
// Files that are signed otherwise than a commit says are another proof: the fork of a core.

import b4a from 'b4a'
import c, { type Encoder } from 'compact-encoding'
import { CORES, type CoreName } from '../../ledger/claims.js'
import crypto from '../../ledger/crypto.js'
import { bytes, decodeExactly, head, optional, signature, struct, type Head } from '../../ledger/encoding.js'
import { verifyHead } from '../../ledger/heads.js'
import { sealProof } from '../../ledger/sealed.js'
import { confirmation, type Confirmation, type Signed } from '../../ledger/statements.js'
import type { Cores } from '../../machine/cores.js'
import { hashOfRoots } from '../../ledger/merkle.js'
import { rootsOf, signatureOf } from '../../machine/tree.js'
import { VMSError } from '../../errors.js'
import type { ReadBlocks } from '../recorder.js'
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

/** The cores of the files. */
export type FilesCore = Exclude<CoreName, 'log'>

/** A head of one of the files' cores, as it is signed. */
export interface SignedFiles {
  core: FilesCore
  head: Head
  /** Hypercore's */
  signature: Uint8Array
}

export interface UnloggedProof {
  vm: VMProof
  core: number
  head: Head
  signature: Uint8Array
  confirmation: Uint8Array | null
  log: LogProof
}

export const unloggedProof: Encoder<UnloggedProof> = struct<UnloggedProof>({
  vm: vmProof,
  core: c.uint8,
  head,
  signature,
  confirmation: optional(bytes),
  log: logProof
})

/**
 * The newest head of the files that a copy has.
 * @throws VMSError NOT_AVAILABLE if nothing is signed, or the core was truncated
 */
export async function signedFiles(cores: Cores, core: FilesCore): Promise<SignedFiles> {
  const signed = signatureOf(cores[core])
  if (signed === null || signed.fork !== 0)
    throw new VMSError('NOT_AVAILABLE', 'the copy holds no signed head of the files')
  const { length, signature } = signed
  return { core, head: { length, hash: hashOfRoots(await rootsOf(cores[core], length)) }, signature }
}

/** What a host signs in a confirmation that it stands by a log, after it has signed files. */
export function challengeOfFiles({ signature }: SignedFiles): Uint8Array {
  return crypto.hash(signature)
}

/**
 * Proves that files were written to outside of the log.
 * @param cores of the VM: a copy, or its own; the log is read
 * @param row blocks: from the last commit, or genesis, whose files are shorter than those that are signed, up to the next
 * commit or, with a confirmation, to the end of the confirmed log
 * @throws VMSError NOT_AVAILABLE; Error if that does not prove it
 */
export async function proveUnlogged(
  { keys, log }: Pick<Cores, 'keys' | 'log'>,
  { core, head, signature }: SignedFiles,
  row: { from: number; to: number },
  confirmed: Signed<Confirmation> | null = null
): Promise<Uint8Array> {
  const blocks: ReadBlocks = new Map()
  for (let n = row.from; n <= row.to; n++) {
    const bytes = n < log.length ? await log.get(n) : null
    if (bytes === null) throw new VMSError('NOT_AVAILABLE', `block ${n} is not available`)
    blocks.set(n, bytes)
  }
  const body = c.encode(unloggedProof, {
    vm: proveVM(keys),
    core: CORES.indexOf(core),
    head,
    signature,
    confirmation: confirmed && confirmation.encode(confirmed),
    log: await proveLog(log, blocks, confirmed ? [confirmed.head.length] : [])
  })
  verifyUnlogged(body)
  return sealProof('unlogged', body)
}

/** @throws Error if it proves nothing */
export function verifyUnlogged(body: Uint8Array): Shown {
  const proof = decodeExactly(unloggedProof, body)
  const keys = keysOf(proof.vm)
  const core = CORES.at(proof.core)
  if (core === undefined || core === 'log') throw new Error('malformed: no core of the files')
  if (!verifyHead(keys[core], keys.signer, proof.head, proof.signature))
    throw new Error('the head of the files is not signed by the key of the log')
  const log = openLogProof(keys, proof.log)
  const confirmed =
    proof.confirmation === null
      ? null
      : confirmedBy(keys, proof.confirmation, challengeOfFiles({ ...proof, core }))
  checkLengths(log, confirmed)

  const { first, last, next } = rowOf(log, core)
  const { length } = proof.head
  const ends = confirmed ? next === null && confirmed.length === last.block + 1 : next !== null
  if (!ends)
    throw new Error('incomplete: the blocks end neither with the next commit nor with the confirmed log')
  if (length <= first.length || length >= (next?.length ?? Infinity))
    throw new Error('nothing is wrong in it: the files are as long as the log says')
  const signed = `the host has signed ${length} blocks of the ${core === 'db' ? 'database' : 'blobs'} of the files`
  const detail = next
    ? `${signed}, and its log goes from ${first.length} to ${next.length}`
    : `${signed}, and after it a log that knows of ${first.length}`
  const finding = { kind: 'unlogged-write' as const, block: first.block, index: null, detail }
  return { key: keys.log, genesis: null, findings: [finding] }
}

/** What a block leaves of a core of the files: genesis nothing, a change of the runtime what was there. */
interface Left {
  block: number
  length: number
}

/**
 * The first block, the last one, and that again if it is the next commit.
 * @throws Error if the blocks are not such a row
 */
function rowOf(log: ShownLog, core: FilesCore): { first: Left; last: Left; next: Left | null } {
  let first: Left | null = null
  let last: Left | null = null
  let next: Left | null = null
  for (const number of log.blocks.keys()) {
    const block = shownBlock(log, number)
    const begins: boolean =
      last === null && (block?.type === 'commit' || (block?.type === 'genesis' && number === 0))
    const goesOn: boolean = last?.block === number - 1 && next === null && block?.type !== 'genesis'
    if (block === null || !(begins || goesOn)) throw new Error('malformed: the blocks are not in a row')
    const length: number = block.type === 'commit' ? block.after[core].length : (last?.length ?? 0)
    if (last !== null && block.type === 'commit') next = { block: number, length }
    last = { block: number, length }
    first ??= last
  }
  if (first === null || last === null) throw new Error('incomplete: it holds no blocks of the log')
  return { first, last, next }
}

/** @throws Error if the log shows another tree hash than the confirmed one, or none there, or any elsewhere */
function checkLengths({ length, hashes }: ShownLog, confirmed: Head | null): void {
  if ([...hashes.keys()].some(one => one !== length && one !== confirmed?.length))
    throw new Error('malformed: it shows more of the log than it takes')
  const hash = confirmed && hashes.get(confirmed.length)
  if (confirmed && (!hash || !b4a.equals(hash, confirmed.hash)))
    throw new Error('the confirmed log is not the one that is shown')
}
