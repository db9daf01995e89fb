// The time that something may take: it ends when the time is over, when an AbortSignal says so, or when it is told to.

import { VMSError } from '../errors.js'
import { NEVER } from '../replica/within.js'

export class Deadline {
  private readonly at: number
  private readonly over: Promise<never>
  private readonly timer: NodeJS.Timeout
  private reject!: (error: VMSError) => void

  /**
   * @param timeout ms
   * @param late what it ends with when the time is over
   */
  constructor(
    timeout: number,
    private readonly signal: AbortSignal | undefined,
    late: () => VMSError
  ) {
    this.at = Date.now() + timeout
    this.over = new Promise<never>((_, reject) => (this.reject = reject))
    this.over.catch(() => {}) // nobody may be waiting
    this.timer = setTimeout(() => this.end(late()), Math.min(timeout, NEVER))
    signal?.addEventListener('abort', this.abort, { once: true })
    if (signal?.aborted) this.abort()
  }

  /** ms that are left */
  get left(): number {
    return Math.max(0, this.at - Date.now())
  }

  /** What a promise resolves with, if it does so in time. */
  race<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([this.over, promise])
  }

  /** Whoever waits gets this error. */
  end(error: VMSError): void {
    this.reject(error)
  }

  /** Call it when what it was for has ended. */
  clear(): void {
    clearTimeout(this.timer)
    this.signal?.removeEventListener('abort', this.abort)
  }

  private readonly abort = () => this.end(new VMSError('ABORTED', 'the call was given up'))
}
