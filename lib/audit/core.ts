// A core that goes on in memory from where another was shown: what a tree of files needs of a Hypercore, and nothing else.
// Its blocks are on no disk and nobody signs them; its tree hash is computed as Hypercore does.

import { VMSError } from '../errors.js'
import type { BlockStore } from '../files/blob.js'
import type { Head } from '../ledger/encoding.js'
import { appendToRoots, bytesOfRoots, hashOfRoots, type TreeNode } from '../ledger/merkle.js'
import type { CoreEvidence } from './evidence.js'

export class DraftCore implements BlockStore {
  length: number
  byteLength: number
  /** bytes of the blocks that were appended here */
  ownBytes = 0
  private roots: TreeNode[]
  private readonly own = new Map<number, Uint8Array>()

  constructor(private base: CoreEvidence) {
    this.length = base.length
    this.roots = base.roots
    this.byteLength = bytesOfRoots(base.roots)
  }

  get head(): Head {
    return { length: this.length, hash: hashOfRoots(this.roots) }
  }

  /** @throws VMSError NOT_AVAILABLE */
  async get(index: number): Promise<Uint8Array> {
    const block = this.own.get(index) ?? (await this.base.get(index))
    if (block === null) throw new VMSError('NOT_AVAILABLE', 'the files are not available')
    return block
  }

  append(blocks: Uint8Array[]): Promise<void> {
    for (const block of blocks) {
      this.roots = appendToRoots(this.roots, this.length, block)
      this.own.set(this.length++, block)
      this.byteLength += block.byteLength
      this.ownBytes += block.byteLength
    }
    return Promise.resolve()
  }

  /** Goes on from another evidence of what it holds now. */
  settle(base: CoreEvidence): void {
    this.base = base
    this.own.clear()
    this.ownBytes = 0
  }
}
