// Verifies a proof of fraud with nothing but its bytes. Nothing in them is believed but signatures, and what follows from them.

import { messageOf } from '../../errors.js'
import { verifyFork, type ProvenFork } from '../../ledger/fork.js'
import { encodeKey } from '../../ledger/keys.js'
import { unsealProof, type ProofType } from '../../ledger/sealed.js'
import type { Finding } from '../findings.js'
import { verifyAnswer } from './answer.js'
import { CHECK_MS } from './check.js'
import { replayProof } from './commit.js'
import { verifyUnlogged } from './unlogged.js'
import type { Shown } from './verdict.js'

/**
 * `proven`: the host of the VM did what the findings say. `undecided`: this runtime cannot tell, another one might.
 * `unproven`: the proof is damaged, incomplete, signed by nobody whom it concerns, or about nothing wrong.
 */
export type ProofVerdict = 'proven' | 'unproven' | 'undecided'

export interface Verification {
  verdict: ProofVerdict
  /** null if it is no proof */
  type: ProofType | null
  /** of the VM; null if it is not known, or not proven to be the one that is accused */
  key: string | null
  /** of the VM, where the proof holds it */
  title: string | null
  /** public key of who deployed the VM, where the proof holds it */
  owner: string | null
  findings: VerifiedFinding[]
  /** why it is not proven; null if it is */
  reason: string | null
}

export interface VerifiedFinding extends Finding {
  /** who signed the request that it is about, where it is about one that can be read */
  caller: string | null
}

export interface VerifyOptions {
  /** ms that replaying may take; beyond, it is undecided */
  timeout?: number
}

const NOTHING: Verification = {
  verdict: 'unproven',
  type: null,
  key: null,
  title: null,
  owner: null,
  findings: [],
  reason: null
}

/**
 * Verifies a proof that an auditor, or a client, has written.
 * @param file the bytes of the whole file
 */
export async function verifyProof(
  file: Uint8Array,
  { timeout = CHECK_MS }: VerifyOptions = {}
): Promise<Verification> {
  let type: ProofType | null = null
  try {
    const sealed = unsealProof(file)
    type = sealed.type
    return { ...(await verifyBody(sealed.type, sealed.body, timeout)), type }
  } catch (error) {
    return { ...NOTHING, type, reason: messageOf(error) }
  }
}

/** @throws Error if it proves nothing */
async function verifyBody(type: ProofType, body: Uint8Array, timeout: number): Promise<Verification> {
  switch (type) {
    case 'answer':
      return proven(verifyAnswer(body))
    case 'unlogged':
      return proven(verifyUnlogged(body))
    case 'fork':
      return proven(fork(verifyFork(body)))
    case 'replay':
      return verifyReplay(body, timeout)
  }
}

function fork({ key, core, lengths, detail }: ProvenFork): Shown {
  // the histories part before the end of the shorter one; where in the log the files do, nobody can say
  const block = core === 'log' ? Math.max(0, lengths[0] - 1) : 0
  return { key, genesis: null, findings: [{ kind: 'forked', block, index: null, detail }] }
}

async function verifyReplay(body: Uint8Array, timeout: number): Promise<Verification> {
  const { shown, checked, unread } = await replayProof(body, timeout)
  const { doubts } = checked.findings
  const cannotTell = doubts.find(({ cause }) => cause !== 'missing')
  if (shown.findings.length > 0) {
    // another machine may have come to an end earlier
    if (unread && !cannotTell && !checked.late) throw new Error('malformed: it holds more than it takes')
    return proven(shown)
  }
  if (checked.late || cannotTell) {
    const reason = cannotTell?.reason ?? `replaying it takes more than ${timeout / 1000} s`
    return { ...proven(shown), verdict: 'undecided', reason }
  }
  if (doubts.length > 0) throw new Error(`incomplete: ${doubts[0].reason}`)
  throw new Error('nothing is wrong in it: the block is as an honest host writes it')
}

function proven({ key, genesis, findings }: Shown): Verification {
  return {
    ...NOTHING,
    verdict: 'proven',
    key: encodeKey(key),
    title: genesis && genesis.title,
    owner: genesis && encodeKey(genesis.owner),
    findings: findings.map(({ caller, ...finding }) => ({
      ...finding,
      caller: caller ? encodeKey(caller) : null
    }))
  }
}
