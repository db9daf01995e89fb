// What callers were told of their calls, to be compared with the log: for each place in it the hash of the record.

import b4a from 'b4a'

const HASH_BYTES = 32
const NONE = b4a.alloc(HASH_BYTES)

export class Acknowledged {
  count = 0
  /** a hash a place, zeros where nobody was told anything */
  private hashes = b4a.alloc(HASH_BYTES * 1024)

  add(index: number, hash: Uint8Array): void {
    while ((index + 1) * HASH_BYTES > this.hashes.byteLength)
      this.hashes = b4a.concat([this.hashes, b4a.alloc(this.hashes.byteLength)])
    const known = this.at(index)
    if (known === null) this.count++
    else if (!b4a.equals(known, hash)) throw new Error(`two calls were acknowledged as call ${index}`)
    this.hashes.set(hash, index * HASH_BYTES)
  }

  /** The hash that the record at `index` must have; null if nobody was told of it. */
  at(index: number): Uint8Array | null {
    const hash = this.hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)
    return hash.byteLength === 0 || b4a.equals(hash, NONE) ? null : hash
  }

  /** The places that somebody was told of, with the hash of each: for another process. */
  entries(): [index: number, hash: Uint8Array][] {
    const all: [number, Uint8Array][] = []
    for (let index = 0; index * HASH_BYTES < this.hashes.byteLength; index++) {
      const hash = this.at(index)
      if (hash) all.push([index, hash])
    }
    return all
  }

  addAll(entries: Iterable<[index: number, hash: Uint8Array]>): void {
    for (const [index, hash] of entries) this.add(index, hash)
  }
}
