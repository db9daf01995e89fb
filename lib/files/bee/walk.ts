// Goes through the keys of a range, ascending.

import type { Key, Node } from './node.js'
import type { Nodes } from './nodes.js'

/** Nodes that are asked for ahead of who goes through many keys. */
const NODES_AHEAD = 2048

/** Keys from `gte` (included) up to `lt` (excluded). */
export interface KeyRange {
  gte: string
  lt: string
}

/** A node that is gone through, and the keys that it lies between. */
interface Step {
  node: Node
  /** twice the number of the child that comes next, or of the key, and one more */
  next: number
  above: Key | null
  below: Key | null
}

export class Walk {
  private steps: Step[] = []
  private root: Node | null = null
  private edits = 0
  private last: string | null = null

  constructor(
    private readonly nodes: Nodes,
    private readonly range: KeyRange
  ) {}

  /**
   * To be called as long as a block is missing.
   * @returns null at the end
   * @throws VMSError BAD_HOST
   */
  next(root: Node | null): string | null {
    const { nodes, range } = this
    if (root === null) return null
    if (this.root !== root || this.edits !== nodes.edits) this.seek(root)
    while (this.steps.length > 0) {
      const step = this.steps[this.steps.length - 1]
      const { node, next } = step
      const index = next >> 1
      if (next % 2 === 1) {
        if (index < node.keys.length) {
          const { name } = nodes.key(node, index)
          if (name! >= range.lt) return null
          step.next++
          return (this.last = name)
        }
        this.steps.pop()
      } else {
        if (!node.isLeaf) {
          const above = index > 0 ? nodes.key(node, index - 1) : step.above
          const below = index < node.keys.length ? nodes.key(node, index) : step.below
          const child = nodes.child(node, index, this.steps.length)
          child.check(above, below)
          this.steps.push({ node: child, next: 0, above, below })
        }
        step.next++
      }
    }
    return null
  }

  // to where the range begins, or behind the last key
  private seek(root: Node): void {
    const way = this.nodes.way(root, this.last ?? this.range.gte)
    this.steps = []
    let above: Key | null = null
    let below: Key | null = null
    for (const [i, node] of way.nodes.entries()) {
      const place = way.places[i]
      const here = way.found && i === way.nodes.length - 1
      const next = here && this.last !== null ? 2 * place + 2 : 2 * place + 1
      this.steps.push({ node, next, above, below })
      if (place > 0) above = node.keys[place - 1]
      if (place < node.keys.length) below = node.keys[place]
    }
    this.root = root
    this.edits = this.nodes.edits
  }
}

/** Asks for all that lies in a range at once, so that whoever walks need not wait for one node after the other. */
export class Ahead {
  private left = NODES_AHEAD

  constructor(
    private readonly nodes: Nodes,
    private readonly range: KeyRange
  ) {}

  begin(): void {
    const { nodes } = this
    const fetching = nodes.when(root => root && this.fetch(root, 0, null, null, nodes.edits))
    Promise.resolve(fetching).catch(() => {}) // the walk will come to it
  }

  end(): void {
    this.left = 0
  }

  private async fetch(
    node: Node,
    depth: number,
    above: Key | null,
    below: Key | null,
    edits: number
  ): Promise<void> {
    const { nodes, range } = this
    if (this.left-- <= 0 || nodes.edits !== edits || nodes.full) return
    const keyOf = async (index: number) => nodes.retry(() => nodes.key(node, index))
    const placeOf = async (name: string) => nodes.retry(() => nodes.search(node, name))
    node.check(above, below)
    const [from, to] = await Promise.all([placeOf(range.gte), placeOf(range.lt)])
    const inside = Array.from({ length: to - from }, (_, i) => keyOf(from + i))
    const ways = node.isLeaf ? [] : Array.from({ length: to - from + 1 }, (_, i) => from + i)
    await Promise.all([
      ...inside,
      ...ways.map(async index => {
        const over = index > 0 ? await keyOf(index - 1) : above
        const under = index < node.keys.length ? await keyOf(index) : below
        const child = await nodes.retry(() => nodes.child(node, index, depth + 1))
        await this.fetch(child, depth + 1, over, under, edits)
      })
    ])
  }
}
