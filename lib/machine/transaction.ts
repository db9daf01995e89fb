// One atomic, durable write over the three cores of a VM. What is appended here is seen by nobody else until `commit`.
//
// The one writer of the VM keeps its transaction open from commit to commit; after a failure it is closed, which rolls
// back, and a new one is opened.

import type Hypercore from 'hypercore'
import type { Atom } from 'hypercore-storage'
import { commitChanges } from '../files/commit.js'
import { FileTree } from '../files/filetree.js'
import type { Changes } from '../files/overlay.js'
import type { FilesState, Head } from '../ledger/encoding.js'
import type { Cores } from './cores.js'
import type { Durability } from './durable.js'
import { headOf } from './tree.js'

export class Transaction {
  private constructor(
    private readonly atom: Atom,
    readonly log: Hypercore,
    readonly db: Hypercore,
    readonly blobs: Hypercore,
    /** the files with everything appended so far */
    readonly files: FileTree<Hypercore>
  ) {}

  static async open(cores: Cores, durability: Durability): Promise<Transaction> {
    const atom = durability.createAtom()
    const [log, db, blobs] = [cores.log, cores.db, cores.blobs].map(core => core.session({ atom }))
    await Promise.all([log.ready(), db.ready(), blobs.ready()])
    return new Transaction(atom, log, db, blobs, new FileTree(db, blobs))
  }

  async appendFiles(changes: Changes): Promise<FilesState> {
    await commitChanges(this.files, changes)
    return stateOf(this.db, this.blobs)
  }

  /** @returns the log's head after the block */
  async appendLog(block: Uint8Array): Promise<Head> {
    await this.log.append(block)
    return headOf(this.log)
  }

  filesState(): Promise<FilesState> {
    return stateOf(this.db, this.blobs)
  }

  commit(): Promise<void> {
    return this.atom.flush()
  }

  /** Rolls back what is not committed. */
  async close(): Promise<void> {
    await Promise.all([this.log.close(), this.db.close(), this.blobs.close()])
  }
}

export async function stateOf(db: Hypercore, blobs: Hypercore): Promise<FilesState> {
  return { db: await headOf(db), blobs: await headOf(blobs) }
}
