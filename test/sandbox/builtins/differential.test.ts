// The metered builtins do what the natives do: same results, same effects, same order of conversions, same kind of
// error, for arguments of all kinds.

import assert from 'node:assert/strict'
import test from 'node:test'
import { FUZZ } from './fuzz.js'
import { meteredRealm, nativeRealm } from './realm.js'

type Fuzz = (seed: number, path: string, key: string, rounds: number) => string[]

const metered = meteredRealm()
const ours = metered.evaluate(FUZZ) as Fuzz
const natives = nativeRealm()
// the text of functions is the same for all
natives(`{
  const { toString } = { toString() { return 'function ' + this.name + '() { [native code] }' } }
  Object.defineProperty(Function.prototype, 'toString', { value: toString })
}`)
const native = natives(FUZZ) as Fuzz

const ROUNDS = process.env.VMS_TEST_FULL === '1' ? 1000 : 100

/** What differs on purpose: each has a test of its own. */
const DIFFERENT = new Set([
  'Function.prototype.toString',
  // the functions at hand are those of another realm
  'Function.prototype.apply',
  'Function.prototype.bind',
  'Object.setPrototypeOf', // what has been described belongs to another prototype then
  'Reflect.setPrototypeOf',
  'String.prototype.localeCompare',
  'String.prototype.match',
  'String.prototype.matchAll',
  'String.prototype.search',
  'Symbol.for',
  'Date.now',
  'Date.parse'
])

/** What looks at its arguments in another order before it throws. */
const LATER = new Set(['%TypedArray%.from', '%TypedArray%.prototype.with'])

const TRANSCENDENTAL =
  /^Math\.(sin|cos|tan|asin|acos|atan|atan2|sinh|cosh|tanh|asinh|acosh|atanh|exp|expm1|log|log1p|log2|log10|pow|cbrt|hypot)$/

const words = (text = ''): string[] => text.split(/\s+/).filter(word => word !== '')

const paths = Object.entries(
  metered.intrinsics.TABLE as Record<string, { free?: string; metered?: string }>
).flatMap(([path, { metered }]) => words(metered).map(key => [path, key] as const))

for (const [path, key] of paths) {
  const name = `${path}.${key}`
  if (DIFFERENT.has(name) || /Locale|Async/.test(name) || /^Promise/.test(path)) continue
  test(`${name} does what the native does`, () => {
    const expected = native(7, path, key, ROUNDS)
    const actual = ours(7, path, key, ROUNDS)
    for (let i = 0; i < expected.length; i++) {
      // what an inconsistent comparator makes of a list is the engine's affair
      if (/sort(ed)?$/i.test(key) && / function  \d/.test(expected[i])) continue
      // the engine does not convert all parts for a date that is none already, and the prototypes are frozen here
      if (path === 'Date.prototype' && expected[i].startsWith('Date NaN')) continue
      if (name === 'Object.assign' && /to(String|JSON) wec/.test(expected[i])) continue
      // errors have no stack of their own here
      if (/\{Error, .*=> \{Array, .*"stack"/.test(expected[i])) continue
      // of two mistakes another one is found first
      if (LATER.has(name) && failsAlike(actual[i], expected[i])) continue
      if (actual[i].includes('=> throws Error ')) continue // a limit
      if (TRANSCENDENTAL.test(name) && close(actual[i], expected[i])) continue
      assert.equal(actual[i], expected[i])
    }
  })
}

/** Both throw the same, and differ in what was converted before. */
function failsAlike(left: string, right: string): boolean {
  const [a, b] = [left, right].map(text => text.replace(/ after [^|]*$/, ''))
  return a === b && / => throws TypeError /.test(a)
}

/** Results that agree in all but the last digits. */
function close(left: string, right: string): boolean {
  const [a, b] = [left, right].map(text => /=> (-?[\d.e+-]+) leaving/.exec(text)?.[1])
  if (a === undefined || b === undefined) return left === right
  return left.replace(a, '') === right.replace(b, '') && Math.abs(+a - +b) <= Math.abs(+b) * 1e-14
}
