// Pending writes on top of a tree: of one call on those of its batch, of a batch on the files as they are committed.

import { compareUTF8 } from '../utf8.js'
import type { PathRange, Tree } from './tree.js'

/** Paths with what they hold from now on; null: deleted. */
export type Changes = Map<string, Uint8Array | null>

export class Overlay implements Tree {
  readonly changes: Changes = new Map()
  /** every path that was ever changed, ascending */
  private sorted: string[] = []
  /** how many go through them: they see none that are added meanwhile */
  private readers = 0

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
    if (!this.changes.has(path)) this.add(path)
    this.changes.set(path, content)
  }

  /** Takes over later changes. */
  apply(later: Changes): void {
    for (const [path, content] of later) this.set(path, content)
  }

  async *paths(range: PathRange): AsyncIterable<string> {
    const own = this.sorted
    let next = placeOf(range.gte, own)
    const ownBefore = (end: string) =>
      next < own.length && compareUTF8(own[next], end) < 0 ? own[next++] : null

    this.readers++
    try {
      for await (const path of this.base.paths(range)) {
        for (let mine = ownBefore(path); mine !== null; mine = ownBefore(path))
          if (this.changes.get(mine)) yield mine
        if (this.changes.has(path)) next++
        if (this.changes.get(path) !== null) yield path
      }
      for (let mine = ownBefore(range.lt); mine !== null; mine = ownBefore(range.lt)) {
        if (this.changes.get(mine)) yield mine
      }
    } finally {
      if (own === this.sorted) this.readers--
    }
  }

  private add(path: string): void {
    const place = placeOf(path, this.sorted)
    if (this.sorted[place] === path) return
    if (this.readers === 0) this.sorted.splice(place, 0, path)
    else {
      this.sorted = this.sorted.toSpliced(place, 0, path)
      this.readers = 0
    }
  }
}

/** The place of a path among others, or where it belongs. */
function placeOf(path: string, sorted: string[]): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareUTF8(sorted[middle], path) < 0) low = middle + 1
    else high = middle
  }
  return low
}
