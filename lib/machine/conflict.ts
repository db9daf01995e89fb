// Two histories of a core, as Hypercore notices them. Hypercore compares tree hashes that it computes from what a peer sends,
// sizes of nodes included, and these are not proved one by one: whoever moves bytes from one node to the one beside it makes
// a conflict of any honest core, and closes it for its readers and its writer. So what comes as a conflict is looked at here
// first. Rests on private parts of hypercore, which is pinned for that.

import b4a from 'b4a'
import type Hypercore from 'hypercore'
import type { ConflictProof } from 'hypercore'
import { verifyHead } from '../ledger/heads.js'
import { hashOfRoots, openPath, rootIndexes } from '../ledger/merkle.js'
import { nodeOf, shownBy } from './tree.js'

/** Keeps peers from closing a core with what is no conflict; call it once the core is ready. */
export function guardConflict(core: Hypercore): void {
  const inner = core.core
  if (guarded.has(inner)) return
  guarded.add(inner)
  const check = inner.checkConflict.bind(inner)
  // what is no conflict is dropped: nobody has asked for it
  inner.checkConflict = async (proof, from) => ((await isConflict(core, proof)) ? check(proof, from) : true)
}

/** Sessions share what they are of. */
const guarded = new WeakSet<object>()

async function isConflict(core: Hypercore, proof: ConflictProof): Promise<boolean> {
  const { manifest, key, fork } = core
  const shown = shownBy(proof)
  const { length } = proof.upgrade
  if (manifest === null || shown === null || proof.fork !== fork || length > core.length) return false
  if (proof.block !== null || proof.hash !== null || proof.seek !== null) return false
  try {
    const nodes = shown.nodes.map(({ size, hash }) => ({ size, hash }))
    const { roots, hashes } = openPath({ length: shown.length, blocks: [], nodes }, length)
    const head = { length: shown.length, hash: hashOfRoots(roots) }
    if (!verifyHead(key, manifest.signers[0].publicKey, head, shown.signature, fork)) return false
    const ours = await Promise.all(rootIndexes(length).map(index => nodeOf(core, index)))
    return ours.some(({ hash }, i) => !b4a.equals(hash, hashes[i]))
  } catch {
    return false // malformed
  }
}
