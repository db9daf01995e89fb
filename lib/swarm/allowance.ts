// How often somebody may ask for something, or how much: so much at once, and a little more with every second.

/** What is lost where a share of a second is added many times. */
const ROUNDING = 1e-6

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
  take(amount = 1): boolean {
    if (this.wait(amount) > 0) return false
    this.left -= amount
    return true
  }

  /** Takes it though it may be more than is left: then nothing is granted until that has come. @returns whether it was granted */
  spend(amount: number): boolean {
    const granted = this.wait(0) === 0 && amount <= this.left
    this.left -= amount
    return granted
  }

  /** Seconds until so much is granted: 0 if it is now, Infinity if it is more than is ever granted at once. */
  wait(amount = 1): number {
    const now = performance.now()
    this.left = Math.min(this.burst, this.left + ((now - this.since) / 1000) * this.perSecond)
    this.since = now
    if (amount > this.burst) return Infinity
    return Math.max(0, (amount - this.left - ROUNDING) / this.perSecond)
  }
}
