// What a VM's log key has signed about one of its cores, in whatever form: that the core has a tree hash at a length.
//
//   claim     type (1 byte), then the bytes of what follows, with their length before them
//     core           length, hash, fork, signature (64): Hypercore's own, as replication carries it
//     head           a signed head: statements.ts
//     receipt        a signed receipt: the log has block + 1 blocks
//     confirmation   a signed confirmation
//     commit         a claim about the log (1 to 4), when (0: before, 1: after), and a proof with one commit of the log
//                    (merkle.ts): what the commit says about the files, signed as the log is
//
// All but the last two kinds are about the core that they are read for; statements are about the log alone.

import b4a from 'b4a'
import c from 'compact-encoding'
import { decodeBlock } from './blocks.js'
import crypto from './crypto.js'
import { bytes, decodeExactly, key, signature, struct, type FilesState, type Head } from './encoding.js'
import { verifyHead } from './heads.js'
import type { VMKeys } from './keys.js'
import { coreProof, hashOfRoots, MAX_LENGTH, openCoreProof, type CoreProof } from './merkle.js'
import {
  confirmation,
  headMessage,
  receipt,
  type Confirmation,
  type HeadMessage,
  type Receipt,
  type Signed
} from './statements.js'

/** The cores of a VM, by number. */
export const CORES = ['log', 'db', 'blobs'] as const
export type CoreName = (typeof CORES)[number]

const TYPES = ['core', 'head', 'receipt', 'confirmation', 'commit'] as const
export type ClaimType = (typeof TYPES)[number]

export interface Claim {
  type: ClaimType
  bytes: Uint8Array
}

/** What Hypercore signs with each append. */
export interface SignedCore extends Head {
  fork: number
  /** ed25519, of what Hypercore calls the signable of a tree */
  signature: Uint8Array
}

interface CommitClaim {
  log: Claim
  when: number
  proof: CoreProof
}

/** What a claim says. */
export interface Claimed extends Head {
  fork: number
  /** of a confirmation: what it was asked with */
  challenge: Uint8Array | null
}

const signedCore = struct<SignedCore>({ length: c.uint, hash: key, fork: c.uint, signature })
const form = struct<{ type: number; bytes: Uint8Array }>({ type: c.uint8, bytes })

export const claim: c.Encoder<Claim> = {
  preencode: (state, { type, bytes }) => form.preencode(state, { type: TYPES.indexOf(type), bytes }),
  encode: (state, { type, bytes }) => form.encode(state, { type: TYPES.indexOf(type), bytes }),
  decode(state) {
    const { type, bytes } = form.decode(state)
    if (TYPES[type] === undefined) throw new Error(`claims of type ${type} are unknown`)
    return { type: TYPES[type], bytes }
  }
}

const commitClaim = struct<CommitClaim>({ log: claim, when: c.uint8, proof: coreProof })

export function claimOfCore(signed: SignedCore): Claim {
  return { type: 'core', bytes: c.encode(signedCore, signed) }
}

export function claimOfHead(head: Signed<HeadMessage>): Claim {
  return { type: 'head', bytes: headMessage.encode(head) }
}

export function claimOfReceipt(one: Signed<Receipt>): Claim {
  return { type: 'receipt', bytes: receipt.encode(one) }
}

export function claimOfConfirmation(one: Signed<Confirmation>): Claim {
  return { type: 'confirmation', bytes: confirmation.encode(one) }
}

/**
 * What a commit says about the files.
 * @param log a claim about the log at the length of the proof
 * @param proof of one block of the log: the commit
 */
export function claimOfCommit(log: Claim, proof: CoreProof, when: 'before' | 'after'): Claim {
  return {
    type: 'commit',
    bytes: c.encode(commitClaim, { log, proof, when: when === 'after' ? 1 : 0 })
  }
}

/** The challenge that asks whether the host still stands by a claim. */
export function challengeOf({ bytes }: Claim): Uint8Array {
  return crypto.hash(bytes)
}

/**
 * Checks a claim and says what it claims.
 * @param core that it is to be about
 * @throws Error if it is malformed, about another core, or not signed by the VM
 */
export function readClaim({ type, bytes }: Claim, keys: VMKeys, core: CoreName): Claimed {
  if (type === 'core') return readCore(decodeExactly(signedCore, bytes), keys, core)
  if (type === 'commit') return readCommit(decodeExactly(commitClaim, bytes), keys, core)
  if (core !== 'log') throw new Error(`a ${type} says nothing about the ${core}`)
  if (type === 'head') {
    const one = headMessage.decode(bytes)
    return checked(one, headMessage.verify(one, keys.signer), keys, one)
  }
  if (type === 'receipt') {
    const one = receipt.decode(bytes)
    return checked(one, receipt.verify(one, keys.signer), keys, { length: one.block + 1, hash: one.hash })
  }
  const one = confirmation.decode(bytes)
  return checked(one, confirmation.verify(one, keys.signer), keys, one.head, one.challenge)
}

function checked(
  { vm }: { vm: Uint8Array },
  signed: boolean,
  keys: VMKeys,
  { length, hash }: Head,
  challenge: Uint8Array | null = null
): Claimed {
  if (!b4a.equals(vm, keys.log)) throw new Error('it is about another VM')
  if (!signed) throw new Error('it is not signed by the VM')
  if (length > MAX_LENGTH) throw new Error(`malformed: a core of ${length} blocks`)
  return { length, hash, fork: 0, challenge }
}

function readCore({ length, hash, fork, signature }: SignedCore, keys: VMKeys, core: CoreName): Claimed {
  if (length > MAX_LENGTH) throw new Error(`malformed: a core of ${length} blocks`)
  if (!verifyHead(keys[core], keys.signer, { length, hash }, signature, fork))
    throw new Error(`the ${core} is not signed so`)
  return { length, hash, fork, challenge: null }
}

function readCommit({ log, when, proof }: CommitClaim, keys: VMKeys, core: CoreName): Claimed {
  if (core === 'log') throw new Error('a commit speaks of the files')
  if (when > 1) throw new Error('malformed: neither before nor after a commit')
  const head = readClaim(log, keys, 'log')
  if (proof.length !== head.length || proof.blocks.length !== 1)
    throw new Error('malformed: a commit is one block')
  if (!b4a.equals(hashOfRoots(openCoreProof(proof).roots), head.hash))
    throw new Error('the commit is not in the log')
  const block = decodeBlock(proof.blocks[0].content)
  if (block.type !== 'commit') throw new Error('the block is no commit')
  const state: FilesState = when === 1 ? block.after : block.before
  if (state[core].length > MAX_LENGTH) throw new Error('malformed: a core of too many blocks')
  return { ...state[core], fork: 0, challenge: null }
}
