// The evidence as a copy of a VM holds it, or fetches it from peers.

import b4a from 'b4a'
import { reaches } from '../replica/snapshot.js'
import type { Replica } from '../replica/replica.js'
import { within } from '../replica/within.js'
import type { FilesState, Head } from '../ledger/encoding.js'
import { hashOfRoots } from '../ledger/merkle.js'
import type { VMKeys } from '../ledger/keys.js'
import type { Cores } from '../machine/cores.js'
import { rootsOf } from '../machine/tree.js'
import type Hypercore from 'hypercore'
import type { CoreEvidence, Evidence, FilesEvidence } from './evidence.js'

export class LiveEvidence implements Evidence {
  /** @param timeout ms to wait for each block */
  private constructor(
    private readonly replica: Replica,
    private readonly cores: Cores,
    private readonly timeout: number
  ) {}

  /** @throws VMSError NOT_AVAILABLE, BAD_HOST */
  static async open(replica: Replica, timeout: number): Promise<LiveEvidence> {
    return new LiveEvidence(replica, await replica.cores(), timeout)
  }

  get keys(): VMKeys {
    return this.cores.keys
  }

  block(number: number): Promise<Uint8Array | null> {
    return this.replica.bytes(number, this.timeout)
  }

  hash(length: number): Promise<Uint8Array | null> {
    return hashAt(this.replica, length, this.timeout)
  }

  async files({ db, blobs }: FilesState): Promise<FilesEvidence | 'late' | 'other'> {
    const [first, second] = await Promise.all([
      this.core(this.cores.db, db),
      this.core(this.cores.blobs, blobs)
    ])
    if (first === 'other' || second === 'other') return 'other'
    if (first === 'late' || second === 'late') return 'late'
    return { db: first, blobs: second }
  }

  private async core(core: Hypercore, head: Head): Promise<CoreEvidence | 'late' | 'other'> {
    const reached = await reaches(core, head, this.timeout, this.replica.online)
    if (reached !== 'same') return reached
    const roots = await rootsOf(core, head.length)
    if (head.length > 0 && !b4a.equals(hashOfRoots(roots), head.hash)) return 'late' // a peer lied about their sizes
    return {
      length: head.length,
      roots,
      get: index => within(this.timeout, core.get(index), () => null).catch(() => null)
    }
  }
}

/** The log's tree hash; null if its nodes are not to be had. */
export function hashAt(replica: Replica, length: number, timeout: number): Promise<Uint8Array | null> {
  return within<Uint8Array | null>(timeout, replica.log.treeHash(length), () => null).catch(() => null)
}
