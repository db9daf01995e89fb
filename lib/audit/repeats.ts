// Finds requests that stand in a log twice. Blocks before those that are audited are read as far back as a request has to be
// looked for.

import { decodeBlock } from '../ledger/blocks.js'
import { History, type Place } from '../ledger/history.js'
import { decodeRequest, type Request } from '../ledger/request.js'
import type { Evidence } from './evidence.js'
import type { Findings } from './findings.js'

/** Whoever goes on from block to block reads so many more blocks at once, should those that are known not suffice. */
const BLOCKS_AHEAD = 64

export class Repeats {
  private history: History
  /** requests of the block that is being checked */
  private current: { request: Request; place: Place }[] = []

  /**
   * @param window blocks for which a request stays valid
   * @param begin the block that is checked first
   */
  constructor(
    private readonly evidence: Evidence,
    private readonly findings: Findings,
    private readonly window: number,
    private readonly begin: number
  ) {
    this.history = new History(window, begin)
  }

  /**
   * Looks for the same request in an earlier block or earlier in its own, and takes it in.
   * @param place blocks come in ascending order
   */
  async earlier(request: Request, place: Place): Promise<Place | null> {
    if (this.current.at(0)?.place.block !== place.block) this.current = []
    // what is older than the window is wrong for that
    const from = Math.max(1, Math.min(request.seen.length, place.block), place.block - this.window)
    if (from < this.history.from) await this.readBack(from, place.block)
    const earlier = this.history.find(request)
    this.history.add(request, place)
    this.current.push({ request, place })
    return earlier
  }

  private async readBack(from: number, block: number): Promise<void> {
    const first = Math.max(1, block === this.begin ? from : from - BLOCKS_AHEAD)
    this.history = new History(this.window, first)
    let missing: number | null = null
    for (let n = first; n < block; n++) {
      const bytes = await this.evidence.block(n)
      if (bytes === null) missing ??= n
      else for (const { request, place } of requestsOf(bytes, n)) this.history.add(request, place)
    }
    for (const { request, place } of this.current) this.history.add(request, place)
    if (missing !== null) this.findings.doubt(block, `block ${missing} is not available`)
  }
}

/** The requests of a block, as far as they can be read: what cannot is a finding about that block. */
function requestsOf(bytes: Uint8Array, block: number): { request: Request; place: Place }[] {
  const commit = unlessMalformed(() => decodeBlock(bytes))
  if (commit?.type !== 'commit') return []
  return commit.records.flatMap(({ request: bytes }, i) => {
    const request = unlessMalformed(() => decodeRequest(bytes))
    return request ? [{ request, place: { block, index: commit.first + i } }] : []
  })
}

function unlessMalformed<T>(decode: () => T): T | null {
  try {
    return decode()
  } catch {
    return null
  }
}
