// Which sources a child has, compiled, and in which slots: the last few that it was given, as long as they are small
// enough together to leave the memory to those who run.

const MAX_SLOTS = 32
const MAX_LENGTH = 1024 * 1024

export class Sources {
  /** Slot by source, the one used last at the end. */
  readonly #slots = new Map<string, number>()
  #length = 0

  has(source: string): boolean {
    return this.#slots.has(source)
  }

  /** @returns the slot that the source is in, or null; it counts as used */
  find(source: string): number | null {
    const slot = this.#slots.get(source)
    if (slot === undefined) return null
    this.#slots.delete(source)
    this.#slots.set(source, slot)
    return slot
  }

  /**
   * @param source one that is not there yet
   * @returns the slot that it takes, and the slots that become empty beside it
   */
  add(source: string): { slot: number; dropped: number[] } {
    const dropped: number[] = []
    for (const [old, slot] of this.#slots) {
      if (this.#slots.size < MAX_SLOTS && this.#length + source.length <= MAX_LENGTH) break
      this.#slots.delete(old)
      this.#length -= old.length
      dropped.push(slot)
    }
    const slot = dropped.pop() ?? this.#lowestFree()
    this.#slots.set(source, slot)
    this.#length += source.length
    return { slot, dropped }
  }

  #lowestFree(): number {
    const taken = new Set(this.#slots.values())
    for (let slot = 0; ; slot++) if (!taken.has(slot)) return slot
  }
}
