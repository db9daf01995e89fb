// What a contract exports, read without running any of its code.

import { free } from './meter.js'

/** A contract's module code, compiled: what the transform makes of it. It runs afresh for every call. */
export type Wrapper = (
  module: object,
  exports: object,
  System: object,
  console: object,
  hooks: object
) => void

/**
 * Runs the module code, so that nothing in its memory outlives the call.
 * @returns what `module.exports` is afterwards
 * @throws whatever the contract throws
 */
export function instantiate(wrapper: Wrapper, System: object, console: object, hooks: object): unknown {
  const module = { exports: {} }
  wrapper(module, module.exports, System, console, hooks)
  return free((): unknown => Object.getOwnPropertyDescriptor(module, 'exports')?.value)
}

/** The function that `exports` has as its own data property, or null. */
export function methodOf(exports: unknown, name: string): ((...args: unknown[]) => unknown) | null {
  if (!hasProperties(exports)) return null
  const method: unknown = Object.getOwnPropertyDescriptor(exports, name)?.value
  return typeof method === 'function' ? (method as () => unknown) : null
}

/** The names of all functions that `exports` has as its own data properties. */
export function methodsOf(exports: unknown): string[] {
  if (!hasProperties(exports)) return []
  // a function or class as module.exports has itself no methods but those assigned to it
  return Object.getOwnPropertyNames(exports).filter(name => methodOf(exports, name) !== null)
}

function hasProperties(exports: unknown): exports is object {
  return (typeof exports === 'object' && exports !== null) || typeof exports === 'function'
}
