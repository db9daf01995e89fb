// A VM's own cores as a source of proofs.

import b4a from 'b4a'
import type Hypercore from 'hypercore'
import type { CoreEvidence, Evidence, FilesEvidence } from '../../lib/audit/evidence.js'
import type { ProofSource } from '../../lib/audit/proof/index.js'
import type { FilesState, Head } from '../../lib/ledger/encoding.js'
import type { Cores } from '../../lib/machine/cores.js'
import { rootsOf } from '../../lib/machine/tree.js'

/** Reads what is there; nothing comes later. */
export function sourceOf(cores: Cores): ProofSource {
  const { keys, log, db, blobs } = cores
  const evidence: Evidence = {
    keys,
    block: async number => (number < log.length ? log.get(number) : null),
    hash: async length => (length <= log.length ? log.treeHash(length) : null),
    files: async state => filesOf(db, blobs, state)
  }
  return { cores, evidence }
}

async function filesOf(
  db: Hypercore,
  blobs: Hypercore,
  state: FilesState
): Promise<FilesEvidence | 'late' | 'other'> {
  const [one, two] = [await coreOf(db, state.db), await coreOf(blobs, state.blobs)]
  if (one === 'other' || two === 'other') return 'other'
  return one === 'late' || two === 'late' ? 'late' : { db: one, blobs: two }
}

async function coreOf(core: Hypercore, { length, hash }: Head): Promise<CoreEvidence | 'late' | 'other'> {
  if (length > core.length) return 'late'
  if (!b4a.equals(await core.treeHash(length), hash)) return 'other'
  return { length, roots: await rootsOf(core, length), get: index => core.get(index) }
}
