// The log's tree hashes at the lengths that callers have seen, kept as long as the next ones are likely to ask for them.

import type { Evidence } from './evidence.js'

const KEPT = 4096

export class TreeHashes {
  private readonly hashes = new Map<number, Uint8Array>()

  constructor(private readonly evidence: Evidence) {}

  /** @returns null if it is not to be had */
  async at(length: number): Promise<Uint8Array | null> {
    const known = this.hashes.get(length)
    if (known) return known
    const hash = await this.evidence.hash(length)
    if (hash === null) return null
    this.hashes.set(length, hash)
    if (this.hashes.size > KEPT) this.hashes.delete(this.hashes.keys().next().value!)
    return hash
  }
}
