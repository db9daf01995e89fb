// Files that are signed otherwise than the log says: the log's commit and the files' core contradict each other.

import b4a from 'b4a'
import { claimOfCommit, type CoreName } from '../ledger/claims.js'
import type { Commit } from '../ledger/blocks.js'
import type { Contradiction } from '../ledger/fork.js'
import { hashOfRoots } from '../ledger/merkle.js'
import type { Cores } from '../machine/cores.js'
import { rootsOf } from '../machine/tree.js'
import { pathIn, proveIn, signedClaim, type Path } from './witness.js'

/**
 * Finds what a commit says about the files that is signed otherwise.
 * @param block of the commit
 * @returns null if the copy holds nothing that contradicts it
 */
export async function filesContradiction(
  cores: Cores,
  block: number,
  commit: Commit
): Promise<{ contradiction: Contradiction; path: Path } | null> {
  const { log } = cores
  for (const name of ['db', 'blobs'] as const satisfies CoreName[]) {
    const said = commit.after[name]
    const core = cores[name]
    if (said.length === 0 || core.length < said.length) continue
    if (b4a.equals(hashOfRoots(await rootsOf(core, said.length)), said.hash)) continue
    const [theLog, theCore] = [await signedClaim(log), await signedClaim(core)]
    const content = await log.get(block)
    if (theLog === null || theCore === null || content === null) continue
    const proof = await proveIn(log)(theLog.length, [{ index: block, content }])
    const claims: Contradiction['claims'] = [claimOfCommit(theLog.claim, proof, 'after'), theCore.claim]
    return { contradiction: { core: name, claims }, path: pathIn(core) }
  }
  return null
}
