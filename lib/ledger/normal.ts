// What is a Value, and how what JavaScript has becomes one. Contracts' results come through here inside the sandbox, so
// this reads own data properties only, never a getter, and depends on nothing.

import { compareUTF8, isWellFormed } from '../utf8.js'

export type Value = null | boolean | number | string | Uint8Array | Value[] | { [key: string]: Value }

/** Arrays and objects inside each other, at most. */
export const MAX_DEPTH = 128

/** The most bytes that a value may take. */
export const MAX_VALUE_BYTES = 1024 * 1024

/** Values that a value may hold, at most, at any depth: what is small in bytes must not be large in memory. */
export const MAX_ITEMS = 100_000

/**
 * Turns what JavaScript has into a Value: `undefined` becomes null, -0 becomes 0, keys are sorted.
 * @param size shows afterwards how much was looked at, also if it is no value
 * @throws TypeError on anything that is not a value: functions, symbols, accessors, class instances, NaN, cycles
 */
export function toValue(input: unknown, size: Size = new Size()): Value {
  return normalize(input, 0, size)
}

/** A rough lower bound of the encoded size, so that a small graph that expands into a huge tree is refused early. */
export class Size {
  bytes = 0
  items = 0
  spend(bytes: number) {
    this.bytes += bytes
    if (this.bytes > MAX_VALUE_BYTES) throw new TypeError(`a value takes more than ${MAX_VALUE_BYTES} bytes`)
  }
  item() {
    if (++this.items > MAX_ITEMS) throw new TypeError(`a value takes more than ${MAX_ITEMS} items`)
  }
}

function normalize(input: unknown, depth: number, size: Size): Value {
  size.item()
  if (input === undefined || input === null) {
    size.spend(1)
    return null
  }
  if (typeof input === 'boolean') {
    size.spend(1)
    return input
  }
  if (typeof input === 'number') {
    if (!Number.isFinite(input)) throw new TypeError(`${String(input)} is not a finite number`)
    size.spend(2)
    return input === 0 ? 0 : input
  }
  if (typeof input === 'string') {
    size.spend(input.length)
    if (!isWellFormed(input)) throw new TypeError('a string has a lone surrogate')
    return input
  }
  if (typeof input !== 'object') throw new TypeError(`a ${typeof input} is not a value`)
  if (depth >= MAX_DEPTH) throw new TypeError(`values are nested deeper than ${MAX_DEPTH} levels`)
  if (ArrayBuffer.isView(input) && input instanceof Uint8Array) {
    const copy = new Uint8Array(input) // later changes must not show, nor an own property named byteLength
    size.spend(copy.byteLength)
    return copy
  }
  if (Array.isArray(input)) return normalizeArray(input, depth, size)
  return normalizeObject(input, depth, size)
}

function normalizeArray(input: unknown[], depth: number, size: Size): Value[] {
  if (Object.getPrototypeOf(input) !== Array.prototype)
    throw new TypeError('an instance of a class is not a value')
  size.spend(input.length + 1)
  const out: Value[] = []
  for (let i = 0; i < input.length; i++) {
    const property = Object.getOwnPropertyDescriptor(input, i)
    if (property && !('value' in property)) throw new TypeError('an accessor property is not a value')
    out.push(normalize(property?.value, depth + 1, size))
  }
  if (Reflect.ownKeys(input).length > input.length + 1) {
    const keys = Object.keys(input).filter(key => !isIndex(key, input.length))
    if (keys.length > 0) throw new TypeError('an array with named properties is not a value')
  }
  return out
}

function normalizeObject(input: object, depth: number, size: Size): Value {
  const prototype = Object.getPrototypeOf(input) as unknown
  if ((prototype !== Object.prototype && prototype !== null) || ArrayBuffer.isView(input)) {
    throw new TypeError('an instance of a class is not a value')
  }
  const entries: [string, Value][] = []
  for (const key of Reflect.ownKeys(input)) {
    const property = Object.getOwnPropertyDescriptor(input, key)
    if (!property?.enumerable) {
      size.item()
      continue
    }
    if (typeof key === 'symbol') throw new TypeError('a symbol is not a value')
    if (!('value' in property)) throw new TypeError('an accessor property is not a value')
    if (!isWellFormed(key)) throw new TypeError('a key has a lone surrogate')
    size.spend(key.length + 1)
    entries.push([key, normalize(property.value, depth + 1, size)])
  }
  return fromEntries(entries.sort(([a], [b]) => compareUTF8(a, b)))
}

/** An object with these properties; defined, not assigned, so that a key named __proto__ is a key like any other. */
export function fromEntries(entries: [string, Value][]): { [key: string]: Value } {
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
