// A core in memory, for trees of files and for Hyperbee alike, which knows what was read of it.

import type { BeeCore } from 'hyperbee'
import type { BlockStore } from '../../lib/files/blob.js'

interface GetOptions {
  valueEncoding?: { decode(bytes: Uint8Array): unknown }
}

export class MemoryCore implements BlockStore, BeeCore {
  readonly opened = true
  readonly writable = true
  readonly fork = 0
  readonly replicator = {}
  /** numbers of the blocks that were asked for */
  readonly read = new Set<number>()
  complete = false
  /** what the next append fails with */
  failure: Error | null = null

  constructor(readonly blocks: Uint8Array[] = []) {}

  get length(): number {
    return this.blocks.length
  }

  get byteLength(): number {
    return this.blocks.reduce((sum, { byteLength }) => sum + byteLength, 0)
  }

  get(index: number): Promise<Uint8Array>
  get(index: number, options?: GetOptions): Promise<unknown>
  get(index: number, { valueEncoding }: GetOptions = {}): Promise<unknown> {
    this.read.add(index)
    const block = this.blocks[index]
    return Promise.resolve(valueEncoding ? valueEncoding.decode(block) : block)
  }

  append(blocks: Uint8Array | Uint8Array[]): Promise<void> {
    const { failure } = this
    this.failure = null
    if (failure) return Promise.reject(failure)
    this.blocks.push(...(Array.isArray(blocks) ? blocks : [blocks]))
    return Promise.resolve()
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
