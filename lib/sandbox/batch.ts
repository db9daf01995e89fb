// One batch of calls in one child. The calls are sent in windows of a few milliseconds of work, each when the one before
// it has ended, so that a batch can be given up between two calls at little cost: the child runs what is left of a
// window to nobody's benefit, and is then as good as before.

import { FrameTooLarge, MAX_FRAME, type ChildFrame } from './frames.js'
import type { SandboxProcess } from './process.js'
import type { BatchHandler, Call, ConsoleLine, OracleShape, SystemAnswer } from './types.js'

const MAX_WINDOW = 64
const MAX_WINDOW_BYTES = 2 * 1024 * 1024
const WINDOW_MS = 5

/** Far more console lines than an honest child sends for a call. */
const MAX_LINES = 1000

/** ms for a child to run what is left of a window; more is not worth it. */
const DRAIN_MS = 250

const GIVEN_UP: SystemAnswer = { ok: false, code: 'ENDED', message: 'the batch has ended' }

export interface BatchOptions {
  /** ms that each call may compute */
  watchdog: number
  /** gas of each call */
  gas: number
  oracles: OracleShape[]
  onconsole: (line: ConsoleLine) => void
}

export class Batch {
  /** How many calls have ended. */
  ended = 0
  #first = 0 // of the window
  #sent = 0
  #asked = false // whether the child waits for an answer

  constructor(
    private readonly child: SandboxProcess,
    private readonly source: string,
    private readonly calls: Call[],
    private readonly handler: BatchHandler,
    private readonly options: BatchOptions
  ) {}

  /**
   * @returns whether all calls have ended; if not, the child is lost
   * @throws what the handler throws; `drain` then tells what becomes of the child
   */
  async run(): Promise<boolean> {
    for (let size = 1; this.ended < this.calls.length;) {
      const since = performance.now()
      this.#send(size)
      if (!(await this.#follow())) return false
      const ms = (performance.now() - since) / (this.#sent - this.#first)
      size = Math.max(1, Math.min(Math.floor(WINDOW_MS / ms), size * 4, MAX_WINDOW))
    }
    return true
  }

  /**
   * Lets the child run what it was sent, without effect.
   * @returns whether it can be used again; if not, it is lost
   */
  async drain(): Promise<boolean> {
    const budget = { ms: DRAIN_MS }
    while (this.ended < this.#sent) {
      if (this.#asked) this.child.send({ type: 'answer', answer: GIVEN_UP })
      const frame = await this.child.next(budget)
      this.#asked = frame?.type === 'system' && frame.wait
      if (frame?.type === 'end') this.ended++
      else if (frame?.type !== 'system' && frame?.type !== 'console') return false
    }
    return true
  }

  #send(most: number) {
    const calls: Call[] = []
    for (let bytes = 0; calls.length < most && this.ended + calls.length < this.calls.length;) {
      const call = this.calls[this.ended + calls.length]
      bytes += call.args.byteLength
      if (calls.length > 0 && bytes > MAX_WINDOW_BYTES) break
      calls.push(call)
    }
    const { gas, oracles } = this.options
    this.child.send({ type: 'run', slot: this.child.slotOf(this.source), gas, oracles, calls })
    this.#first = this.ended
    this.#sent = this.ended + calls.length
  }

  async #follow(): Promise<boolean> {
    const { child, handler, options } = this
    let budget = { ms: options.watchdog }
    let lines = 0
    while (this.ended < this.#sent) {
      const frame = await child.next(budget)
      const position = this.#positionOf(frame)
      if (frame?.type === 'console' && position === this.ended && lines++ < MAX_LINES) {
        const { level, text, line } = frame
        options.onconsole({ index: this.calls[position].index, level, text, line })
      } else if (frame?.type === 'system' && position === this.ended) {
        this.#asked = frame.wait
        const answer = await handler.system(position, frame.name, frame.args)
        this.#asked = false
        if (frame.wait) reply(child, frame.name, answer)
      } else if (frame?.type === 'end' && position === this.ended) {
        this.ended++
        await handler.end(position, { outcome: frame.outcome, gas: frame.gas })
        budget = { ms: options.watchdog }
        lines = 0
      } else return false
    }
    return true
  }

  // the child counts from the beginning of the window
  #positionOf(frame: ChildFrame | null): number | null {
    const place = frame !== null && 'position' in frame ? frame.position : null
    return place === null ? null : this.#first + place
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
