// Pending writes on top of a tree: of one call on those of its batch, of a batch on the files as they are committed.

import { compareUTF8 } from '../utf8.js'
import type { PathRange, Tree } from './tree.js'

/** Paths with what they hold from now on; null: deleted. */
export type Changes = Map<string, Uint8Array | null>

export class Overlay implements Tree {
  readonly changes: Changes = new Map()
  private sorted: string[] | null = []

  constructor(private readonly base: Tree) {}

  async size(path: string): Promise<number | null> {
    const change = this.changes.get(path)
    return change === undefined ? this.base.size(path) : (change?.byteLength ?? null)
  }

  async get(path: string): Promise<Uint8Array | null> {
    const change = this.changes.get(path)
    return change === undefined ? this.base.get(path) : change
  }

  /** Sets what a path holds; null deletes it. */
  set(path: string, content: Uint8Array | null): void {
    if (!this.changes.has(path)) this.sorted = null
    this.changes.set(path, content)
  }

  /** Takes over later changes. */
  apply(later: Changes): void {
    for (const [path, content] of later) this.set(path, content)
  }

  async *paths(range: PathRange): AsyncIterable<string> {
    const own = this.sortedPaths()
    let next = own.findIndex(path => compareUTF8(path, range.gte) >= 0)
    const ownBefore = (end: string) =>
      next !== -1 && next < own.length && compareUTF8(own[next], end) < 0 ? own[next++] : null

    for await (const path of this.base.paths(range)) {
      for (let mine = ownBefore(path); mine !== null; mine = ownBefore(path))
        if (this.changes.get(mine)) yield mine
      if (this.changes.has(path)) next++
      if (this.changes.get(path) !== null) yield path
    }
    for (let mine = ownBefore(range.lt); mine !== null; mine = ownBefore(range.lt)) {
      if (this.changes.get(mine)) yield mine
    }
  }

  private sortedPaths(): string[] {
    return (this.sorted ??= [...this.changes.keys()].sort(compareUTF8))
  }
}
