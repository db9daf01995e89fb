// The `console` of a contract: bounded texts for the host's log. Formats without running the contract's code.

import { toValue } from '../ledger/values.js'
import { LEVELS, type Level } from './frames.js'
import { clip } from './text.js'
import { describe } from './thrown.js'

const MAX_LINES = 100
const MAX_TEXT = 1000

/**
 * @param print gets each line that is within the bounds: 100 lines of 1,000 UTF-16 units
 * @returns a frozen object with log, info, warn, error and debug
 */
export function makeConsole(print: (level: Level, text: string) => void): object {
  let lines = 0
  const methods: { [level: string]: (...args: unknown[]) => void } = {}
  for (const level of LEVELS) {
    methods[level] = Object.freeze((...args: unknown[]) => {
      if (lines++ < MAX_LINES) print(level, format(args))
    })
  }
  return Object.freeze(methods)
}

function format(args: unknown[]): string {
  let line = ''
  for (const [i, arg] of args.entries()) {
    line += (i > 0 ? ' ' : '') + formatOne(arg)
    if (line.length > MAX_TEXT) break
  }
  return clip(line, MAX_TEXT)
}

function formatOne(arg: unknown): string {
  if (typeof arg === 'string') return arg
  if (arg === undefined || typeof arg === 'number') return String(arg)
  if (arg instanceof Error) {
    const { name, message } = describe(arg).error
    return `${name}: ${message}`
  }
  try {
    return JSON.stringify(toValue(arg), (_key, item: unknown) =>
      item instanceof Uint8Array ? `Uint8Array(${item.length})` : item
    )
  } catch {
    return `[${typeof arg}]`
  }
}
