// The world that a contract sees: a SES compartment with everything frozen, and nothing in it that tells the time,
// the machine or the contract's neighbours apart. Runs in the child process only, once, before any contract.

import { createRequire } from 'node:module'
import type {} from 'ses'

// Whatever else the engine or SES may bring along one day is not there in a contract. Left out on purpose: eval,
// Function and Compartment (code that was never checked), Proxy (chains of them overflow the native stack), BigInt
// and its arrays (operators without a price), float arrays (the bits of NaN), TextEncoder and TextDecoder, escape,
// unescape, WeakRef and FinalizationRegistry (garbage collection shows), Intl (differs between machines).
export const GLOBALS: readonly string[] = [
  'Infinity NaN undefined globalThis isFinite isNaN parseFloat parseInt',
  'decodeURI decodeURIComponent encodeURI encodeURIComponent',
  'Array ArrayBuffer Boolean DataView Date JSON Map Math Number Object Promise Reflect RegExp Set String Symbol',
  'Int8Array Int16Array Int32Array Uint8Array Uint8ClampedArray Uint16Array Uint32Array WeakMap WeakSet',
  'Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError'
].flatMap(line => line.split(' '))

const BIGINT_ACCESSORS = ['getBigInt64', 'getBigUint64', 'setBigInt64', 'setBigUint64']

/** Runs a script in the compartment and returns its completion value. */
export type Evaluate = (script: string) => unknown

/**
 * Locks down the intrinsics of this process for good.
 * @returns evaluates scripts in the one compartment; they must have been checked: nothing is refused here
 */
export function makeRealm(): Evaluate {
  createRequire(import.meta.url)('ses') // one file in its CommonJS form: 40 ms, its ES modules take 55
  for (const name of BIGINT_ACCESSORS) Reflect.deleteProperty(DataView.prototype, name)
  // all options, since SES takes the ones that are missing from the environment
  lockdown({
    errorTaming: 'safe',
    stackFiltering: 'omit-frames',
    overrideTaming: 'severe', // under 'moderate', assigning m['constructor'] on a plain object throws
    overrideDebug: [],
    localeTaming: 'safe',
    consoleTaming: 'safe',
    regExpTaming: 'safe',
    domainTaming: 'safe',
    evalTaming: 'safe-eval',
    errorTrapping: 'none',
    unhandledRejectionTrapping: 'none',
    legacyRegeneratorRuntimeTaming: 'safe',
    __hardenTaming__: 'safe',
    reporting: 'none'
  })
  const compartment = new Compartment({ __options__: true, globals: {} })
  const world = compartment.globalThis
  for (const name of Reflect.ownKeys(world)) {
    if (typeof name === 'string' && GLOBALS.includes(name)) continue
    if (!Reflect.deleteProperty(world, name) && typeof name === 'string') {
      throw new Error(`the global ${name} cannot be removed`)
    }
  }
  harden(world) // before the first evaluation: globals are looked up a hundred times faster then
  const options = { __rejectSomeDirectEvalExpressions__: false } // the parser has seen to that
  return script => compartment.evaluate(script, options) as unknown
}
