// Auditors whom the user trusts, and what they say: --trust and --min-auditors.

import { describeAlarm, hearAuditors } from '../client/audited.js'
import { VMSError } from '../errors.js'
import type { Replica } from '../replica/replica.js'
import { alarms, verifiedTo, type Attested, type Verified } from '../replica/verified.js'
import { readIds } from '../user/ids.js'
import { parseNumber, type Context } from './context.js'
import { log } from './output.js'

export interface TrustFlags {
  /** each one id or several, or a file of them */
  trust?: string[]
  minAuditors?: string
}

export interface Trust {
  /** ids */
  auditors: string[]
  /** how many of them must have verified what is relied on */
  minAuditors: number
}

/** How long auditors are waited for where none are required, ms. */
const PATIENCE_MS = 2000

/** @throws VMSError USAGE */
export function readTrust({ trust = [], minAuditors }: TrustFlags): Trust {
  const auditors = [...new Set(trust.flatMap(text => readIds('--trust', text)))]
  const min =
    minAuditors === undefined ? 0 : parseNumber('--min-auditors', minAuditors, { min: 1, integer: true })
  if (min > auditors.length) {
    throw new VMSError(
      'USAGE',
      `--min-auditors ${min} needs as many auditors to trust: --trust names ${auditors.length || 'none'}`
    )
  }
  return { auditors, minAuditors: min }
}

/** A copy of a VM to which these auditors may attest. */
export async function trustingReplica(context: Context, key: string, trust: Trust): Promise<Replica> {
  const replica = await context.replica(key)
  for (const id of trust.auditors) replica.trusted.add(id)
  return replica
}

/** How far the trusted auditors have verified the log, and what they say. */
export interface Heard {
  verified: Verified
  attestations: Attested[]
}

/**
 * Waits a while for what the trusted auditors say of the first `length` blocks; what is alarming is printed.
 * @returns null if none are trusted
 */
export async function hearTrusted(
  context: Context,
  replica: Replica,
  { auditors, minAuditors }: Trust,
  length = replica.log.length
): Promise<Heard | null> {
  if (auditors.length === 0) return null
  const attestations = await hearAuditors(replica, length, Math.min(PATIENCE_MS, context.timeout))
  for (const alarm of alarms(attestations)) log(`vms: ${describeAlarm(replica, alarm)}`)
  return { verified: verifiedTo(attestations, minAuditors), attestations }
}

/** The same, and tells people how far the log is verified. */
export async function showTrust(
  context: Context,
  replica: Replica,
  trust: Trust,
  length?: number
): Promise<Heard | null> {
  const heard = await hearTrusted(context, replica, trust, length)
  if (heard && !context.json) log(describeVerified(heard.verified, trust.auditors.length))
  return heard
}

/** @param trusted how many auditors are trusted */
export function describeVerified({ length, auditors }: Verified, trusted: number): string {
  if (length === 0) return `verified by none of ${countOf(trusted)}`
  return `verified to block ${length - 1} by ${countOf(auditors)}`
}

function countOf(auditors: number): string {
  return auditors === 1 ? '1 auditor' : `${auditors} auditors`
}
