// Which requests the last blocks of a log hold: what makes a call run once. Host and auditor keep one each; both read it
// out of the log, as far back as requests reach that are looked for.

import b4a from 'b4a'
import type { Request } from './request.js'

/** Where a request was executed. */
export interface Place {
  block: number
  index: number
}

export class History {
  private readonly places = new Map<string, Place>()
  private readonly blocks = new Map<number, string[]>()

  /**
   * @param window blocks for which a request stays valid
   * @param from the first block that it knows
   */
  constructor(
    private readonly window: number,
    readonly from: number
  ) {}

  /** Takes in a request that stands in `place`; blocks come in ascending order. */
  add(request: Request, place: Place): void {
    const name = nameOf(request)
    this.places.set(name, place)
    const names = this.blocks.get(place.block)
    if (names) names.push(name)
    else {
      this.blocks.set(place.block, [name])
      this.forget(place.block - this.window)
    }
  }

  /** Takes in what another one knows of later blocks. */
  append(later: History): void {
    for (const [block, names] of later.blocks) {
      this.blocks.set(block, names)
      for (const name of names) this.places.set(name, later.places.get(name)!)
    }
  }

  /** @returns where a request of the same caller and id stands, at `request.seen.length` or later */
  find(request: Request): Place | null {
    const place = this.places.get(nameOf(request))
    return place && place.block >= request.seen.length ? place : null
  }

  // a request in block b has seen.length > b - window, so nothing older can be repeated
  private forget(before: number): void {
    for (const [block, names] of this.blocks) {
      if (block > before) return
      // a fraudulent log may hold a request twice, even in one block
      for (const name of names) if (this.places.get(name)?.block === block) this.places.delete(name)
      this.blocks.delete(block)
    }
  }
}

/** The first block that a request may no longer stand in. */
export function expiryOf(request: Request, window: number): number {
  return request.seen.length + window
}

/** What makes two requests the same one: caller and id. */
export function nameOf(request: Request): string {
  return b4a.toString(request.caller, 'hex') + b4a.toString(request.id, 'hex')
}
