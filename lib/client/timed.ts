// Files whose blocks may never come: each look at them ends with the deadline.

import type { PathRange, Tree } from '../files/tree.js'
import type { Deadline } from './deadline.js'

export class TimedTree implements Tree {
  /** looks that have not ended */
  waiting = 0

  constructor(
    private readonly tree: Tree,
    private readonly deadline: Deadline
  ) {}

  /** @throws whatever the deadline ends with, as all of them do */
  size(path: string): Promise<number | null> {
    return this.wait(this.tree.size(path))
  }

  get(path: string): Promise<Uint8Array | null> {
    return this.wait(this.tree.get(path))
  }

  async *paths(range: PathRange): AsyncIterable<string> {
    const paths = this.tree.paths(range)[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await this.wait(paths.next())
        if (next.done) return
        yield next.value
      }
    } finally {
      paths.return?.().catch(() => {}) // it ends when the block comes that it waits for, if ever
    }
  }

  private async wait<T>(look: Promise<T>): Promise<T> {
    this.waiting++
    try {
      return await this.deadline.race(look)
    } finally {
      this.waiting--
    }
  }
}
