// What an audit reads of a VM, and all that it reads. It comes from a copy of the VM, from the process that holds the copy, or
// from the file of a proof: the same checks run on each.

import type { FilesState } from '../ledger/encoding.js'
import type { VMKeys } from '../ledger/keys.js'
import { hashOfRoots, type TreeNode } from '../ledger/merkle.js'

export interface Evidence {
  /** the keys of the VM's cores: what signs for it is known */
  readonly keys: VMKeys
  /** The bytes of a block of the log; null if they are not to be had. */
  block(number: number): Promise<Uint8Array | null>
  /** The log's tree hash at a length; null if it is not to be had. */
  hash(length: number): Promise<Uint8Array | null>
  /** The files in a state that the log claims. `late`: nobody sends them; `other`: the host has signed others. */
  files(state: FilesState): Promise<FilesEvidence | 'late' | 'other'>
}

/** The database and the blobs of a VM in one state. */
export interface FilesEvidence {
  db: CoreEvidence
  blobs: CoreEvidence
}

/** The first blocks of a core: those that a tree hash commits to. */
export interface CoreEvidence {
  length: number
  /** the hash of these is the tree hash of the state */
  roots: TreeNode[]
  /** The bytes of a block; null if they are not to be had. */
  get(index: number): Promise<Uint8Array | null>
}

const EMPTY_HEAD = { length: 0, hash: hashOfRoots([]) }
const EMPTY_CORE: CoreEvidence = { length: 0, roots: [], get: () => Promise.resolve(null) }

/** Files that were never written. */
export const EMPTY_STATE: FilesState = { db: EMPTY_HEAD, blobs: EMPTY_HEAD }
export const EMPTY_FILES: FilesEvidence = { db: EMPTY_CORE, blobs: EMPTY_CORE }
