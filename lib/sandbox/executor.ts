// Runs contracts in child processes: host, auditor and local queries all use this. What comes back is deterministic, or
// it is not an outcome: a call that was killed is reported as not run.

import ReadyResource from 'ready-resource'
import { VMSError } from '../errors.js'
import { Batch } from './batch.js'
import { MAX_SOURCE } from './frames.js'
import { IDLE_MS, sharedPool, type Pool } from './pool.js'
import type { SandboxProcess } from './process.js'
import {
  NOT_LOADED,
  type BatchHandler,
  type Call,
  type ConsoleLine,
  type Inspection,
  type OracleShape
} from './types.js'

export { MAX_SOURCE } from './frames.js'
export { NOT_LOADED, type ConsoleLine } from './types.js'

export interface ExecutorOptions {
  /** The most time that a call may compute, in ms; waiting for the host does not count. 5,000 by default. */
  watchdog?: number
  /** After how many ms without work a child process is ended; another one comes when needed. 30,000 by default. */
  idle?: number
  /** Gets what contracts write to their console. */
  onconsole?: (line: ConsoleLine) => void
  /** Where the child processes come from: all executors of a process share one pool by default. */
  pool?: Pool
}

export interface RunOptions {
  /** The gas of each call. With more of it than by default, the watchdog is as much more patient. */
  gas?: number
  /** What the contract finds below `System.oracles`. */
  oracles?: OracleShape[]
}

const DEFAULT_GAS = 10_000_000

/** ms for which an executor is suspect after one of its calls was killed. */
const SUSPECT_MS = 60_000

export class Executor extends ReadyResource {
  readonly #watchdog: number
  readonly #idle: number
  readonly #onconsole: (line: ConsoleLine) => void
  readonly #pool: Pool
  #child: SandboxProcess | null = null
  #good = false
  #window = 1 // of calls that are sent to the child together
  #suspectUntil = -Infinity
  #last: Promise<unknown> = Promise.resolve()

  constructor({ watchdog = 5000, idle = IDLE_MS, onconsole = () => {}, pool }: ExecutorOptions = {}) {
    super()
    this.#watchdog = watchdog
    this.#idle = idle
    this.#onconsole = onconsole
    this.#pool = pool ?? sharedPool()
  }

  /** The process id of the child that runs a batch of this executor right now, or null. */
  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  /** Has a child ready for whoever comes next, as long as this executor is open. */
  keepWarm(): void {
    this.#pool.keepWarm(this)
  }

  /**
   * Runs the calls one after the other.
   * @param source the contract as it stands in genesis; checked in the child, so it may be anything
   * @param handler answers the System calls and takes the outcomes, in order; one of its methods at a time is called
   * @returns how many calls ended. If that is not all, the next one was given up (time, memory, stack): it has no
   *   outcome. The calls after it did not run: run them again.
   * @throws what the handler throws; VMSError CLOSED; Error if no child can be started
   */
  run(
    source: string,
    calls: Call[],
    handler: BatchHandler,
    { gas = DEFAULT_GAS, oracles = [] }: RunOptions = {}
  ): Promise<number> {
    return this.#exclusive(async () => {
      if (calls.length === 0) return 0
      const watchdog = this.#watchdog * Math.max(1, gas / DEFAULT_GAS)
      const onconsole = this.#onconsole
      const batch = new Batch(source, calls, handler, {
        watchdog,
        gas,
        oracles,
        window: this.#window,
        onconsole
      })
      for (;;) {
        const child = await this.#take(source)
        let end
        try {
          end = await batch.run(child)
        } catch (error) {
          void this.#drain(child, batch)
          throw error
        }
        this.#window = end === 'ended' ? batch.window : 1
        if (end === 'ended') this.#release(child)
        else await this.#lose(child)
        if (end !== 'lost') return batch.ended
      }
    })
  }

  /**
   * Parses and loads a contract in the child.
   * @returns its methods, and why it cannot be deployed
   */
  inspect(source: string, { gas = DEFAULT_GAS, oracles = [] }: RunOptions = {}): Promise<Inspection> {
    return this.#exclusive(async () => {
      if (Buffer.byteLength(source) > MAX_SOURCE) {
        return refuse(`the contract is larger than ${MAX_SOURCE / 1024} KiB`)
      }
      const child = await this.#take(null)
      child.send({ type: 'inspect', gas, oracles, source })
      const frame = await child.next({ ms: this.#watchdog * Math.max(1, gas / DEFAULT_GAS) })
      if (frame?.type === 'inspected') {
        this.#release(child)
        return frame.inspection
      }
      await this.#lose(child)
      return refuse(NOT_LOADED)
    })
  }

  protected override async _close() {
    const killed = this.#child?.kill()
    await this.#pool.leave(this)
    await killed
    await this.#last
  }

  // one after the other; ReadyResource sets `closing` as soon as close is called
  #exclusive<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => {
      if (this.closing) throw closed()
      return action()
    })
    this.#last = turn.catch(() => {})
    return turn
  }

  async #take(source: string | null): Promise<SandboxProcess> {
    const standing = performance.now() < this.#suspectUntil ? 'suspect' : this.#good ? 'good' : 'new'
    const child = await this.#pool.take(this, source, standing)
    this.#child = child
    if (this.closing) await this.#lose(child)
    return child
  }

  #release(child: SandboxProcess) {
    this.#good = true
    this.#child = null
    this.#pool.release(child, this.#idle)
  }

  // a child that is lost, or that cannot be trusted any more
  async #lose(child: SandboxProcess) {
    this.#child = null
    this.#good = false
    this.#suspectUntil = performance.now() + SUSPECT_MS
    await child.kill()
    if (this.closing) throw closed()
  }

  // while this goes on the executor may already have another child
  async #drain(child: SandboxProcess, batch: Batch) {
    this.#child = null
    if (await batch.drain(child)) this.#pool.release(child, this.#idle)
    else await child.kill()
  }
}

function refuse(message: string): Inspection {
  const problems = [{ message, line: null, column: null }]
  return { methods: [], signatures: [], problems, warnings: [], load: 0 }
}

function closed() {
  return new VMSError('CLOSED', 'the executor is closed')
}
