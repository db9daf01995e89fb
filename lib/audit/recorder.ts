// Remembers what an audit reads: that much, and no more, belongs into a proof.

import { nameOfState, type FilesState } from '../ledger/encoding.js'
import type { VMKeys } from '../ledger/keys.js'
import type { CoreEvidence, Evidence, FilesEvidence } from './evidence.js'

/** Blocks of a core that were read, by number. */
export type ReadBlocks = Map<number, Uint8Array>

/** The files in one state, and what was read of them. */
export interface ReadFiles {
  state: FilesState
  db: ReadBlocks
  blobs: ReadBlocks
}

export class Recorder implements Evidence {
  /** numbers of the log's blocks */
  readonly blocks = new Set<number>()
  /** those at which the log's tree hash was asked for, and told */
  readonly lengths = new Set<number>()
  private readonly states = new Map<string, ReadFiles>()

  constructor(private readonly evidence: Evidence) {}

  get keys(): VMKeys {
    return this.evidence.keys
  }

  /** The states of the files that were to be had. */
  get read(): ReadFiles[] {
    return [...this.states.values()]
  }

  async block(number: number): Promise<Uint8Array | null> {
    const bytes = await this.evidence.block(number)
    if (bytes !== null) this.blocks.add(number)
    return bytes
  }

  async hash(length: number): Promise<Uint8Array | null> {
    const hash = await this.evidence.hash(length)
    if (hash !== null) this.lengths.add(length)
    return hash
  }

  async files(state: FilesState): Promise<FilesEvidence | 'late' | 'other'> {
    const files = await this.evidence.files(state)
    if (typeof files === 'string') return files
    const name = nameOfState(state)
    const read: ReadFiles = this.states.get(name) ?? { state, db: new Map(), blobs: new Map() }
    this.states.set(name, read)
    return { db: watched(files.db, read.db), blobs: watched(files.blobs, read.blobs) }
  }
}

function watched({ length, roots, ...core }: CoreEvidence, read: ReadBlocks): CoreEvidence {
  const get = async (index: number) => {
    const bytes = await core.get(index)
    if (bytes !== null) read.set(index, bytes)
    return bytes
  }
  return { length, roots, get }
}
