// A core that goes on in memory from where another was shown: what Hyperbee and our own readers need of a Hypercore, and
// nothing else. Its blocks are on no disk and nobody signs them; its tree hash is computed as Hypercore does.

import { VMSError } from '../errors.js'
import type { BlockSource } from '../files/blob.js'
import { checkBlock } from '../files/foreign.js'
import type { Head } from '../ledger/encoding.js'
import { appendToRoots, bytesOfRoots, hashOfRoots, type TreeNode } from '../ledger/merkle.js'
import type { CoreEvidence } from './evidence.js'

interface GetOptions {
  valueEncoding?: { decode(bytes: Uint8Array): unknown }
}

export class DraftCore implements BlockSource {
  length: number
  byteLength: number
  /** bytes of the blocks that were appended here */
  ownBytes = 0
  // what Hyperbee looks at
  readonly opened = true
  readonly writable = true
  readonly fork = 0
  readonly replicator = {}
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

  get(index: number): Promise<Uint8Array>
  get(index: number, options: GetOptions): Promise<unknown>
  /** @throws VMSError NOT_AVAILABLE */
  async get(index: number, { valueEncoding }: GetOptions = {}): Promise<unknown> {
    const own = this.own.get(index)
    const block = own ?? (await this.base.get(index))
    if (block === null) throw new VMSError('NOT_AVAILABLE', 'the files are not available')
    if (!valueEncoding) return block
    if (!own && index > 0) checkBlock(index, block) // block 0 is a header
    return valueEncoding.decode(block)
  }

  append(blocks: Uint8Array | Uint8Array[]): Promise<void> {
    for (const block of Array.isArray(blocks) ? blocks : [blocks]) {
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

  ready(): Promise<void> {
    return Promise.resolve()
  }

  update(): Promise<boolean> {
    return Promise.resolve(false)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  on(): void {}

  off(): void {}
}
