// JSON: the text is that of the native, but nesting is bounded, every step is charged, and errors say the same on every
// release.

import { charge, enter, leave, limit } from '../meter.js'
import * as to from './tools.js'

/** The deepest nesting of arrays and objects, in text and in values. */
const MAX_NESTING = 500

const parseNative = JSON.parse as (text: string) => unknown
const stringifyNative = JSON.stringify as (text: string) => string
const charCodeAt = to.native<[number], number>(String.prototype, 'charCodeAt')
const substring = to.native<[number, number], string>(String.prototype, 'substring')
const repeat = to.native<[number], string>(String.prototype, 'repeat')
const objectToString = to.native<[], string>(Object.prototype, 'toString')
const numberOf = to.native<[], number>(Number.prototype, 'valueOf')
const stringOf = to.native<[], string>(String.prototype, 'valueOf')
const booleanOf = to.native<[], boolean>(Boolean.prototype, 'valueOf')
const NativeSyntaxError = SyntaxError
const { keys } = Object
const { defineProperty, deleteProperty } = Reflect
const NativeSet = Set
const setHas = to.native<[unknown], boolean>(Set.prototype, 'has')
const setAdd = to.native<[unknown], unknown>(Set.prototype, 'add')

type Fields = Record<string, unknown>

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Charges for a text by its length, and bounds how deep it goes. */
function scan(text: string): void {
  charge(10 + text.length * 3)
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const unit = charCodeAt(text, i)
    if (inString) {
      if (unit === BACKSLASH) i++
      else if (unit === QUOTE) inString = false
    } else if (unit === QUOTE) inString = true
    else if (unit === 0x5b || unit === 0x7b) {
      if (++depth > MAX_NESTING) tooNested()
    } else if (unit === 0x5d || unit === 0x7d) depth--
  }
}

function tooNested(): never {
  limit(`JSON nested more than ${MAX_NESTING} levels deep`)
}

function parse(text: string): unknown {
  try {
    return parseNative(text)
  } catch {
    throw new NativeSyntaxError('the text is not JSON')
  }
}

/** InternalizeJSONProperty. */
function revive(holder: Fields, key: string, reviver: to.Method, depth: number): unknown {
  const value = holder[key]
  charge(10)
  if (to.isObject(value)) {
    if (depth > MAX_NESTING) tooNested()
    const level = enter(2)
    try {
      if (to.isArray(value)) {
        const length = to.lengthOf(value)
        charge(length * 2)
        for (let i = 0; i < length; i++) reviveInto(value as unknown as Fields, to.toText(i), reviver, depth)
      } else {
        const names = keys(value)
        charge(names.length * 4)
        for (let i = 0; i < names.length; i++) reviveInto(value as Fields, names[i], reviver, depth)
      }
    } finally {
      leave(level)
    }
  }
  return to.apply(reviver, holder, [key, value] as never)
}

function reviveInto(holder: Fields, key: string, reviver: to.Method, depth: number): void {
  const value = revive(holder, key, reviver, depth + 1)
  if (value === undefined) deleteProperty(holder, key)
  else defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true })
}

/** @returns the primitive in a boxed one, or null for what is none. Looking does not run anything. */
function brandOf(value: object): 'Number' | 'String' | 'Boolean' | null {
  if (!(Symbol.toStringTag in value)) {
    const tag = objectToString(value)
    return tag === '[object Number]'
      ? 'Number'
      : tag === '[object String]'
        ? 'String'
        : tag === '[object Boolean]'
          ? 'Boolean'
          : null
  }
  for (const [name, probe] of BRANDS) {
    try {
      probe(value)
      return name
    } catch {
      // not of this kind
    }
  }
  return null
}

const BRANDS: ['Number' | 'String' | 'Boolean', (value: unknown) => unknown][] = [
  ['Number', numberOf],
  ['String', stringOf],
  ['Boolean', booleanOf]
]

interface Writer {
  replacer: to.Method | null
  allowed: string[] | null
  gap: string
  open: object[]
  written: number
}

/** Counts what is written, before it is joined. */
function emit(writer: Writer, text: string): string {
  writer.written += text.length
  if (writer.written > to.MAX_STRING) to.chargeString(writer.written)
  charge(2 + (text.length >>> 3))
  return text
}

function quote(writer: Writer, text: string): string {
  if (text.length > 16) charge(text.length)
  return emit(writer, stringifyNative(text))
}

/** SerializeJSONProperty. */
function serialize(writer: Writer, holder: object, key: string, indent: string): string | undefined {
  charge(10)
  let value = (holder as Fields)[key]
  if (to.isObject(value)) {
    const { toJSON } = value as Fields
    if (typeof toJSON === 'function') value = to.apply(toJSON as to.Method, value, [key] as never)
  }
  if (writer.replacer !== null) value = to.apply(writer.replacer, holder, [key, value] as never)
  if (typeof value === 'object' && value !== null) {
    const brand = brandOf(value)
    if (brand === 'Number') value = to.toNumber(value)
    else if (brand === 'String') value = to.toText(value)
    else if (brand === 'Boolean') value = booleanOf(value)
  }
  if (value === null) return emit(writer, 'null')
  switch (typeof value) {
    case 'string':
      return quote(writer, value)
    case 'number':
      return emit(writer, value - value === 0 ? to.toText(value) : 'null')
    case 'boolean':
      return emit(writer, value ? 'true' : 'false')
    case 'object':
      return structure(writer, value, indent)
    default:
      return undefined
  }
}

/** SerializeJSONArray and SerializeJSONObject. */
function structure(writer: Writer, value: object, indent: string): string {
  const { open, gap } = writer
  for (let i = 0; i < open.length; i++) {
    if (open[i] === value) throw new to.NativeTypeError('Converting circular structure to JSON')
  }
  if (open.length >= MAX_NESTING) tooNested()
  charge(open.length)
  const level = enter(2)
  to.append(open, value)
  try {
    const inner = indent + gap
    const between = gap === '' ? ',' : ',\n' + inner
    const colon = gap === '' ? ':' : ': '
    const list = to.isArray(value)
    let body = ''
    if (list) {
      const length = to.lengthOf(value)
      charge(length)
      for (let i = 0; i < length; i++) {
        const item = serialize(writer, value, to.toText(i), inner) ?? emit(writer, 'null')
        body += (i === 0 ? '' : emit(writer, between)) + item
      }
    } else {
      if (writer.allowed === null) chargeView(value)
      const names = writer.allowed ?? keys(value)
      charge(names.length * 4)
      for (let i = 0; i < names.length; i++) {
        const item = serialize(writer, value, names[i], inner)
        if (item === undefined) continue
        body += (body === '' ? '' : emit(writer, between)) + quote(writer, names[i]) + colon + item
      }
    }
    const [first, last] = list ? ['[', ']'] : ['{', '}']
    if (body === '') return emit(writer, first + last)
    if (gap === '') return emit(writer, first) + body + last
    return emit(writer, first + '\n' + inner) + body + emit(writer, '\n' + indent + last)
  } finally {
    open.length--
    leave(level)
  }
}

const viewLength = to.native<[], number>(to.getPrototypeOf(Uint8Array.prototype) as object, 'length')
const { isView } = ArrayBuffer

/** Listing the keys of a view makes a string for each. */
function chargeView(value: object): void {
  if (!isView(value)) return
  let length = 0
  try {
    length = viewLength(value)
  } catch {
    // a DataView has no elements
  }
  charge(length * 12)
}

/** The keys that a list of them allows: once each, in their order. */
function allowedKeys(list: object): string[] {
  const length = to.lengthOf(list)
  charge(length * 8)
  const seen = new NativeSet()
  const allowed: string[] = []
  for (let i = 0; i < length; i++) {
    const item = (list as unknown as Record<number, unknown>)[i]
    const brand = typeof item === 'object' && item !== null ? brandOf(item) : null
    const isKey =
      typeof item === 'string' || typeof item === 'number' || brand === 'String' || brand === 'Number'
    if (!isKey) continue
    const key = to.toText(item)
    to.chargeText(key)
    if (setHas(seen, key)) continue
    setAdd(seen, key)
    to.append(allowed, key)
  }
  return allowed
}

function gapOf(space: unknown): string {
  let given = space
  if (typeof given === 'object' && given !== null) {
    const brand = brandOf(given)
    if (brand === 'Number') given = to.toNumber(given)
    else if (brand === 'String') given = to.toText(given)
  }
  if (typeof given === 'number') return repeat(' ', to.max(0, to.min(10, to.toInteger(given))))
  return typeof given === 'string' ? substring(given, 0, 10) : ''
}

const methods = {
  parse(this: unknown, source?: unknown, reviver?: unknown) {
    const text = to.toText(source)
    scan(text)
    const value = parse(text)
    if (typeof reviver !== 'function') return value
    const level = enter(to.CALLBACK)
    try {
      return revive({ '': value }, '', reviver as to.Method, 0)
    } finally {
      leave(level)
    }
  },
  stringify(this: unknown, value?: unknown, replacer?: unknown, space?: unknown) {
    charge(10)
    const level = enter(to.CALLBACK)
    try {
      const isList = to.isArray(replacer)
      const allowed = isList ? allowedKeys(replacer) : null
      const writer: Writer = {
        replacer: typeof replacer === 'function' ? (replacer as to.Method) : null,
        allowed,
        gap: gapOf(space),
        open: [],
        written: 0
      }
      return serialize(writer, { '': value }, '', '')
    } finally {
      leave(level)
    }
  }
}

export function installJson(): void {
  to.replace(JSON, methods)
}
