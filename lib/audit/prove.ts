// The proof of a finding, made from the copy in which it was found.

import { decodeBlock } from '../ledger/blocks.js'
import { sealProof } from '../ledger/sealed.js'
import { filesContradiction } from '../replica/files.js'
import type { Replica } from '../replica/replica.js'
import { within } from '../replica/within.js'
import type { Finding } from './findings.js'
import { LiveEvidence } from './live.js'
import { writeProof } from './proof/index.js'

export interface Proven {
  finding: Finding
  /** a proof file: `verifyProof`, or `vms verify`, checks it */
  proof: Uint8Array
}

/**
 * The first of the findings that can be proved to others, with its proof.
 * @param timeout ms to wait for a block
 * @returns null if none can: then it takes blocks that are not to be had, or what the host has shown and not signed
 */
export async function proveOne(
  replica: Replica,
  findings: Finding[],
  timeout: number
): Promise<Proven | null> {
  for (const finding of [...findings].sort((a, b) => a.block - b.block)) {
    const proof = await prove(replica, finding, timeout).catch(() => null)
    if (proof !== null) return { finding, proof }
  }
  return null
}

async function prove(replica: Replica, finding: Finding, timeout: number): Promise<Uint8Array | null> {
  if (finding.proof) return finding.proof
  if (finding.kind === 'forked') {
    await keepFork(replica, finding, timeout)
    return replica.fork && sealProof('fork', replica.fork.body)
  }
  const evidence = await LiveEvidence.open(replica, timeout)
  return writeProof({ cores: await replica.cores(), evidence }, finding.block)
}

/** Keeps the proof that files are signed otherwise than a commit says, so that every later command knows of it. */
export async function keepFork(replica: Replica, { block }: Finding, timeout: number): Promise<void> {
  if (replica.contradiction !== null) return
  const bytes = await replica.bytes(block, timeout)
  const commit = bytes && decodeBlock(bytes)
  if (commit?.type !== 'commit') return
  const searching = filesContradiction(await replica.cores(), block, commit)
  const found = await within(timeout, searching, () => null)
  if (found) await replica.accuse(found.contradiction, found.path)
}
