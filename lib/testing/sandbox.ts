// Where a VM in memory runs its calls, and what they write to their console.

import { Executor, type ConsoleLine } from '../sandbox/executor.js'

export interface Sandbox {
  executor: Executor
  lines: Lines
}

export function newSandbox(options: { watchdog?: number; idle?: number } = {}): Sandbox {
  const lines = new Lines()
  return { executor: new Executor({ ...options, onconsole: line => lines.add(line) }), lines }
}

/** The lines of the call that runs. */
export class Lines {
  private lines: ConsoleLine[] = []

  add(line: ConsoleLine): void {
    this.lines.push(line)
  }

  /** @returns all lines; from now on they are those of the next call */
  take(): ConsoleLine[] {
    const { lines } = this
    this.lines = []
    return lines
  }
}
