// Trees to test with: in memory, and on real cores in a folder that goes away.

import type { TestContext } from 'node:test'
import Corestore from 'corestore'
import Hyperbee, { type BeeCore } from 'hyperbee'
import { commitChanges } from '../../lib/files/commit.js'
import { FileTree } from '../../lib/files/filetree.js'
import type { Changes } from '../../lib/files/overlay.js'
import type { PathRange, Tree } from '../../lib/files/tree.js'
import type { FilesState } from '../../lib/ledger/encoding.js'
import { openOwnCores, type Cores } from '../../lib/machine/cores.js'
import { stateOf } from '../../lib/machine/transaction.js'
import { keyPairOf, temporary } from '../ledger/helper.js'

export class MemoryTree implements Tree {
  constructor(readonly files = new Map<string, Uint8Array>()) {}

  static of(files: { [path: string]: string }): MemoryTree {
    return new MemoryTree(new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)])))
  }

  size(path: string): Promise<number | null> {
    return Promise.resolve(this.files.get(path)?.byteLength ?? null)
  }

  get(path: string): Promise<Uint8Array | null> {
    return Promise.resolve(this.files.get(path) ?? null)
  }

  async *paths({ gte, lt }: PathRange): AsyncIterable<string> {
    await Promise.resolve()
    for (const path of [...this.files.keys()].sort(byBytes))
      if (byBytes(path, gte) >= 0 && byBytes(path, lt) < 0) yield path
  }
}

export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** The files of a VM on real cores. */
export interface Drive {
  store: Corestore
  cores: Cores
  tree: FileTree
  commit(changes: Changes): Promise<FilesState>
  state(): Promise<FilesState>
  close(): Promise<void>
}

/** Opens the drive that lies in `folder`, of the key pair whose seed is 32 times `seed`. */
export async function openDrive(folder: string, seed = 1): Promise<Drive> {
  const store = new Corestore(folder)
  const cores = await openOwnCores(store, keyPairOf(seed))
  const { db, blobs } = cores
  const tree = new FileTree(db, blobs)
  return {
    store,
    cores,
    tree,
    commit: async changes => {
      await commitChanges(tree, changes)
      return stateOf(db, blobs)
    },
    state: () => stateOf(db, blobs),
    close: () => store.close()
  }
}

/** The database as Hyperdrive itself opens it. */
export function openBee(db: BeeCore): Hyperbee {
  return new Hyperbee(db, {
    keyEncoding: 'utf-8',
    valueEncoding: 'json',
    metadata: { contentFeed: null },
    extension: false,
    sessions: false
  })
}

/** An empty drive that goes away with the test. */
export async function newDrive(t: TestContext, seed = 1): Promise<Drive> {
  const drive = await openDrive(await temporary(t), seed)
  t.after(() => drive.close())
  return drive
}
