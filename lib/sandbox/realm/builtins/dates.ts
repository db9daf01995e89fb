// Date: only what does not tell the time. Strings are read in the formats that the language defines, and in no other:
// what an engine makes of the rest is its own affair. Local time is UTC.

import { charge } from '../meter.js'
import * as to from './tools.js'

const D = Date.prototype
const NativeDate = Date
const { UTC } = Date
const parseNative = Date.parse
const timeOf = to.native<[], number>(D, 'getTime')
const exec = to.native<[string], (string | undefined)[] | null>(RegExp.prototype, 'exec')

const ISO =
  /^(?:\d{4}|[+-]\d{6})(?:-\d{2}(?:-\d{2})?)?(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/
// what toString and toUTCString write
const WRITTEN =
  /^(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat),? (?:\d{2} [A-Z][a-z]{2}|[A-Z][a-z]{2} \d{2}) -?\d{4,6} \d{2}:\d{2}:\d{2} GMT(?:\+0000 \(Coordinated Universal Time\)|\+0000 \(UTC\))?$/

function parse(text: string): number {
  if (text.length > 64) return NaN
  if (exec(ISO, text) !== null) return text.startsWith('-000000') ? NaN : parseNative(text)
  return exec(WRITTEN, text) === null ? NaN : parseNative(text)
}

const statics = {
  now(this: unknown) {
    throw new to.NativeTypeError('Date.now() is not available: there is no clock')
  },
  parse(this: unknown, source?: unknown) {
    charge(60)
    return parse(to.toText(source))
  },
  UTC(this: unknown, ...parts: unknown[]) {
    charge(20)
    return to.apply(UTC, undefined, numbers(parts) as never)
  }
}

/** The parts of a date as numbers, in their order; more of them are not converted. */
function numbers(parts: unknown[], most = 7): number[] {
  const taken: number[] = []
  for (let i = 0; i < parts.length && i < most; i++) to.append(taken, to.toNumber(parts[i]))
  return taken
}

function isDate(value: unknown): boolean {
  if (!to.isObject(value)) return false
  try {
    timeOf(value)
    return true
  } catch {
    return false
  }
}

function argumentsFor(args: unknown[]): number[] {
  if (args.length > 1) return numbers(args)
  const only = args[0]
  if (isDate(only)) return [timeOf(only)]
  const primitive = to.toPrimitive(only, 'default')
  return [typeof primitive === 'string' ? parse(primitive) : to.toNumber(primitive)]
}

const setters = [
  'setDate setFullYear setHours setMilliseconds setMinutes setMonth setSeconds setTime setUTCDate setUTCFullYear',
  'setUTCHours setUTCMilliseconds setUTCMinutes setUTCMonth setUTCSeconds'
].flatMap(line => line.split(' '))

const written = ['toDateString toISOString toString toTimeString toUTCString'].flatMap(line =>
  line.split(' ')
)

/** A setter with its numbers converted at a price. */
function setter(key: string): object {
  const native = to.native<number[], number>(D, key)
  const { length } = (D as unknown as Record<string, { length: number }>)[key]
  return {
    [key](this: unknown, ...parts: unknown[]) {
      charge(10)
      timeOf(this)
      return to.apply(native, undefined, [this, ...numbers(parts, length)] as never) as unknown
    }
  }
}

function writer(key: string): object {
  const native = to.native<[], string>(D, key)
  return {
    [key](this: unknown) {
      charge(40)
      return native(this)
    }
  }
}

const methods = {
  toJSON(this: unknown) {
    return to.deeper(() => {
      const object = to.toObject(this) as { toISOString: unknown }
      const time = to.toPrimitive(object, 'number')
      if (typeof time === 'number' && time - time !== 0) return null
      const method = object.toISOString
      to.mustBeCallable(method)
      return to.apply(method, object, [] as never)
    })
  }
}

/** @param base  the constructor of Date that stands now */
export function installDates(base: to.Constructor): void {
  const OurDate = function Date(...args: unknown[]): unknown {
    const target = new.target as unknown
    // there is no current time to tell
    if (target === undefined) throw new to.NativeTypeError('Date() is not available: there is no clock')
    if (args.length === 0) throw new to.NativeTypeError('new Date() is not available: there is no clock')
    charge(20)
    return to.construct(NativeDate, argumentsFor(args), target)
  }
  to.replaceConstructor(OurDate, base)
  to.replace(OurDate, statics)
  for (const key of setters) to.replace(D, setter(key))
  for (const key of written) to.replace(D, writer(key))
  to.replace(D, methods)
  to.alias(D, 'toLocaleString', 'toString')
  to.alias(D, 'toLocaleDateString', 'toDateString')
  to.alias(D, 'toLocaleTimeString', 'toTimeString')
}
