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
// same bytes is refused. This module also runs inside the sandbox on a contract's results, so it reads own data
// properties only, never a getter, and depends on nothing but compact-encoding and b4a.

import c, { type Encoder, type State } from 'compact-encoding'
import b4a from 'b4a'
import { compareUTF8, isWellFormed } from '../utf8.js'

export type Value = null | boolean | number | string | Uint8Array | Value[] | { [key: string]: Value }

/** Arrays and objects inside each other, at most. */
export const MAX_DEPTH = 128

/** The most bytes that a value may take. */
export const MAX_VALUE_BYTES = 1024 * 1024

/** Values that a value may hold, at most, at any depth: what is small in bytes must not be large in memory. */
export const MAX_ITEMS = 100_000

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

/**
 * Turns what JavaScript has into a Value: `undefined` becomes null, -0 becomes 0, keys are sorted.
 * @throws TypeError on anything that is not a value: functions, symbols, accessors, class instances, NaN, cycles
 */
export function toValue(input: unknown): Value {
  return normalize(input, 0, new Budget())
}

// A rough lower bound of the encoded size, so that a small graph that expands into a huge tree is refused early.
class Budget {
  private bytes = MAX_VALUE_BYTES
  private items = MAX_ITEMS
  spend(bytes: number) {
    this.bytes -= bytes
    if (this.bytes < 0) throw new TypeError(`a value takes more than ${MAX_VALUE_BYTES} bytes`)
  }
  item() {
    if (--this.items < 0) throw new TypeError(`a value takes more than ${MAX_ITEMS} items`)
  }
}

function normalize(input: unknown, depth: number, budget: Budget): Value {
  budget.item()
  if (input === undefined || input === null) {
    budget.spend(1)
    return null
  }
  if (typeof input === 'boolean') {
    budget.spend(1)
    return input
  }
  if (typeof input === 'number') {
    if (!Number.isFinite(input)) throw new TypeError(`${String(input)} is not a finite number`)
    budget.spend(2)
    return input === 0 ? 0 : input
  }
  if (typeof input === 'string') {
    budget.spend(input.length)
    if (!isWellFormed(input)) throw new TypeError('a string has a lone surrogate')
    return input
  }
  if (typeof input !== 'object') throw new TypeError(`a ${typeof input} is not a value`)
  if (depth >= MAX_DEPTH) throw new TypeError(`values are nested deeper than ${MAX_DEPTH} levels`)
  if (ArrayBuffer.isView(input) && input instanceof Uint8Array) {
    const copy = new Uint8Array(input) // later changes must not show, nor an own property named byteLength
    budget.spend(copy.byteLength)
    return copy
  }
  if (Array.isArray(input)) return normalizeArray(input, depth, budget)
  return normalizeObject(input, depth, budget)
}

function normalizeArray(input: unknown[], depth: number, budget: Budget): Value[] {
  if (Object.getPrototypeOf(input) !== Array.prototype)
    throw new TypeError('an instance of a class is not a value')
  budget.spend(input.length + 1)
  const out: Value[] = []
  for (let i = 0; i < input.length; i++) {
    const property = Object.getOwnPropertyDescriptor(input, i)
    if (property && !('value' in property)) throw new TypeError('an accessor property is not a value')
    out.push(normalize(property?.value, depth + 1, budget))
  }
  if (Reflect.ownKeys(input).length > input.length + 1) {
    const keys = Object.keys(input).filter(key => !isIndex(key, input.length))
    if (keys.length > 0) throw new TypeError('an array with named properties is not a value')
  }
  return out
}

function normalizeObject(input: object, depth: number, budget: Budget): Value {
  const prototype = Object.getPrototypeOf(input) as unknown
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError('an instance of a class is not a value')
  }
  const entries: [string, Value][] = []
  for (const key of Reflect.ownKeys(input)) {
    const property = Object.getOwnPropertyDescriptor(input, key)
    if (!property?.enumerable) continue
    if (typeof key === 'symbol') throw new TypeError('a symbol is not a value')
    if (!('value' in property)) throw new TypeError('an accessor property is not a value')
    if (!isWellFormed(key)) throw new TypeError('a key has a lone surrogate')
    budget.spend(key.length + 1)
    entries.push([key, normalize(property.value, depth + 1, budget)])
  }
  return fromEntries(entries.sort(([a], [b]) => compareUTF8(a, b)))
}

/** @returns the bytes of a value; it is normalised first, so the result is canonical */
export function encodeValue(input: unknown): Uint8Array {
  return c.encode(value, toValue(input))
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
  return input instanceof Uint8Array ? BUFFER : Array.isArray(input) ? ARRAY : OBJECT
}

// defineProperty, so that a key named __proto__ is a key like any other
function fromEntries(entries: [string, Value][]): { [key: string]: Value } {
  const out: { [key: string]: Value } = {}
  for (const [key, item] of entries) {
    Object.defineProperty(out, key, { value: item, enumerable: true, writable: true, configurable: true })
  }
  return out
}

function isIndex(key: string, length: number): boolean {
  const n = Number(key)
  return String(n) === key && Number.isInteger(n) && n >= 0 && n < length
}
