// Number, Boolean, Symbol, and the global functions that read text: long strings are charged.

import { charge } from '../meter.js'
import * as to from './tools.js'

const N = Number.prototype
const NativeNumber = Number
const numberOf = to.native<[], number>(N, 'valueOf')
const numberToString = to.native<[number?], string>(N, 'toString')
const toFixed = to.native<[number], string>(N, 'toFixed')
const toExponential = to.native<[number?], string>(N, 'toExponential')
const toPrecision = to.native<[number?], string>(N, 'toPrecision')
const symbolFor = Symbol.for
const natives = { parseInt, parseFloat, decodeURI, decodeURIComponent, encodeURI, encodeURIComponent }

const optional = (value: unknown): number | undefined =>
  value === undefined ? undefined : to.toInteger(value)

const methods = {
  toString(this: unknown, radix?: unknown) {
    const number = typeof this === 'number' ? this : numberOf(this)
    const base = optional(radix)
    if (base === undefined || base === 10) return numberToString(number)
    charge(60) // up to 1,100 digits
    // digits of fractions in other bases are the engine's choice, but all of V8's releases choose the same
    return numberToString(number, base)
  },
  toLocaleString(this: unknown) {
    return numberToString(numberOf(this))
  },
  toFixed(this: unknown, digits?: unknown) {
    const number = numberOf(this)
    charge(30)
    return toFixed(number, to.toInteger(digits))
  },
  toExponential(this: unknown, digits?: unknown) {
    const number = numberOf(this)
    charge(30)
    return toExponential(number, optional(digits))
  },
  toPrecision(this: unknown, digits?: unknown) {
    const number = numberOf(this)
    charge(30)
    return toPrecision(number, optional(digits))
  }
}

const symbolStatics = {
  for(this: unknown, key?: unknown) {
    const name = to.toText(key)
    // the engine keeps these for good, whatever call made them
    charge(200 + name.length)
    return symbolFor(name)
  }
}

/** What escaping may make of a string: nine units of one. */
function coded(text: string, native: (text: string) => string, growth: number): string {
  charge(4 + text.length * growth * 2)
  if (text.length * growth > to.MAX_STRING) to.chargeString(text.length * growth)
  return native(text)
}

const globals = {
  parseInt(this: unknown, source?: unknown, radix?: unknown) {
    const text = typeof source === 'number' ? source : to.toText(source)
    if (typeof text === 'string' && text.length > 32) charge(text.length * 2)
    return natives.parseInt(text as string, radix === undefined ? undefined : to.toNumber(radix))
  },
  parseFloat(this: unknown, source?: unknown) {
    const text = to.toText(source)
    if (text.length > 32) charge(text.length * 2)
    return natives.parseFloat(text)
  },
  isNaN(this: unknown, value?: unknown) {
    const number = to.toNumber(value)
    return number !== number
  },
  isFinite(this: unknown, value?: unknown) {
    const number = to.toNumber(value)
    return number - number === 0
  },
  decodeURI(this: unknown, source?: unknown) {
    return coded(to.toText(source), natives.decodeURI, 1)
  },
  decodeURIComponent(this: unknown, source?: unknown) {
    return coded(to.toText(source), natives.decodeURIComponent, 1)
  },
  encodeURI(this: unknown, source?: unknown) {
    return coded(to.toText(source), natives.encodeURI, 9)
  },
  encodeURIComponent(this: unknown, source?: unknown) {
    return coded(to.toText(source), natives.encodeURIComponent, 9)
  }
}

export function installNumbers(world: object): void {
  const OurNumber = function Number(value?: unknown): unknown {
    const number = arguments.length === 0 ? 0 : to.toNumber(value)
    const target = new.target as unknown
    if (target === undefined) return number
    return to.construct(NativeNumber, [number], target === OurNumber ? NativeNumber : target)
  }
  to.replaceConstructor(OurNumber, NativeNumber)
  to.replace(N, methods)
  to.replace(Symbol.prototype.constructor, symbolStatics)
  to.replace(world, globals)
  // these are the same functions in both places
  Object.defineProperties(OurNumber, {
    parseInt: { value: (world as typeof natives).parseInt },
    parseFloat: { value: (world as typeof natives).parseFloat }
  })
}
