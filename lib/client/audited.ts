// Waits until enough trusted auditors have verified what somebody is about to rely on.

import { VMSError } from '../errors.js'
import { encodeKey } from '../ledger/keys.js'
import type { Replica } from '../replica/replica.js'
import { alarms, attestations, auditorsOf, verifiedTo, type Attested } from '../replica/verified.js'
import { Deadline } from './deadline.js'

/** How often auditors are looked for that were not there before. */
const LOOKUP_INTERVAL_MS = 1000

/**
 * Resolves once at least `count` trusted auditors have verified the first `length` blocks of the copy's log.
 * @param timeout ms
 * @throws VMSError NOT_AUDITED if they have not in time, or at once if one of them attests fraud or another log; ABORTED,
 * CLOSED, FRAUD, REWOUND
 */
export async function requireAudited(
  replica: Replica,
  length: number,
  count: number,
  timeout: number,
  signal?: AbortSignal
): Promise<void> {
  if (count === 0) return
  let said: Attested[] = []
  const deadline = new Deadline(timeout, signal, () => notAudited(replica, length, count, said))
  const { attested } = replica
  try {
    for (;;) {
      const [version, blocks] = [attested.version, replica.log.length]
      said = await deadline.race(attestations(replica))
      const [alarm] = alarms(said)
      if (alarm) throw new VMSError('NOT_AUDITED', describeAlarm(replica, alarm))
      if (auditorsOf(said, length).length >= count) return
      const changed = () => attested.version !== version || replica.log.length !== blocks
      if (await deadline.race(replica.until(changed, LOOKUP_INTERVAL_MS))) continue
      replica.lookAgain().catch(() => {}) // it is closing
    }
  } finally {
    deadline.clear()
  }
}

/**
 * What the trusted auditors say, once each has said how it finds the first `length` blocks, or after `patience` ms.
 * @throws VMSError CLOSED, FRAUD, REWOUND
 */
export async function hearAuditors(replica: Replica, length: number, patience: number): Promise<Attested[]> {
  const { trusted, attested } = replica
  const end = Date.now() + patience
  for (;;) {
    const { version } = attested
    const said = await attestations(replica)
    const current = said.filter(one => one.length >= length)
    if (current.length === trusted.size) return said
    if (!(await replica.until(() => attested.version !== version, Math.max(0, end - Date.now())))) return said
  }
}

/** What is wrong, as a sentence. */
export function describeAlarm(replica: Replica, { auditor, verdict, length }: Attested): string {
  const vm = encodeKey(replica.key)
  if (verdict === 'fraud')
    return `the auditor ${auditor} attests that the host of ${vm} cheats, in the first ${length} blocks: "vms audit ${vm}" shows how`
  return (
    `the auditor ${auditor} attests to other ${length} blocks of ${vm} than this copy holds: ` +
    'the host has signed two histories, or the auditor lies'
  )
}

function notAudited(replica: Replica, length: number, count: number, said: Attested[]): VMSError {
  const { length: verified, auditors } = verifiedTo(said)
  const far = verified === 0 ? 'by none' : `to block ${verified - 1} by ${auditors}`
  return new VMSError(
    'NOT_AUDITED',
    `${encodeKey(replica.key)} is verified ${far} of the ${replica.trusted.size} trusted auditors, ` +
      `and ${count} are required up to block ${length - 1}: try again once they have come so far`
  )
}
