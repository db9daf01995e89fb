// Runs contracts in a child process of its own: host, auditor and local queries all use this. What comes back is
// deterministic, or it is not an outcome: a call that was killed is reported as not run.

import ReadyResource from 'ready-resource'
import { VMSError } from '../errors.js'
import { FrameTooLarge, MAX_FRAME, MAX_SOURCE, type ConsoleLine } from './frames.js'
import { SandboxProcess } from './process.js'
import type { BatchHandler, Call, Inspection, SystemAnswer } from './types.js'

export type { ConsoleLine } from './frames.js'

export interface ExecutorOptions {
  /** The most time that a call may compute, in ms; waiting for the host does not count. 5,000 by default. */
  watchdog?: number
  /** After how many ms without work the child process is ended; it comes back by itself. 30,000 by default. */
  idle?: number
  /** Gets what contracts write to their console. */
  onconsole?: (line: ConsoleLine) => void
}

const SLOTS = 8

/** The problem of a contract that this machine could not load; another one might. */
export const NOT_LOADED = 'the contract cannot be loaded: it takes too much time, memory or stack'

export class Executor extends ReadyResource {
  readonly #watchdog: number
  readonly #idle: number
  readonly #onconsole: (line: ConsoleLine) => void
  #child: SandboxProcess | null = null
  #idleTimer: NodeJS.Timeout | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor({ watchdog = 5000, idle = 30_000, onconsole = () => {} }: ExecutorOptions = {}) {
    super()
    this.#watchdog = watchdog
    this.#idle = idle
    this.#onconsole = onconsole
  }

  /** The process id of the child, or null if there is none at the moment. */
  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  /**
   * Runs the calls one after the other.
   * @param source the contract as it stands in genesis; checked in the child, so it may be anything
   * @param handler answers the System calls and takes the outcomes, in order; one of its methods at a time is called
   * @returns how many calls ended. If that is not all, the next one was given up (time, memory, stack): it has no
   *   outcome. The calls after it did not run: run them again.
   * @throws what the handler throws; VMSError CLOSED; Error if no child can be started
   */
  run(source: string, calls: Call[], handler: BatchHandler): Promise<number> {
    return this.#exclusive(async () => {
      if (calls.length === 0) return 0
      const child = this.#use()
      child.send({ type: 'run', slot: this.#slotOf(child, source), calls })
      return this.#follow(child, calls.length, handler)
    })
  }

  /**
   * Parses and loads a contract in the child.
   * @returns its methods, and why it cannot be deployed
   */
  inspect(source: string): Promise<Inspection> {
    return this.#exclusive(async () => {
      if (Buffer.byteLength(source) > MAX_SOURCE) {
        return refuse(`the contract is larger than ${MAX_SOURCE / 1024} KiB`)
      }
      const child = this.#use()
      child.send({ type: 'inspect', source })
      const frame = await child.next({ ms: this.#watchdog })
      if (frame?.type === 'inspected') return frame.inspection
      await this.#discard(child)
      return refuse(NOT_LOADED)
    })
  }

  protected override async _close() {
    clearTimeout(this.#idleTimer)
    await this.#child?.kill()
    await this.#last
  }

  // one after the other; ReadyResource sets `closing` as soon as close is called
  #exclusive<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => {
      if (this.closing) throw closed()
      clearTimeout(this.#idleTimer)
      try {
        return await action()
      } finally {
        if (!this.closing) this.#idleTimer = setTimeout(() => void this.#rest(), this.#idle)
      }
    })
    this.#last = turn.catch(() => {})
    return turn
  }

  // in turn with the rest, so that a run that begins right now does not lose its child
  #rest() {
    this.#last = this.#last.then(async () => {
      await this.#child?.kill()
      this.#child = null
    })
    return this.#last
  }

  async #follow(child: SandboxProcess, count: number, handler: BatchHandler): Promise<number> {
    let budget = { ms: this.#watchdog }
    for (let ended = 0; ended < count;) {
      const frame = await child.next(budget)
      try {
        if (frame?.type === 'console') this.#onconsole(consoleLine(frame))
        else if (frame?.type === 'system' && frame.position === ended) {
          const answer = await handler.system(ended, frame.name, frame.args)
          if (frame.wait) reply(child, frame.name, answer)
        } else if (frame?.type === 'end' && frame.position === ended) {
          await handler.end(ended, { outcome: frame.outcome, gas: frame.gas })
          ended++
          budget = { ms: this.#watchdog }
        } else {
          await this.#discard(child)
          return ended
        }
      } catch (error) {
        await child.kill()
        throw error
      }
    }
    return count
  }

  // a child that is lost, or that cannot be trusted any more
  async #discard(child: SandboxProcess) {
    await child.kill()
    if (this.closing) throw closed()
    if (!child.ready)
      throw new Error(`the sandbox process cannot be started: ${child.stderr.trim() || 'no reason given'}`)
  }

  #use(): SandboxProcess {
    if (!this.#child?.alive) this.#child = new SandboxProcess()
    return this.#child
  }

  // the child remembers the last few sources, compiled
  #slotOf(child: SandboxProcess, source: string): number {
    const known = child.slots.get(source)
    if (known !== undefined) return known
    const oldest = child.slots.size < SLOTS ? undefined : child.slots.entries().next().value
    if (oldest) child.slots.delete(oldest[0])
    const slot = oldest ? oldest[1] : child.slots.size
    child.slots.set(source, slot)
    child.send({ type: 'source', slot, source })
    return slot
  }
}

// What the child cannot be told is an error of the one System call, and the same wherever it is replayed: it depends on
// nothing but the answer.
function reply(child: SandboxProcess, name: string, answer: SystemAnswer): void {
  try {
    child.send({ type: 'answer', answer })
  } catch (error) {
    if (!(error instanceof FrameTooLarge)) throw error
    const message = `${name}: the answer takes more than ${MAX_FRAME} bytes`
    child.send({ type: 'answer', answer: { ok: false, code: 'LIMIT', message } })
  }
}

function consoleLine({ position, level, text }: ConsoleLine): ConsoleLine {
  return { position, level, text }
}

function refuse(message: string): Inspection {
  return { methods: [], problems: [{ message, line: null, column: null }] }
}

function closed() {
  return new VMSError('CLOSED', 'the executor is closed')
}
