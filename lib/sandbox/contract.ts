// From the source in genesis to something that can be called: checked, metered and compiled once, then instantiated
// afresh for every call.

import type { ContractRealm, Wrapper } from './context.js'
import { meter, problemOf } from './meter.js'
import { parse } from './parse.js'
import { failure, type Failure } from './realm/thrown.js'
import type { Problem } from './types.js'

/** @returns the contract, or how each call of it ends */
export function compile(source: string, realm: ContractRealm): Wrapper | Failure {
  const parsed = parse(source)
  if (parsed.problems.length > 0) return invalid(explain(parsed.problems[0]))
  let code
  try {
    code = meter(source, parsed)
  } catch (error) {
    return invalid(explain(problemOf(error)))
  }
  const compiled = realm.compile(code)
  return typeof compiled === 'string' ? invalid(compiled) : compiled
}

function invalid(message: string): Failure {
  return failure('Error', message, 'INVALID_CONTRACT')
}

function explain({ message, line, column }: Problem): string {
  return line === null ? message : `${message} (${line}:${column})`
}
