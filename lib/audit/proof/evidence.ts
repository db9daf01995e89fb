// The evidence that a proof holds. What is not in it is not to be had.

import c, { type Encoder } from 'compact-encoding'
import b4a from 'b4a'
import { list, nameOfState, struct, type FilesState, type Head } from '../../ledger/encoding.js'
import type { VMKeys } from '../../ledger/keys.js'
import { coreProof, endsOf, hashOfRoots, openCoreProof, type CoreProof } from '../../ledger/merkle.js'
import type { CoreEvidence, Evidence, FilesEvidence } from '../evidence.js'
import type { Recorder } from '../recorder.js'
import { blocksOf, type ShownLog } from './log.js'

/** Blocks of the files in one state; that state is the heads that follow from the two. */
export interface FilesProof {
  db: CoreProof
  blobs: CoreProof
}

/** A commit leads from one state to another; more are never read. */
const MAX_STATES = 4

const filesProof = struct<FilesProof>({ db: coreProof, blobs: coreProof })

export const filesProofs: Encoder<FilesProof[]> = list(filesProof, MAX_STATES)

/** Files in the one order that a proof lists them in. */
export function inOrder(files: FilesProof[]): FilesProof[] {
  const encoded = files.map(one => ({ one, bytes: c.encode(filesProof, one) }))
  return encoded.sort((a, b) => b4a.compare(a.bytes, b.bytes)).map(({ one }) => one)
}

const NOTHING: CoreProof = { length: 0, blocks: [], nodes: [] }

export class ProofEvidence implements Evidence {
  private readonly states = new Map<string, { evidence: FilesEvidence; db: number; blobs: number }>()

  /** @throws Error if the files are malformed, or listed in another order than that of their bytes */
  constructor(
    readonly keys: VMKeys,
    private readonly log: ShownLog,
    files: FilesProof[]
  ) {
    if (inOrder(files).some((one, i) => one !== files[i])) throw new Error('malformed: files out of order')
    for (const { db, blobs } of files) {
      const evidence = { db: evidenceOf(db), blobs: evidenceOf(blobs) }
      const name = nameOfState({ db: headOf(evidence.db), blobs: headOf(evidence.blobs) })
      if (this.states.has(name)) throw new Error('malformed: a state of the files twice')
      this.states.set(name, { evidence, db: db.blocks.length, blobs: blobs.blocks.length })
    }
  }

  block(number: number): Promise<Uint8Array | null> {
    return Promise.resolve(this.log.blocks.get(number) ?? null)
  }

  hash(length: number): Promise<Uint8Array | null> {
    return Promise.resolve(this.log.hashes.get(length) ?? null)
  }

  /** Other files than those of a state prove nothing here: they are as good as none. */
  files(state: FilesState): Promise<FilesEvidence | 'late'> {
    const shown = this.states.get(nameOfState(state))?.evidence
    return Promise.resolve(shown ?? (isEmpty(state) ? EMPTY : 'late'))
  }

  /** Whether all that there is was read. */
  isRead({ blocks, lengths, read }: Recorder): boolean {
    const { log, states } = this
    const shown = [...log.hashes.keys()].filter(length => length !== log.length)
    if (shown.some(length => !lengths.has(length))) return false
    const ends = new Set(endsOf(shown))
    if ([...log.blocks.keys()].some(block => !blocks.has(block) && !ends.has(block))) return false
    const sizes = new Map(read.map(({ state, db, blobs }) => [nameOfState(state), [db.size, blobs.size]]))
    return [...states].every(([name, { db, blobs }]) => {
      const [readDb, readBlobs] = sizes.get(name) ?? []
      return db === readDb && blobs === readBlobs
    })
  }
}

function evidenceOf(proof: CoreProof): CoreEvidence {
  const { roots } = openCoreProof(proof)
  const blocks = blocksOf(proof)
  return { length: proof.length, roots, get: index => Promise.resolve(blocks.get(index) ?? null) }
}

const EMPTY: FilesEvidence = { db: evidenceOf(NOTHING), blobs: evidenceOf(NOTHING) }

function headOf({ length, roots }: CoreEvidence): Head {
  return { length, hash: hashOfRoots(roots) }
}

/** Files that were never written to need no proof. */
export function isEmpty(state: FilesState): boolean {
  return nameOfState(state) === nameOfState({ db: headOf(EMPTY.db), blobs: headOf(EMPTY.blobs) })
}
