// Bounds the work that one call can make of its host by reading files. The bound counts steps and not time, so that it is
// met at the same place wherever the call is replayed.

import type { PathRange, Tree } from './tree.js'

/** Steps that a call may take: some seconds of looking up files, or of listing folders, on a slow machine. */
export const MAX_STEPS = 100_000

const LOOKUP_STEPS = 10
const BYTES_A_STEP = 16 * 1024

/** The call has taken more steps than it may. */
export class StepsExceeded extends Error {}

export class BoundedTree implements Tree {
  private steps = 0

  constructor(private readonly tree: Tree) {}

  async size(path: string): Promise<number | null> {
    this.take(LOOKUP_STEPS)
    return this.tree.size(path)
  }

  async get(path: string): Promise<Uint8Array | null> {
    this.take(LOOKUP_STEPS)
    const content = await this.tree.get(path)
    if (content !== null) this.take(Math.ceil(content.byteLength / BYTES_A_STEP))
    return content
  }

  async *paths(range: PathRange): AsyncIterable<string> {
    this.take(LOOKUP_STEPS)
    for await (const path of this.tree.paths(range)) {
      this.take(1)
      yield path
    }
  }

  /** @throws StepsExceeded */
  take(steps: number): void {
    this.steps += steps
    if (this.steps > MAX_STEPS) throw new StepsExceeded(`more than ${MAX_STEPS} steps of reading files`)
  }
}
