// The files of a VM as a commit left them, read only after the replicated cores were compared with what the log says.

import b4a from 'b4a'
import { VMSError } from '../errors.js'
import type { BlockSource } from '../files/blob.js'
import { FileTree } from '../files/filetree.js'
import { FilesReader } from '../files/system.js'
import type { Tree } from '../files/tree.js'
import type { Commit } from '../ledger/blocks.js'
import type { FilesState, Head } from '../ledger/encoding.js'
import { encodeKey } from '../ledger/keys.js'
import type Hypercore from 'hypercore'
import { filesContradiction } from './files.js'
import type { Replica } from './replica.js'
import { within } from './within.js'

/** How long the copy itself may take to say what it holds, ms. */
const LOCAL_MS = 1000

/** The files after `block`. */
export interface Snapshot {
  block: number
  commit: Commit
  tree: Tree
  files: FilesReader
}

const EMPTY: Tree = {
  size: () => Promise.resolve(null),
  get: () => Promise.resolve(null),
  async *paths() {}
}

/**
 * The files after the newest commit of the copy; offline, after the newest that the copy has all roots of.
 * @param timeout ms to wait for blocks
 * @throws VMSError NOT_AVAILABLE; FRAUD if the files are signed otherwise than the log says
 */
export async function latestSnapshot(replica: Replica, timeout: number): Promise<Snapshot> {
  for (let block = replica.log.length - 1; block > 0; block--) {
    if (!replica.online && !(await replica.log.has(block))) continue
    const commit = await replica.block(block, timeout)
    if (commit.type !== 'commit') continue
    const tree = await treeAt(replica, commit.after, timeout).catch(async (error: unknown) => {
      const found = await filesContradiction(await replica.cores(), block, commit).catch(() => null)
      if (found) await replica.accuse(found.contradiction, found.path)
      throw await replica.explain(error)
    })
    if (tree) return { block, commit, tree, files: new FilesReader(tree) }
    if (replica.online) break
  }
  throw new VMSError(
    'NOT_AVAILABLE',
    `the files of ${encodeKey(replica.key)} are not in this copy: try again when its host is online`
  )
}

/**
 * The files in a given state.
 * @returns null if the copy has not got that far, and nobody helps
 * @throws VMSError FRAUD if the files are signed otherwise
 */
export async function treeAt(
  replica: Replica,
  { db, blobs }: FilesState,
  timeout: number
): Promise<Tree | null> {
  if (db.length === 0) return EMPTY
  const cores = await replica.cores()
  // offline nothing comes, however long one waits
  const wait = replica.online ? timeout : Math.min(timeout, LOCAL_MS)
  const reached = await Promise.all([
    reaches(cores.db, db, wait, replica.online),
    reaches(cores.blobs, blobs, wait, replica.online)
  ])
  if (reached.includes('late')) return null
  if (reached.includes('other')) {
    throw new VMSError(
      'FRAUD',
      `the files of ${encodeKey(replica.key)} are signed otherwise than its log says`
    )
  }
  return new FileTree(upTo(cores.db, db.length), upTo(cores.blobs, blobs.length))
}

/** The first blocks of a core. */
function upTo(core: Hypercore, length: number): BlockSource {
  return { length, complete: core.contiguousLength >= length, get: index => core.get(index) }
}

/** Whether a core has a head; `late` if its blocks do not come in time. */
export async function reaches(
  core: Hypercore,
  head: Head,
  timeout: number,
  online = true
): Promise<'same' | 'other' | 'late'> {
  if (head.length === 0) return 'same'
  if (core.length < head.length) {
    if (!online) return 'late'
    const grown = new Promise<boolean>(resolve => {
      const look = () => {
        if (core.length < head.length) return
        core.off('append', look)
        resolve(true)
      }
      core.on('append', look)
    })
    const done = core.findingPeers()
    try {
      if (!(await within(timeout, grown, () => false))) return 'late'
    } finally {
      done()
    }
  }
  const hash = await within(timeout, core.treeHash(head.length), () => null)
  if (hash === null) return 'late'
  return b4a.equals(hash, head.hash) ? 'same' : 'other'
}
