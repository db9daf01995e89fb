// What an audit says of a host that contradicts itself. The copy of the VM watches for it, and keeps the proof.

import { VMSError } from '../errors.js'
import type { Replica } from '../replica/replica.js'
import type { Findings } from './findings.js'

/** Whether the host has contradicted what it had signed, or shows less of it; `checkForks` reports it. */
export function isContradiction(error: unknown): error is VMSError {
  return error instanceof VMSError && (error.code === 'FRAUD' || error.code === 'REWOUND')
}

/**
 * Two histories of one VM: contradicting heads, contradicting cores, and truncations, which give a core a fork number.
 * @param length blocks of the log that the audit is of
 */
export async function checkForks(replica: Replica, length: number, findings: Findings): Promise<void> {
  const { contradiction, fork, head } = replica
  // what the copy holds contradicts what others hold, if it holds anything
  const held = Math.max(length, replica.log.length) || (head?.length ?? 1)
  const block = (fork?.core === 'log' ? fork.lengths[0] : held) - 1
  if (findings.findings.some(({ kind }) => kind === 'forked')) return
  if (contradiction) findings.add('forked', block, null, fork?.detail ?? contradiction.message)
  else if (replica.truncated) findings.add('forked', block, null, 'the host has truncated what it had signed')
  else {
    await replica
      .until(() => true, 0)
      .catch((error: unknown) => {
        if (isContradiction(error)) findings.doubt(block, error.message)
      })
  }
}
