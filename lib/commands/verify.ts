// vms verify: checks a proof of fraud with nothing but its file.

import { open } from 'node:fs/promises'
import { verifyProof, type Verification, type VerifiedFinding } from '../audit/proof/index.js'
import { codeOf, messageOf, VMSError } from '../errors.js'
import { MAX_PROOF_BYTES } from '../ledger/sealed.js'
import type { Context } from './context.js'
import { EXIT } from './exit.js'
import { print, printJSON } from './output.js'

const STATUS = { proven: EXIT.ok, unproven: EXIT.failed, undecided: EXIT.unavailable }

export async function verify(context: Context, file: string): Promise<number> {
  const verification = await verifyProof(await read(file))
  if (context.json) printJSON(verification)
  else show(file, verification)
  return STATUS[verification.verdict]
}

/**
 * The file's bytes, one more at most than a proof can have.
 * @throws VMSError USAGE
 */
async function read(file: string): Promise<Uint8Array> {
  try {
    const handle = await open(file)
    try {
      const bytes = Buffer.alloc(Math.min((await handle.stat()).size, MAX_PROOF_BYTES + 1))
      const { bytesRead } = await handle.read(bytes, 0, bytes.byteLength, 0)
      return bytes.subarray(0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch (error) {
    const why = codeOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error)
    throw new VMSError('USAGE', `"${file}" cannot be read: ${why}`)
  }
}

function show(file: string, { verdict, key, title, owner, findings, reason }: Verification): void {
  if (verdict === 'unproven') return print(`unproven: ${file} proves nothing: ${reason}`)
  if (verdict === 'undecided') print(`undecided: this runtime cannot tell: ${reason}`)
  else print(`proven: the host of ${key} has cheated`)
  if (verdict === 'undecided') print(`  VM      ${key}`)
  if (title !== null) print(`  title   ${title}`)
  if (owner !== null) print(`  owner   ${owner}`)
  for (const one of findings) print(...describe(one))
}

function describe({ kind, block, index, detail, caller }: VerifiedFinding): string[] {
  const place = `  ${kind} in block ${block}${index === null ? '' : `, call ${index}`}: ${detail}`
  return caller === null ? [place] : [place, `    asked by ${caller}`]
}
