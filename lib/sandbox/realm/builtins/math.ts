// Math: what is transcendental differs between machines, so it comes from a library that computes with the basic
// operations alone. What the engine computes exactly stays, but converts its arguments at a price.

import sinOf from '@stdlib/math-base-special-sin'
import cosOf from '@stdlib/math-base-special-cos'
import tanOf from '@stdlib/math-base-special-tan'
import asinOf from '@stdlib/math-base-special-asin'
import acosOf from '@stdlib/math-base-special-acos'
import atanOf from '@stdlib/math-base-special-atan'
import sinhOf from '@stdlib/math-base-special-sinh'
import coshOf from '@stdlib/math-base-special-cosh'
import tanhOf from '@stdlib/math-base-special-tanh'
import asinhOf from '@stdlib/math-base-special-asinh'
import acoshOf from '@stdlib/math-base-special-acosh'
import atanhOf from '@stdlib/math-base-special-atanh'
import expOf from '@stdlib/math-base-special-exp'
import expm1Of from '@stdlib/math-base-special-expm1'
import log1pOf from '@stdlib/math-base-special-log1p'
import log2Of from '@stdlib/math-base-special-log2'
import log10Of from '@stdlib/math-base-special-log10'
import cbrtOf from '@stdlib/math-base-special-cbrt'
import lnOf from '@stdlib/math-base-special-ln'
import atan2Of from '@stdlib/math-base-special-atan2'
import hypotOf from '@stdlib/math-base-special-hypot'
import powOf from '@stdlib/math-base-special-pow'

import { charge } from '../meter.js'
import * as to from './tools.js'

const { abs, ceil, clz32, floor, fround, imul, round, sign, sqrt, trunc } = Math
const maxOf = Math.max
const minOf = Math.min

/** The `**` of the language: pow(±1, ±Infinity) and pow(1, NaN) are NaN. */
export function pow(base: number, exponent: number): number {
  if (exponent === 0) return 1
  if (exponent !== exponent) return exponent
  if ((base === 1 || base === -1) && (exponent === Infinity || exponent === -Infinity)) return NaN
  if (exponent === 2) return base * base
  return powOf(base, exponent)
}

function hypot(numbers: number[]): number {
  let result = 0
  let isNaN = false
  for (let i = 0; i < numbers.length; i++) {
    const number = abs(numbers[i])
    if (number === Infinity) return Infinity
    if (number !== number) isNaN = true
    else result = hypotOf(result, number)
  }
  return isNaN ? NaN : result
}

function allNumbers(values: unknown[]): number[] {
  for (let i = 0; i < values.length; i++)
    if (typeof values[i] !== 'number') values[i] = to.toNumber(values[i])
  return values as number[]
}

/** The functions of one argument: each a method of its own, so that the engine can inline it. */
const methods = {
  abs(this: unknown, x?: unknown) {
    return abs(typeof x === 'number' ? x : to.toNumber(x))
  },
  ceil(this: unknown, x?: unknown) {
    return ceil(typeof x === 'number' ? x : to.toNumber(x))
  },
  clz32(this: unknown, x?: unknown) {
    return clz32(typeof x === 'number' ? x : to.toNumber(x))
  },
  floor(this: unknown, x?: unknown) {
    return floor(typeof x === 'number' ? x : to.toNumber(x))
  },
  fround(this: unknown, x?: unknown) {
    return fround(typeof x === 'number' ? x : to.toNumber(x))
  },
  round(this: unknown, x?: unknown) {
    return round(typeof x === 'number' ? x : to.toNumber(x))
  },
  sign(this: unknown, x?: unknown) {
    return sign(typeof x === 'number' ? x : to.toNumber(x))
  },
  sqrt(this: unknown, x?: unknown) {
    return sqrt(typeof x === 'number' ? x : to.toNumber(x))
  },
  trunc(this: unknown, x?: unknown) {
    return trunc(typeof x === 'number' ? x : to.toNumber(x))
  },
  sin(this: unknown, x?: unknown) {
    charge(20)
    return sinOf(typeof x === 'number' ? x : to.toNumber(x))
  },
  cos(this: unknown, x?: unknown) {
    charge(20)
    return cosOf(typeof x === 'number' ? x : to.toNumber(x))
  },
  tan(this: unknown, x?: unknown) {
    charge(20)
    return tanOf(typeof x === 'number' ? x : to.toNumber(x))
  },
  asin(this: unknown, x?: unknown) {
    charge(20)
    return asinOf(typeof x === 'number' ? x : to.toNumber(x))
  },
  acos(this: unknown, x?: unknown) {
    charge(20)
    return acosOf(typeof x === 'number' ? x : to.toNumber(x))
  },
  atan(this: unknown, x?: unknown) {
    charge(20)
    return atanOf(typeof x === 'number' ? x : to.toNumber(x))
  },
  sinh(this: unknown, x?: unknown) {
    charge(20)
    return sinhOf(typeof x === 'number' ? x : to.toNumber(x))
  },
  cosh(this: unknown, x?: unknown) {
    charge(20)
    return coshOf(typeof x === 'number' ? x : to.toNumber(x))
  },
  tanh(this: unknown, x?: unknown) {
    charge(20)
    return tanhOf(typeof x === 'number' ? x : to.toNumber(x))
  },
  asinh(this: unknown, x?: unknown) {
    charge(20)
    return asinhOf(typeof x === 'number' ? x : to.toNumber(x))
  },
  acosh(this: unknown, x?: unknown) {
    charge(20)
    return acoshOf(typeof x === 'number' ? x : to.toNumber(x))
  },
  atanh(this: unknown, x?: unknown) {
    charge(20)
    return atanhOf(typeof x === 'number' ? x : to.toNumber(x))
  },
  exp(this: unknown, x?: unknown) {
    charge(20)
    return expOf(typeof x === 'number' ? x : to.toNumber(x))
  },
  expm1(this: unknown, x?: unknown) {
    charge(20)
    return expm1Of(typeof x === 'number' ? x : to.toNumber(x))
  },
  log1p(this: unknown, x?: unknown) {
    charge(20)
    return log1pOf(typeof x === 'number' ? x : to.toNumber(x))
  },
  log2(this: unknown, x?: unknown) {
    charge(20)
    return log2Of(typeof x === 'number' ? x : to.toNumber(x))
  },
  log10(this: unknown, x?: unknown) {
    charge(20)
    return log10Of(typeof x === 'number' ? x : to.toNumber(x))
  },
  cbrt(this: unknown, x?: unknown) {
    charge(20)
    return cbrtOf(typeof x === 'number' ? x : to.toNumber(x))
  },
  log(this: unknown, x?: unknown) {
    charge(20)
    return lnOf(typeof x === 'number' ? x : to.toNumber(x))
  },
  atan2(this: unknown, y?: unknown, x?: unknown) {
    charge(20)
    const first = to.toNumber(y)
    return atan2Of(first, to.toNumber(x))
  },
  pow(this: unknown, base?: unknown, exponent?: unknown) {
    charge(20)
    const first = to.toNumber(base)
    return pow(first, to.toNumber(exponent))
  },
  imul(this: unknown, a?: unknown, b?: unknown) {
    if (typeof a === 'number' && typeof b === 'number') return imul(a, b)
    const first = to.toNumber(a)
    return imul(first, to.toNumber(b))
  },
  max(this: unknown, a?: unknown, b?: unknown) {
    if (arguments.length === 2 && typeof a === 'number' && typeof b === 'number') return maxOf(a, b)
    return to.apply(maxOf, undefined, allNumbers(to.listOf(arguments)))
  },
  min(this: unknown, a?: unknown, b?: unknown) {
    if (arguments.length === 2 && typeof a === 'number' && typeof b === 'number') return minOf(a, b)
    return to.apply(minOf, undefined, allNumbers(to.listOf(arguments)))
  },
  hypot(this: unknown, ...values: unknown[]) {
    charge(20 + values.length * 10)
    return hypot(allNumbers(values))
  }
}

export function installMath(target: object): void {
  to.replace(target, methods)
}
