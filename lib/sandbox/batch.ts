// One batch of calls. They are sent in windows of a few milliseconds of work, each when the one before it has ended, so
// that a batch can be given up between two calls at little cost: the child runs what is left of a window to nobody's
// benefit, and is then as good as before.
//
// In a window the child goes fast: it assumes that writes go well (see assumed.ts), and says things when enough of them
// have gathered. So when a window goes wrong, be it that the child is lost or that a write did not go well, nobody is
// blamed. The calls that have not ended run again, from their beginning, each in a window of its own, in which nothing is
// assumed; then it is plain which of them is at fault, and what it has used of its time.

import { isAsAssumed, mayAssume } from './assumed.js'
import { FrameTooLarge, MAX_FRAME, type ChildFrame } from './frames.js'
import type { SandboxProcess } from './process.js'
import type { BatchHandler, Call, ConsoleLine, OracleShape, SystemAnswer } from './types.js'

const MAX_WINDOW = 256
const MAX_WINDOW_BYTES = 2 * 1024 * 1024
const WINDOW_MS = 5

/** The part of the watchdog's time for which a child may be silent while it goes fast. */
const PATIENCE = 1 / 4

/** The most calls that run alone because writes do not go well again and again. */
const MAX_WARY = 64

/** Far more console lines, and longer ones, than an honest child sends for a call. */
const MAX_LINES = 1000
const MAX_LINE = 4096

/** ms for a child to run what is left of a window; more is not worth it. */
const DRAIN_MS = 250

/** Ends a call that hears it. */
const GIVEN_UP: SystemAnswer = { ok: false, code: 'LIMIT', message: 'the call is given up' }

export interface BatchOptions {
  /** ms that each call may compute */
  watchdog: number
  /** gas of each call */
  gas: number
  oracles: OracleShape[]
  /** calls that the first window may have: as the batch before has left it */
  window: number
  onconsole: (line: ConsoleLine) => void
}

/**
 * How a run ended: with the last call, with a call that has no outcome, or because the child is lost and nobody knows why:
 * then the batch goes on with another child.
 */
export type RunEnd = 'ended' | 'given up' | 'lost'

export class Batch {
  /** How many calls have ended. */
  ended = 0
  /** How many calls the next window may have. */
  window: number
  #first = 0 // of the window
  #sent = 0
  #asked = false // whether the child waits for an answer
  #alone = 0 // up to here each call runs alone
  #wary = 1 // how many calls run alone when the next write does not go well
  #lines: ConsoleLine[] = [] // of the call that runs: they are shown when it is certain that it does not begin again

  constructor(
    private readonly source: string,
    private readonly calls: Call[],
    private readonly handler: BatchHandler,
    private readonly options: BatchOptions
  ) {
    this.window = options.window
  }

  /**
   * Runs what has not ended yet.
   * @returns how that ended; unless all calls have, the child is lost
   * @throws what the handler throws; `drain` then tells what becomes of the child
   */
  async run(child: SandboxProcess): Promise<RunEnd> {
    while (this.ended < this.calls.length) {
      const alone = this.ended < this.#alone
      const since = performance.now()
      this.#send(child, alone ? 1 : this.window, !alone)
      const found = await this.#follow(child, !alone)
      if (found === 'aborted' || (found === 'lost' && alone)) {
        this.#show()
        return 'given up'
      }
      if (found === 'lost') {
        this.#runAgain(this.#sent)
        this.window = 1
        return 'lost'
      }
      if (found === 'wrong') {
        this.#runAgain(this.ended + this.#wary)
        this.#wary = Math.min(this.#wary * 2, MAX_WARY)
        this.window = 1
        if (!(await this.drain(child))) return 'lost'
      } else if (!alone) {
        this.#wary = Math.max(1, this.#wary / 2)
        const ms = (performance.now() - since) / (this.#sent - this.#first)
        this.window = Math.max(1, Math.min(Math.floor(WINDOW_MS / ms), this.window * 4, MAX_WINDOW))
      }
    }
    return 'ended'
  }

  /**
   * Lets the child run what it was sent, without effect.
   * @returns whether it can be used again; if not, it is lost
   */
  async drain(child: SandboxProcess): Promise<boolean> {
    const budget = { ms: DRAIN_MS }
    for (let left = this.#sent - this.ended; left > 0;) {
      if (this.#asked) child.send({ type: 'answer', answer: GIVEN_UP })
      const frame = await child.next(budget)
      this.#asked = frame?.type === 'system' && frame.answer === 'awaited'
      if (frame?.type === 'end') left--
      else if (frame?.type !== 'system' && frame?.type !== 'console') return false
    }
    return true
  }

  #send(child: SandboxProcess, most: number, assume: boolean) {
    const calls: Call[] = []
    for (let bytes = 0; calls.length < most && this.ended + calls.length < this.calls.length;) {
      const call = this.calls[this.ended + calls.length]
      bytes += call.args.byteLength
      if (calls.length > 0 && bytes > MAX_WINDOW_BYTES) break
      calls.push(call)
    }
    const { gas, oracles } = this.options
    child.send({ type: 'run', slot: child.slotOf(this.source), gas, assume, oracles, calls })
    this.#first = this.ended
    this.#sent = this.ended + calls.length
    this.#asked = false
  }

  // the first call that has not ended begins again; all up to the one given run alone
  #runAgain(until: number) {
    this.#alone = Math.max(this.#alone, until)
    this.#lines = []
    this.handler.again(this.ended)
  }

  async #follow(child: SandboxProcess, assume: boolean): Promise<'ended' | 'aborted' | 'wrong' | 'lost'> {
    const { handler, options } = this
    const ms = options.watchdog * (assume ? PATIENCE : 1)
    const budget = { ms }
    while (this.ended < this.#sent) {
      const frame = await child.next(budget)
      const position = this.#positionOf(frame)
      if (frame === null || position !== this.ended) return 'lost'
      switch (frame.type) {
        case 'console': {
          const { level, text, line } = frame
          if (this.#lines.length === MAX_LINES || text.length > MAX_LINE) return 'lost'
          this.#lines.push({ index: this.calls[position].index, level, text, line })
          break
        }
        case 'system': {
          const { name, args } = frame
          const isAssumed = frame.answer === 'assumed'
          if (isAssumed && !(assume && mayAssume(name))) return 'lost'
          this.#asked = frame.answer === 'awaited'
          const answer = await handler.system(position, name, args)
          if (isAssumed && !isAsAssumed(answer)) return 'wrong'
          if (this.#asked) reply(child, name, answer)
          this.#asked = false
          break
        }
        case 'end':
          this.ended++
          this.#show()
          await handler.end(position, { outcome: frame.outcome, gas: frame.gas })
          budget.ms = ms
          break
        case 'abort':
          return 'aborted'
        default:
          return 'lost'
      }
    }
    return 'ended'
  }

  #show() {
    for (const line of this.#lines) this.options.onconsole(line)
    this.#lines = []
  }

  // the child counts from the beginning of the window
  #positionOf(frame: ChildFrame | null): number | null {
    return frame !== null && 'position' in frame ? this.#first + frame.position : null
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
