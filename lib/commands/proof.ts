// --proof: writes the proof of what an audit has found.

import { constants } from 'node:fs'
import { access, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Finding } from '../audit/findings.js'
import { proveOne } from '../audit/prove.js'
import { codeOf, messageOf, VMSError } from '../errors.js'
import type { Replica } from '../replica/replica.js'
import type { Context } from './context.js'
import { log } from './output.js'

/**
 * Looks whether a file can be written, before there is anything to write.
 * @throws VMSError USAGE
 */
export async function checkPlace(file: string): Promise<void> {
  const wrong = (why: string) => new VMSError('USAGE', `--proof ${file} cannot be written: ${why}`)
  try {
    if ((await stat(file)).isDirectory()) throw wrong('it is a folder')
    return await access(file, constants.W_OK)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error instanceof VMSError ? error : wrong(messageOf(error))
  }
  await access(path.dirname(path.resolve(file)), constants.W_OK).catch((error: unknown) => {
    throw wrong(messageOf(error))
  })
}

/** Says where the proof of a fork is kept. */
export function describeKept(file: string): string {
  return `the proof that the host has contradicted itself is in ${file}: "vms verify ${file}" checks it`
}

/**
 * Writes the proof of the first of the findings that can be proved to others.
 * @returns the file, or null if there is nothing to write, or it cannot be written
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
    log(`vms: the proof cannot be written to ${file}: ${messageOf(error)}`)
    return null
  }
  log(`the proof of ${finding.kind} in block ${finding.block} is in ${file}: "vms verify ${file}" checks it`)
  return file
}
