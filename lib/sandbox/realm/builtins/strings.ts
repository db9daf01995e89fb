// String: whatever makes, converts or searches strings is charged by their lengths.
//
// `this` that is no string is converted one level deeper and at a price: a toString of a contract may be one of these
// methods itself, and would recurse without end in native code otherwise.

import { charge, limit } from '../meter.js'
import { findText, findLastText } from './search.js'
import * as to from './tools.js'

const S = String.prototype
type Numeric = [position?: unknown]
const at = to.native<Numeric, string | undefined>(S, 'at')
const charAt = to.native<Numeric, string>(S, 'charAt')
const charCodeAt = to.native<Numeric, number>(S, 'charCodeAt')
const codePointAt = to.native<Numeric, number | undefined>(S, 'codePointAt')
const slice = to.native<[unknown?, unknown?], string>(S, 'slice')
const substring = to.native<[unknown?, unknown?], string>(S, 'substring')
const substr = to.native<[unknown?, unknown?], string>(S, 'substr')
const repeat = to.native<[number], string>(S, 'repeat')
const concat = to.native<string[], string>(S, 'concat')
const padStart = to.native<[number, string], string>(S, 'padStart')
const padEnd = to.native<[number, string], string>(S, 'padEnd')
const startsWith = to.native<[string, number], boolean>(S, 'startsWith')
const endsWith = to.native<[string, number], boolean>(S, 'endsWith')
const normalize = to.native<[string], string>(S, 'normalize')
const upper = to.native<[], string>(S, 'toUpperCase')
const lower = to.native<[], string>(S, 'toLowerCase')
const trim = to.native<[], string>(S, 'trim')
const trimStart = to.native<[], string>(S, 'trimStart')
const trimEnd = to.native<[], string>(S, 'trimEnd')
const isWellFormed = to.native<[], boolean>(S, 'isWellFormed')
const toWellFormed = to.native<[], string>(S, 'toWellFormed')
const iterate = to.native<[], IterableIterator<string>>(S, Symbol.iterator)
const fromCharCode = String.fromCharCode
const fromCodePoint = String.fromCodePoint

/** `this` as a string. */
export function textOf(self: unknown): string {
  if (typeof self === 'string') return self
  if (self === undefined || self === null) {
    throw new to.NativeTypeError('String.prototype method called on null or undefined')
  }
  return to.deeper(() => to.toText(self))
}

/** A position as a number: what else it may be is converted here, where long strings are charged. */
const numeric = (value: unknown): number | undefined =>
  value === undefined || typeof value === 'number' ? value : to.toNumber(value)
const within = (position: number, length: number): number => to.max(0, to.min(position, length))
const endOf = (value: unknown, length: number): number =>
  value === undefined ? length : within(to.toInteger(value), length)

function pad(self: unknown, length: unknown, filler: unknown, native: typeof padStart): string {
  const text = textOf(self)
  const wanted = to.toLength(length)
  if (wanted <= text.length) return text
  const fill = filler === undefined ? ' ' : to.toText(filler)
  if (fill === '') return text
  to.chargeString(wanted)
  return native(text, wanted, fill)
}

/** The longest string that is normalized: some characters become 18. */
const MAX_NORMALIZED = 2 ** 19
const MARKS = /[\p{M}\uff9e\uff9f]{8,}/gu
const execNative = to.native<[string], { 0: string } | null>(RegExp.prototype, 'exec')

/** Marks in a row are sorted by insertion, which is quadratic. */
function chargeMarks(text: string): void {
  MARKS.lastIndex = 0
  for (let run = execNative(MARKS, text); run !== null; run = execNative(MARKS, text)) {
    const { length } = run[0]
    charge(length * length * 0.25)
  }
}

/** Case mapping at most triples a string. */
function mapCase(self: unknown, native: typeof upper): string {
  const text = textOf(self)
  charge(2 + (text.length >>> 1))
  if (text.length * 3 > to.MAX_STRING) limit('the case of a string of more than 5 Mi units')
  return native(text)
}

function trimmed(self: unknown, native: typeof trim): string {
  const text = textOf(self)
  if (text.length > 32) charge(text.length >>> 2)
  return native(text)
}

/** A search string: anything but a regular expression. */
function needleOf(value: unknown, method: string): string {
  if (to.isObject(value)) {
    const matcher = (value as { [Symbol.match]?: unknown })[Symbol.match]
    if (matcher !== undefined ? Boolean(matcher) : isOurRegExp(value)) {
      throw new to.NativeTypeError(
        `First argument to String.prototype.${method} must not be a regular expression`
      )
    }
  }
  return to.toText(value)
}

let isOurRegExp: (value: object) => boolean = () => false

/** Tells how to know a regular expression that has no Symbol.match. */
export function useRegExpTest(test: (value: object) => boolean): void {
  isOurRegExp = test
}

const methods = {
  at(this: unknown, position?: unknown) {
    return at(
      typeof this === 'string' ? this : textOf(this),
      typeof position === 'number' ? position : numeric(position)
    )
  },
  charAt(this: unknown, position?: unknown) {
    return charAt(
      typeof this === 'string' ? this : textOf(this),
      typeof position === 'number' ? position : numeric(position)
    )
  },
  charCodeAt(this: unknown, position?: unknown) {
    return charCodeAt(
      typeof this === 'string' ? this : textOf(this),
      typeof position === 'number' ? position : numeric(position)
    )
  },
  codePointAt(this: unknown, position?: unknown) {
    return codePointAt(
      typeof this === 'string' ? this : textOf(this),
      typeof position === 'number' ? position : numeric(position)
    )
  },
  slice(this: unknown, start?: unknown, end?: unknown) {
    return slice(typeof this === 'string' ? this : textOf(this), numeric(start), numeric(end))
  },
  substring(this: unknown, start?: unknown, end?: unknown) {
    return substring(typeof this === 'string' ? this : textOf(this), numeric(start), numeric(end))
  },
  substr(this: unknown, start?: unknown, length?: unknown) {
    return substr(typeof this === 'string' ? this : textOf(this), numeric(start), numeric(length))
  },
  [Symbol.iterator](this: unknown) {
    charge(4)
    return iterate(typeof this === 'string' ? this : textOf(this))
  },
  repeat(this: unknown, count?: unknown) {
    const text = textOf(this)
    const times = to.toInteger(count)
    if (times < 0 || times === Infinity) throw new to.NativeRangeError(`Invalid count value: ${times}`)
    if (text === '' || times === 0) return ''
    to.chargeString(text.length * times)
    return repeat(text, times)
  },
  concat(this: unknown, ...parts: unknown[]) {
    const text = textOf(this)
    let { length } = text
    charge(parts.length)
    for (let i = 0; i < parts.length; i++) {
      const part = to.toText(parts[i])
      parts[i] = part
      length += part.length
      if (length > to.MAX_STRING) to.chargeString(length)
    }
    to.chargeString(length)
    return to.apply(concat, undefined, [text, ...(parts as string[])] as never)
  },
  padStart(this: unknown, length?: unknown, filler?: unknown) {
    return pad(this, length, filler, padStart)
  },
  padEnd(this: unknown, length?: unknown, filler?: unknown) {
    return pad(this, length, filler, padEnd)
  },
  startsWith(this: unknown, search?: unknown, position?: unknown) {
    const text = textOf(this)
    const needle = needleOf(search, 'startsWith')
    const from = within(to.toInteger(position), text.length)
    to.chargeText(needle)
    return startsWith(text, needle, from)
  },
  endsWith(this: unknown, search?: unknown, position?: unknown) {
    const text = textOf(this)
    const needle = needleOf(search, 'endsWith')
    const end = endOf(position, text.length)
    to.chargeText(needle)
    return endsWith(text, needle, end)
  },
  includes(this: unknown, search?: unknown, position?: unknown) {
    const text = textOf(this)
    const needle = needleOf(search, 'includes')
    return findText(text, needle, within(to.toInteger(position), text.length)) !== -1
  },
  indexOf(this: unknown, search?: unknown, position?: unknown) {
    const text = textOf(this)
    const needle = to.toText(search)
    return findText(text, needle, within(to.toInteger(position), text.length))
  },
  lastIndexOf(this: unknown, search?: unknown, position?: unknown) {
    const text = textOf(this)
    const needle = to.toText(search)
    const number = to.toNumber(position)
    const from = number !== number ? Infinity : to.toInteger(number)
    return findLastText(text, needle, within(from, text.length))
  },
  localeCompare(this: unknown, that?: unknown) {
    const text = textOf(this)
    const other = to.toText(that)
    const shorter = to.min(text.length, other.length)
    if (shorter > 32) charge(shorter >>> 3)
    return text < other ? -1 : text > other ? 1 : 0
  },
  normalize(this: unknown, form?: unknown) {
    const text = textOf(this)
    const name = form === undefined ? 'NFC' : to.toText(form)
    charge(2 + text.length * 4)
    if (text.length > MAX_NORMALIZED) limit('normalizing a string of more than 512 Ki units')
    if (text.length > 8) chargeMarks(text)
    return normalize(text, name)
  },
  toUpperCase(this: unknown) {
    return mapCase(this, upper)
  },
  toLowerCase(this: unknown) {
    return mapCase(this, lower)
  },
  trim(this: unknown) {
    return trimmed(this, trim)
  },
  trimStart(this: unknown) {
    return trimmed(this, trimStart)
  },
  trimEnd(this: unknown) {
    return trimmed(this, trimEnd)
  },
  isWellFormed(this: unknown) {
    const text = textOf(this)
    if (text.length > 32) charge(text.length >>> 2)
    return isWellFormed(text)
  },
  toWellFormed(this: unknown) {
    const text = textOf(this)
    if (text.length > 32) charge(text.length >>> 1)
    return toWellFormed(text)
  }
}

const numbers = (values: unknown[]): number[] => {
  for (let i = 0; i < values.length; i++) values[i] = to.toNumber(values[i])
  return values as number[]
}

const statics = {
  raw(this: unknown, template?: unknown, ...substitutions: unknown[]) {
    const cooked = to.toObject(template)
    const raw = to.toObject((cooked as { raw: unknown }).raw)
    const length = to.lengthOf(raw)
    charge(length)
    let text = ''
    for (let i = 0; i < length; i++) {
      text += to.toText((raw as Record<number, unknown>)[i])
      if (i + 1 < length && i < substitutions.length) text += to.toText(substitutions[i])
      if (text.length > to.MAX_STRING) to.chargeString(text.length)
    }
    to.chargeString(text.length)
    return text
  },
  fromCharCode(this: unknown, ...units: unknown[]) {
    charge(units.length)
    return to.apply(fromCharCode, undefined, numbers(units))
  },
  fromCodePoint(this: unknown, ...points: unknown[]) {
    charge(points.length * 2)
    for (let i = 0; i < points.length; i++) {
      const point = to.toNumber(points[i])
      if (to.trunc(point) !== point || point < 0 || point > 0x10ffff) fromCodePoint(point) // throws
      points[i] = point
    }
    return to.apply(fromCodePoint, undefined, points as number[])
  }
}

export function installStrings(): void {
  to.replace(S, methods)
  to.replace(String, statics)
  to.alias(S, 'trimLeft', 'trimStart')
  to.alias(S, 'trimRight', 'trimEnd')
  to.alias(S, 'toLocaleUpperCase', 'toUpperCase')
  to.alias(S, 'toLocaleLowerCase', 'toLowerCase')
}
