// --proof: writes the proof of what an audit has found.

import { writeFile } from 'node:fs/promises'
import type { Finding } from '../audit/findings.js'
import { proveOne } from '../audit/prove.js'
import { messageOf, VMSError } from '../errors.js'
import type { Replica } from '../replica/replica.js'
import type { Context } from './context.js'
import { log } from './output.js'

/**
 * Writes the proof of the first of the findings that can be proved to others.
 * @returns the file, or null if there is nothing to write
 */
export async function saveProof(
  context: Context,
  replica: Replica,
  findings: Finding[],
  file: string
): Promise<string | null> {
  if (findings.length === 0) return null
  const proven = await proveOne(replica, findings, context.timeout)
  if (proven === null) {
    log(
      'vms: what was found cannot be proved to others: the host has shown it, and not signed all that it takes'
    )
    return null
  }
  const { finding, proof } = proven
  try {
    await writeFile(file, proof)
  } catch (error) {
    throw new VMSError('DISK', `the proof cannot be written to ${file}: ${messageOf(error)}`)
  }
  log(`the proof of ${finding.kind} in block ${finding.block} is in ${file}: "vms verify ${file}" checks it`)
  return file
}
