// A caller with a name, who calls the contract's methods as a client does.

import b4a from 'b4a'
import type { KeyPair } from 'hypercore'
import type { CallError } from '../client/errors.js'
import { withMethods, type AnyContract, type Methods } from '../client/methods.js'
import crypto from '../ledger/crypto.js'
import { encodeKey } from '../ledger/keys.js'
import type { Value } from '../ledger/values.js'

/** A line that the contract wrote to its console. */
export interface TestLine {
  level: 'log' | 'info' | 'warn' | 'error' | 'debug'
  text: string
}

/** A call as it would stand in the log, and what it printed. */
export interface TestedCall {
  /** Number of the call: `System.vm.index`. */
  index: number
  method: string
  /** The id of who called. */
  caller: string
  /** What it returned; null if it threw. */
  value: Value
  /** What the caller's promise was rejected with. */
  error: CallError | null
  gas: number
  console: TestLine[]
  /** The paths that it changed. */
  writes: string[]
}

/** What every caller has, whatever the contract. */
export interface CallerMembers {
  /** `System.caller.id`: the same for the same name, always. */
  readonly id: string
  /** Calls a method and resolves with what it returned. */
  call(method: string, ...args: unknown[]): Promise<unknown>
  /**
   * Calls a method and resolves with all there is to know of the call.
   * @throws CallError if the contract threw; VMSError NO_SUCH_METHOD, INVALID_VALUE, TOO_LARGE, HOST_ABORTED
   */
  request(method: string, args: unknown[]): Promise<TestedCall>
}

/** A caller: `await alice.method(…)` calls the contract. */
export type TestCaller<Contract = AnyContract> = CallerMembers & Methods<Contract>

/** A key pair that follows from a name. */
export function keyPairOf(name: string): KeyPair {
  return crypto.keyPair(crypto.hash(b4a.from(`vms/testing/${name}`)))
}

/** The id of the caller of a name. */
export function idOf(name: string): string {
  return encodeKey(keyPairOf(name).publicKey)
}

export function makeCaller<Contract>(
  keyPair: KeyPair,
  request: (method: string, args: unknown[]) => Promise<TestedCall>
): TestCaller<Contract> {
  const members: CallerMembers = {
    id: encodeKey(keyPair.publicKey),
    call: async (method, ...args) => (await request(method, args)).value,
    request
  }
  return withMethods(members, (method, args) => members.call(method, ...args)) as TestCaller<Contract>
}
