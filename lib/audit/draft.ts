// The files of a VM as the auditor rebuilds them, commit after commit: in memory, on top of a state that was shown. The same
// changes make the same blocks, so the tree hashes are the host's if it was honest.

import Hyperbee from 'hyperbee'
import { commitChanges } from '../files/commit.js'
import { ForeignTree } from '../files/foreign.js'
import type { Changes } from '../files/overlay.js'
import { openBee } from '../files/tree.js'
import type { FilesState } from '../ledger/encoding.js'
import { DraftCore } from './core.js'
import type { FilesEvidence } from './evidence.js'

export class Draft {
  private readonly bee: Hyperbee
  /** the files as they stand now */
  readonly files: ForeignTree

  private constructor(
    private readonly db: DraftCore,
    private readonly blobs: DraftCore
  ) {
    this.bee = openBee(db)
    this.files = new ForeignTree(db, blobs)
  }

  static async open({ db, blobs }: FilesEvidence): Promise<Draft> {
    const draft = new Draft(new DraftCore(db), new DraftCore(blobs))
    await draft.bee.ready()
    return draft
  }

  /**
   * Appends one more commit.
   * @returns the files' state after it
   * @throws VMSError BAD_HOST if what it is built on is no tree of files; NOT_AVAILABLE
   */
  async append(changes: Changes): Promise<FilesState> {
    for (const [path, content] of changes) await this.files.inspect(path, content === null)
    await commitChanges(this.bee, this.blobs, changes)
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

  async close(): Promise<void> {
    await this.bee.close()
  }
}
