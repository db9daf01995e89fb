// Values: what arguments and results are made of, and their one and only encoding.
//
//   null 0 · false 1 · true 2
//   3 uint           an integer from 0 to 2^53 - 1
//   4 uint           -1 - n, for an integer from -2^53 + 1 to -1
//   5 float64        any other finite number, little endian
//   6 string         uint byte length, UTF-8
//   7 buffer         uint byte length, bytes (a Uint8Array)
//   8 array          uint length, values
//   9 object         uint size, then key (as a string) and value, keys strictly ascending by UTF-8 bytes
//
// uint, float64 and buffer are those of compact-encoding. One value has one encoding: what does not re-encode to the
// same bytes is refused.

import c, { type Encoder, type State } from 'compact-encoding'
import b4a from 'b4a'
import { compareUTF8 } from '../utf8.js'
import { fromEntries, MAX_DEPTH, MAX_ITEMS, toValue, type Value } from './normal.js'

export { MAX_DEPTH, MAX_ITEMS, MAX_VALUE_BYTES, toValue, type Value } from './normal.js'

const NULL = 0
const FALSE = 1
const TRUE = 2
const UINT = 3
const NEGATIVE = 4
const FLOAT = 5
const STRING = 6
const BUFFER = 7
const ARRAY = 8
const OBJECT = 9

/** @returns the bytes of a value; it is normalised first, so the result is canonical */
export function encodeValue(input: unknown): Uint8Array {
  return encodeNormal(toValue(input))
}

/** @returns the bytes of what `toValue` has made, in this realm or another */
export function encodeNormal(input: Value): Uint8Array {
  return c.encode(value, input)
}

/** @throws Error if the bytes are not exactly one value in its canonical encoding */
export function decodeValue(bytes: Uint8Array): Value {
  const decoded = c.decode(value, bytes)
  if (!b4a.equals(c.encode(value, decoded), bytes)) throw new Error('the value is not encoded canonically')
  return decoded
}

/** The compact-encoding of a Value that is normalised already. */
export const value: Encoder<Value> = {
  preencode(state, input) {
    state.end++
    switch (typeOf(input)) {
      case UINT:
        return c.uint.preencode(state, input as number)
      case NEGATIVE:
        return c.uint.preencode(state, -1 - (input as number))
      case FLOAT:
        return c.float64.preencode(state, input as number)
      case STRING:
        return c.string.preencode(state, input as string)
      case BUFFER:
        return c.uint8array.preencode(state, input as Uint8Array)
      case ARRAY: {
        const items = input as Value[]
        c.uint.preencode(state, items.length)
        for (const item of items) value.preencode(state, item)
        return
      }
      case OBJECT: {
        const entries = Object.entries(input as { [key: string]: Value })
        c.uint.preencode(state, entries.length)
        for (const [key, item] of entries.sort(([a], [b]) => compareUTF8(a, b))) {
          c.string.preencode(state, key)
          value.preencode(state, item)
        }
      }
    }
  },
  encode(state, input) {
    const type = typeOf(input)
    c.uint8.encode(state, type)
    switch (type) {
      case UINT:
        return c.uint.encode(state, input as number)
      case NEGATIVE:
        return c.uint.encode(state, -1 - (input as number))
      case FLOAT:
        return c.float64.encode(state, input as number)
      case STRING:
        return c.string.encode(state, input as string)
      case BUFFER:
        return c.uint8array.encode(state, input as Uint8Array)
      case ARRAY: {
        const items = input as Value[]
        c.uint.encode(state, items.length)
        for (const item of items) value.encode(state, item)
        return
      }
      case OBJECT: {
        const entries = Object.entries(input as { [key: string]: Value })
        c.uint.encode(state, entries.length)
        for (const [key, item] of entries.sort(([a], [b]) => compareUTF8(a, b))) {
          c.string.encode(state, key)
          value.encode(state, item)
        }
      }
    }
  },
  decode(state) {
    return decodeAt(state, 0, { items: MAX_ITEMS })
  }
}

function decodeAt(state: State, depth: number, budget: { items: number }): Value {
  if (--budget.items < 0) throw new Error('too many items')
  switch (c.uint8.decode(state)) {
    case NULL:
      return null
    case FALSE:
      return false
    case TRUE:
      return true
    case UINT:
      return safe(c.uint.decode(state))
    case NEGATIVE:
      return safe(-1 - c.uint.decode(state))
    case FLOAT:
      return float(c.float64.decode(state))
    case STRING:
      return c.string.decode(state)
    case BUFFER:
      return new Uint8Array(c.uint8array.decode(state))
    case ARRAY: {
      const items: Value[] = []
      for (let left = count(state, depth); left > 0; left--) items.push(decodeAt(state, depth + 1, budget))
      return items
    }
    case OBJECT: {
      const entries: [string, Value][] = []
      for (let left = count(state, depth); left > 0; left--) {
        entries.push([c.string.decode(state), decodeAt(state, depth + 1, budget)])
      }
      return fromEntries(entries)
    }
    default:
      throw new Error('unknown type of value')
  }
}

// every item takes a byte at least: a count beyond that is garbage, and must not make us allocate
function count(state: State, depth: number): number {
  if (depth >= MAX_DEPTH) throw new Error('values are nested too deeply')
  const n = c.uint.decode(state)
  if (n > state.end - state.start) throw new Error('more items than bytes')
  return n
}

function safe(n: number): number {
  if (!Number.isSafeInteger(n)) throw new Error('the integer is out of range')
  return n
}

function float(n: number): number {
  if (!Number.isFinite(n) || Number.isSafeInteger(n)) throw new Error('the number is not encoded canonically')
  return n
}

function typeOf(input: Value): number {
  if (input === null) return NULL
  if (typeof input === 'boolean') return input ? TRUE : FALSE
  if (typeof input === 'number') return !Number.isSafeInteger(input) ? FLOAT : input < 0 ? NEGATIVE : UINT
  if (typeof input === 'string') return STRING
  // a Value may come from another realm, so no instanceof
  return ArrayBuffer.isView(input) ? BUFFER : Array.isArray(input) ? ARRAY : OBJECT
}
