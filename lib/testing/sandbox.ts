// Where a VM in memory runs its calls, and what they write to their console.

import type { Oracles } from '../machine/oracles.js'
import { Executor, type ConsoleLine } from '../sandbox/executor.js'

export interface Sandbox {
  executor: Executor
  lines: Lines
}

export function newSandbox(options: { watchdog?: number; idle?: number } = {}): Sandbox {
  const lines = new Lines()
  return { executor: new Executor({ ...options, onconsole: line => lines.add(line) }), lines }
}

/** The lines of the call that runs. One that had to wait for an oracle runs again, and says again what it said before. */
export class Lines {
  private lines: ConsoleLine[] = []
  private asked = 0
  /** how many lines there were when an oracle was asked last */
  private before = 0

  add(line: ConsoleLine): void {
    this.lines.push(line)
  }

  /** @returns all lines; from now on they are those of the next call */
  take(): ConsoleLine[] {
    const { lines } = this
    this.lines = []
    this.asked = this.before = 0
    return lines
  }

  /** Passes on what is asked of oracles, and learns from it when a call runs again. */
  following(oracles: Oracles): Oracles {
    return {
      answer: (request, nth, asked, room) => {
        if (nth < this.asked) this.lines.splice(0, this.before)
        this.asked = nth + 1
        this.before = this.lines.length
        return oracles.answer(request, nth, asked, room)
      }
    }
  }
}
