// A contract ready to be called: checked and compiled once, instantiated afresh for every call, so that nothing in
// its memory outlives a call. Runs in the child.

import type { Failure } from './thrown.js'
import { describe, failure, isOverflow } from './thrown.js'
import { parse } from './parse.js'
import type { Evaluate } from './realm.js'
import type { Problem } from './types.js'

/** What a contract's module code gets besides the globals. */
export interface Endowments {
  System: object
  console: object
}

type Wrapper = (module: object, exports: object, System: object, console: object) => void

export interface Contract {
  /**
   * Runs the module code.
   * @returns what `module.exports` is afterwards
   * @throws whatever the contract throws
   */
  instantiate(endowments: Endowments): unknown
}

/** Thrown for a contract that differs between machines: how deep the stack is. The call must be given up. */
export class Overflow extends Error {}

/**
 * @returns the contract, or how each call of it ends
 * @throws Overflow if it cannot be told
 */
export function compile(source: string, evaluate: Evaluate): Contract | Failure {
  try {
    const { problems, code } = parse(source)
    if (problems.length > 0) return failure('Error', explain(problems[0]), 'INVALID_CONTRACT')
    return load(code, evaluate)
  } catch (error) {
    if (isOverflow(error)) throw new Overflow()
    return failure('Error', describe(error).error.message, 'INVALID_CONTRACT')
  }
}

/**
 * @param code as `parse` returns it, without problems
 * @throws SyntaxError where V8 knows less than acorn
 */
export function load(code: string, evaluate: Evaluate): Contract {
  // one function deeper, so that `arguments` does not show what the wrapper was given
  const wrapped = `(function (module, exports, System, console) { 'use strict'; (function () {${code}\n})() })`
  const wrapper = evaluate(wrapped) as Wrapper
  return {
    instantiate({ System, console }) {
      const module = { exports: {} }
      wrapper(module, module.exports, System, console)
      const exports: unknown = Object.getOwnPropertyDescriptor(module, 'exports')?.value
      return exports
    }
  }
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

function explain({ message, line, column }: Problem): string {
  return line === null ? message : `${message} (${line}:${column})`
}
