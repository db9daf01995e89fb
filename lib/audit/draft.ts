// The files of a VM as the auditor rebuilds them, commit after commit: in memory, on top of a state that was shown. The same
// changes make the same blocks, so the tree hashes are the host's if it was honest.

import { commitChanges } from '../files/commit.js'
import { FileTree } from '../files/filetree.js'
import type { Changes } from '../files/overlay.js'
import type { FilesState } from '../ledger/encoding.js'
import { DraftCore } from './core.js'
import type { FilesEvidence } from './evidence.js'

export class Draft {
  private readonly db: DraftCore
  private readonly blobs: DraftCore
  /** the files as they stand now */
  readonly files: FileTree<DraftCore>

  constructor({ db, blobs }: FilesEvidence) {
    this.db = new DraftCore(db)
    this.blobs = new DraftCore(blobs)
    this.files = new FileTree(this.db, this.blobs)
  }

  /**
   * Appends one more commit.
   * @returns the files' state after it
   * @throws VMSError BAD_HOST if what it is built on is no tree of files; NOT_AVAILABLE
   */
  async append(changes: Changes): Promise<FilesState> {
    await commitChanges(this.files, changes)
    return this.state
  }

  get state(): FilesState {
    return { db: this.db.head, blobs: this.blobs.head }
  }

  /** Bytes of the blocks that were made here, and are kept. */
  get bytes(): number {
    return this.db.ownBytes + this.blobs.ownBytes
  }

  /** Forgets the blocks that were made here: the same are to be had as the files in this state. */
  settle({ db, blobs }: FilesEvidence): void {
    this.db.settle(db)
    this.blobs.settle(blobs)
  }
}
