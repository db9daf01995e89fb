// The `console` of a contract: bounded texts for the host's log. Formats without running the contract's code.

import { Size, toValue } from '../../ledger/normal.js'
import { LEVELS, type Level } from '../levels.js'
import { priceOfSize } from './adopt.js'
import { charge, free } from './meter.js'
import { clip } from './text.js'
import { describe } from './thrown.js'

// the native one, taken before it is metered
const { freeze } = Object

const MAX_LINES = 100
const MAX_TEXT = 1000

/** What a line costs besides what is read to make it. */
const LINE_GAS = 500

/**
 * @param print gets each line that is within the bounds: 100 lines of 1,000 UTF-16 units
 * @returns a frozen object with log, info, warn, error and debug
 */
export function makeConsole(print: (level: Level, text: string) => void): object {
  let lines = 0
  const methods: { [level: string]: (...args: unknown[]) => void } = {}
  for (const level of LEVELS) {
    methods[level] = freeze((...args: unknown[]) => {
      charge(LINE_GAS)
      if (lines++ >= MAX_LINES) return
      const { text, price } = free(() => format(args))
      print(level, text)
      charge(price)
    })
  }
  return freeze(methods)
}

function format(args: unknown[]): { text: string; price: number } {
  let line = ''
  let price = 0
  for (let i = 0; i < args.length && line.length <= MAX_TEXT; i++) {
    const part = formatOne(args[i])
    line += (i > 0 ? ' ' : '') + part.text
    price += part.price
  }
  return { text: clip(line, MAX_TEXT), price }
}

function formatOne(arg: unknown): { text: string; price: number } {
  if (typeof arg === 'string') return { text: clip(arg, MAX_TEXT), price: 0 }
  if (arg === undefined || typeof arg === 'number') return { text: String(arg), price: 0 }
  if (arg instanceof Error) {
    const { name, message } = describe(arg).error
    return { text: `${name}: ${message}`, price: 0 }
  }
  const size = new Size()
  let text = `[${typeof arg}]`
  try {
    text = JSON.stringify(toValue(arg, size), (_key, item: unknown) =>
      item instanceof Uint8Array ? `Uint8Array(${item.length})` : item
    )
  } catch {
    // no value: its type has to do
  }
  return { text, price: priceOfSize(size) }
}
