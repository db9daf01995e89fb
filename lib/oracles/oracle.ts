// An oracle: an API with effects that a host adds to a VM.

import { VMSError } from '../errors.js'
import type { OracleSpec } from '../ledger/oracles.js'
import type { Value } from '../ledger/values.js'

export interface Oracle {
  /** as it stands in genesis */
  spec: OracleSpec
  /**
   * Does what a contract asks for.
   * @param signal aborted at the deadline, after which nobody waits for the result
   * @throws OracleError, or any error: the contract gets its message, and its code if that is a string
   */
  call(method: string, inputs: Value[], signal: AbortSignal): Promise<Value>
  close(): Promise<void>
}

/** Why an oracle does not do what it was asked for; the contract gets both. */
export class OracleError extends Error {
  constructor(
    readonly code: string,
    message: string
  ) {
    super(message)
  }
}

/** An oracle of functions in this process; each gets its inputs, and a signal that is aborted at the deadline. */
export function oracleOf(
  name: string,
  methods: { [method: string]: (inputs: Value[], signal: AbortSignal) => Value | Promise<Value> },
  scope: string[] = []
): Oracle {
  return {
    spec: { name, methods: Object.keys(methods).sort(), hash: null, scope },
    call: async (method, inputs, signal) => methods[method](inputs, signal),
    close: () => Promise.resolve()
  }
}

export function unknownOracle(name: string): VMSError {
  return new VMSError('USAGE', `there is no oracle ${name}: name clock, random, fetch, or a module's file`)
}
