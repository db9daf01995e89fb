// Requests that wait for their commit: those of a caller in the order in which they came, the callers in turns. So whoever asks
// for much waits for himself, and keeps nobody else waiting.

import { VMSError } from '../errors.js'
import { encodeKey } from '../ledger/keys.js'
import type { CheckedRequest } from '../ledger/request.js'

/** Requests that wait, at most: of one caller, and of all. */
const CALLER_REQUESTS = 2048
const REQUESTS = 65_536

/** Their bytes, at most. */
const CALLER_BYTES = 16 * 1024 * 1024
const BYTES = 64 * 1024 * 1024

/** When a caller is asked to try again, ms. */
const RETRY_MS = { least: 250, most: 10_000 }

interface Line<T> {
  waiting: T[]
  bytes: number
}

export class Queue<T extends CheckedRequest> {
  /** how many wait */
  length = 0
  private bytes = 0
  /** the lines of callers, whose turn it is first */
  private readonly lines = new Map<string, Line<T>>()

  /** @param perCall ms that a call takes, as far as is known: what callers are told when to try again rests on it */
  constructor(private readonly perCall: () => number) {}

  /** @throws VMSError BUSY with when to try again */
  add(one: T): void {
    const { lines, length } = this
    const bytes = sizeOf(one)
    const caller = callerOf(one)
    const line = this.lineOf(caller)
    if (line.waiting.length >= CALLER_REQUESTS || line.bytes + bytes > CALLER_BYTES)
      throw this.busy('requests of this caller', line.waiting.length * lines.size)
    if (length >= REQUESTS || this.bytes + bytes > BYTES) throw this.busy('requests', length)
    lines.set(caller, line)
    line.waiting.push(one)
    this.count(line, 1, bytes)
  }

  /** The request whose turn it is; undefined if none waits. */
  next(): T | undefined {
    for (const { waiting } of this.lines.values()) return waiting[0]
    return undefined
  }

  /** Takes out the request whose turn it is. */
  take(): T | undefined {
    for (const [caller, line] of this.lines) {
      const one = line.waiting.shift()!
      this.count(line, -1, -sizeOf(one))
      this.lines.delete(caller)
      if (line.waiting.length > 0) this.lines.set(caller, line) // behind the others
      return one
    }
    return undefined
  }

  /** Takes back what was taken last: it comes before the others of its callers. */
  putBack(taken: T[]): void {
    for (const one of [...taken].reverse()) {
      const caller = callerOf(one)
      const line = this.lineOf(caller)
      this.lines.set(caller, line)
      line.waiting.unshift(one)
      this.count(line, 1, sizeOf(one))
    }
  }

  /** Takes out all. */
  clear(): T[] {
    const all = [...this.lines.values()].flatMap(({ waiting }) => waiting)
    this.lines.clear()
    this.length = this.bytes = 0
    return all
  }

  private lineOf(caller: string): Line<T> {
    return this.lines.get(caller) ?? { waiting: [], bytes: 0 }
  }

  private count(line: Line<T>, requests: number, bytes: number): void {
    this.length += requests
    this.bytes += bytes
    line.bytes += bytes
  }

  private busy(what: string, before: number): VMSError {
    const { least, most } = RETRY_MS
    const retry = Math.round(Math.min(most, Math.max(least, (before / 2) * this.perCall())))
    const message = `the host has as many ${what} waiting as it takes: send it again in ${(retry / 1000).toFixed(1)} s`
    return new VMSError('BUSY', message, { retry })
  }
}

function callerOf({ request }: CheckedRequest): string {
  return encodeKey(request.caller)
}

function sizeOf({ signed }: CheckedRequest): number {
  return signed.bytes.byteLength
}
