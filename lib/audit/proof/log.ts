// What every proof begins with, and what most say of the VM's log: some of its blocks, and its tree hash at some lengths,
// below a head that the log's key has signed.
//
//   vm    namespace   32 bytes   of the log's manifest, which is the key of the VM (ledger/keys.ts)
//         publicKey   32 bytes   of the same
//
//   log   signature   64 bytes       of the head that follows from the core, with fork 0 (ledger/heads.ts)
//         lengths     array of uint  ascending, above 0 and below the core's: the tree hash there follows from the core
//         core                       length, blocks, nodes (ledger/merkle.ts); for an odd length its last block is among them

import b4a from 'b4a'
import c, { type Encoder } from 'compact-encoding'
import type Hypercore from 'hypercore'
import { decodeBlock, type Block } from '../../ledger/blocks.js'
import { key, list, signature, struct } from '../../ledger/encoding.js'
import { verifyHead } from '../../ledger/heads.js'
import { deriveKeys, type VMKeys } from '../../ledger/keys.js'
import {
  coreProof,
  endsOf,
  hashOfRoots,
  MAX_ITEMS,
  openCoreProof,
  type CoreProof
} from '../../ledger/merkle.js'
import { signatureOf } from '../../machine/tree.js'
import { VMSError } from '../../errors.js'
import type { ReadBlocks } from '../recorder.js'
import { proveBlocks } from './core.js'

/** What the keys of a VM follow from. */
export interface VMProof {
  namespace: Uint8Array
  publicKey: Uint8Array
}

export const vmProof: Encoder<VMProof> = struct<VMProof>({ namespace: key, publicKey: key })

export function proveVM({ manifests }: VMKeys): VMProof {
  const { namespace, publicKey } = manifests.log.signers[0]
  return { namespace, publicKey }
}

export function keysOf({ namespace, publicKey }: VMProof): VMKeys {
  return deriveKeys(publicKey, namespace)
}

export interface LogProof {
  signature: Uint8Array
  lengths: number[]
  core: CoreProof
}

export const logProof: Encoder<LogProof> = struct<LogProof>({
  signature,
  lengths: list(c.uint, MAX_ITEMS),
  core: coreProof
})

/** The log of a VM as far as a proof shows it. */
export interface ShownLog {
  /** the signed length */
  length: number
  blocks: ReadBlocks
  /** tree hashes, by length: of the signed head, and of those that the proof lists */
  hashes: Map<number, Uint8Array>
}

/** @throws Error if the proof is malformed, or its head is not signed by the log's key */
export function openLogProof(keys: VMKeys, { signature, lengths, core }: LogProof): ShownLog {
  const { length } = core
  const ascending = lengths.every((one, i) => one > (i === 0 ? 0 : lengths[i - 1]) && one < length)
  if (!ascending) throw new Error('malformed: lengths out of order')
  const { roots, rootsAt } = openCoreProof(core, lengths)
  const hash = hashOfRoots(roots)
  if (!verifyHead(keys.log, keys.signer, { length, hash }, signature)) {
    throw new Error('the head of its log is not signed by the key of the log')
  }
  const hashes = new Map([...rootsAt].map(([length, roots]) => [length, hashOfRoots(roots)]))
  return { length, blocks: blocksOf(core), hashes: hashes.set(length, hash) }
}

export function blocksOf({ blocks }: CoreProof): ReadBlocks {
  return new Map(blocks.map(({ index, content }) => [index, content]))
}

/** @returns null if the block is not shown, or not in its form */
export function shownBlock({ blocks }: ShownLog, number: number): Block | null {
  try {
    return decodeBlock(blocks.get(number) ?? b4a.alloc(0))
  } catch {
    return null
  }
}

/**
 * Shows blocks of a log, and its tree hash at some lengths, below the newest head that is signed.
 * @param log a core of our own, or a copy
 * @throws VMSError NOT_AVAILABLE if the copy does not reach that far, or was truncated
 */
export async function proveLog(
  log: Hypercore,
  blocks: ReadBlocks,
  lengths: Iterable<number>
): Promise<LogProof> {
  const signed = signatureOf(log)
  const last = Math.max(...blocks.keys(), -1)
  if (signed === null || signed.fork !== 0 || signed.length <= last) {
    throw new VMSError('NOT_AVAILABLE', `the copy holds no signed head of the log beyond block ${last}`)
  }
  const { length, signature } = signed
  const shorter = [...new Set(lengths)].filter(one => one > 0 && one < length).sort((a, b) => a - b)
  const shown = new Map(blocks)
  for (const end of endsOf(shorter)) {
    const content = shown.get(end) ?? (await log.get(end))
    if (content === null) throw new VMSError('NOT_AVAILABLE', `block ${end} is not available`)
    shown.set(end, content)
  }
  const core = await proveBlocks(log, length, shown, shorter)
  return { signature, lengths: shorter, core }
}
