// The files of a VM as the auditor rebuilds them, commit after commit: sessions on top of the replicated cores that are
// written to here alone. The same changes make the same blocks, so the tree hashes are the host's if it was honest.

import type Hyperbee from 'hyperbee'
import type Hypercore from 'hypercore'
import { commitChanges } from '../files/commit.js'
import type { Changes } from '../files/overlay.js'
import { DriveTree, openBee } from '../files/tree.js'
import type { FilesState } from '../ledger/encoding.js'
import type { Cores } from '../machine/cores.js'
import { stateOf } from '../machine/transaction.js'

export class Draft {
  private constructor(
    private readonly db: Hypercore,
    private readonly blobs: Hypercore,
    private readonly bee: Hyperbee,
    readonly files: DriveTree
  ) {}

  /**
   * @param at lengths to start from; beyond 0 the replicated cores must have the roots there
   * @param timeout ms to wait for a block
   */
  static async open(cores: Cores, at: { db: number; blobs: number }, timeout: number): Promise<Draft> {
    const options = { name: 'audit', overwrite: true, writable: true, timeout }
    const db = cores.db.session({ ...options, checkout: at.db })
    const blobs = cores.blobs.session({ ...options, checkout: at.blobs })
    await Promise.all([db.ready(), blobs.ready()])
    const bee = openBee(db)
    await bee.ready()
    return new Draft(db, blobs, bee, new DriveTree(bee, blobs))
  }

  /** @returns the files' state after one more commit */
  async append(changes: Changes): Promise<FilesState> {
    await commitChanges(this.bee, this.blobs, changes)
    return this.state()
  }

  state(): Promise<FilesState> {
    return stateOf(this.db, this.blobs)
  }

  async close(): Promise<void> {
    await this.bee.close()
    await Promise.all([this.db.close(), this.blobs.close()])
  }
}
