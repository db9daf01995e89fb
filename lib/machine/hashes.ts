// Tree hashes of a log at the lengths that callers have seen, kept as long as the next ones are likely to ask for them.

export class TreeHashes<T extends Uint8Array | null> {
  private readonly hashes = new Map<number, Promise<T>>()

  /**
   * @param read null if the hash is not to be had
   * @param kept so many, at most
   */
  constructor(
    private readonly read: (length: number) => Promise<T>,
    private readonly kept: number
  ) {}

  at(length: number): Promise<T> {
    const known = this.hashes.get(length)
    if (known) return known
    const reading = this.read(length)
    const forget = () => void this.hashes.delete(length) // the next one tries again
    reading.then(hash => hash === null && forget(), forget)
    this.hashes.set(length, reading)
    if (this.hashes.size > this.kept) this.hashes.delete(this.hashes.keys().next().value!)
    return reading
  }
}
