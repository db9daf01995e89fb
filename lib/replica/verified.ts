// How far trusted auditors have verified the log that this copy holds. What they say counts only for the very log that they
// name by its tree hash.

import b4a from 'b4a'
import type { Attestation, Verdict } from '../ledger/attestation.js'
import type { Statements } from './attested.js'
import type { Replica } from './replica.js'
import { within } from './within.js'

/** How long the copy may take to say what it holds, ms. */
const LOCAL_MS = 1000

/** What a trusted auditor says. */
export interface Attested {
  /** its id */
  auditor: string
  /** blocks of the log that it is about, all from genesis on */
  length: number
  verdict: Verdict
  /** the auditor's clock, ms since 1970 */
  time: number
  /** whether it is about the log that this copy holds; null if the copy is not as long, or cannot tell */
  agrees: boolean | null
}

/** How far the log is verified. */
export interface Verified {
  /** blocks from genesis on; 0 if it is not verified by as many auditors as were asked for */
  length: number
  /** how many trusted auditors have verified at least that */
  auditors: number
}

/**
 * What the trusted auditors say, one line each: fraud, if they found it; else how far they have verified the log; else why
 * they could not. A fraud stands until the same auditor has verified as much, later.
 */
export async function attestations(replica: Replica): Promise<Attested[]> {
  const said: Attested[] = []
  for (const [auditor, statements] of await replica.attested.all()) {
    const one = standing(statements)
    if (!one) continue
    const { length, verdict, time } = one
    said.push({ auditor, length, verdict, time, agrees: await agrees(replica, one) })
  }
  return said
}

/** The highest block to which at least `count` of the trusted auditors have verified this log. */
export function verifiedTo(said: Attested[], count = 1): Verified {
  const lengths = said.filter(verifies).map(({ length }) => length)
  const reached = lengths.sort((a, b) => b - a).at(Math.max(1, count) - 1)
  if (reached === undefined) return { length: 0, auditors: 0 }
  return { length: reached, auditors: lengths.filter(length => length >= reached).length }
}

/** Those who have verified this log up to `length` blocks. */
export function auditorsOf(said: Attested[], length: number): string[] {
  return said.filter(one => verifies(one) && one.length >= length).map(({ auditor }) => auditor)
}

/** Those who say that the host cheats, or know another log than this one. */
export function alarms(said: Attested[]): Attested[] {
  return said.filter(one => one.verdict === 'fraud' || one.agrees === false)
}

function verifies({ verdict, agrees }: Attested): boolean {
  return verdict === 'verified' && agrees === true
}

function standing(statements: Statements): Attestation | undefined {
  const [fraud, verified] = [statements.get('fraud'), statements.get('verified')]
  if (!fraud) return verified ?? statements.get('inconclusive')
  const retracted = verified && verified.time > fraud.time && verified.length >= fraud.length
  return retracted ? verified : fraud
}

async function agrees(replica: Replica, { length, hash }: Attestation): Promise<boolean | null> {
  const { log } = replica
  if (length < 1 || length > log.length) return null
  const own = await within(
    LOCAL_MS,
    log.treeHash(length).catch(() => null),
    () => null
  )
  return own && b4a.equals(own, hash)
}
