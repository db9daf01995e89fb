// How often somebody may ask for something: so many times at once, and a few more with every second.

export class Allowance {
  private left: number
  private since = performance.now()

  constructor(
    private readonly burst: number,
    private readonly perSecond: number
  ) {
    this.left = burst
  }

  /** @returns whether it is granted */
  take(): boolean {
    const now = performance.now()
    this.left = Math.min(this.burst, this.left + ((now - this.since) / 1000) * this.perSecond)
    this.since = now
    if (this.left < 1) return false
    this.left--
    return true
  }
}
