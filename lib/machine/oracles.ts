// What calls ask of oracles. Where the answers come from differs: a host asks the world, an auditor reads the log. What a call
// may ask is bounded here for both, by nothing but what is in its record.

import c from 'compact-encoding'
import { VMSError } from '../errors.js'
import { describeOracleCall } from '../ledger/oracles.js'
import { MAX_RECORD_BYTES, outcome, type OracleCall, type Outcome } from '../ledger/record.js'
import { decodeValue, encodeValue, type Value } from '../ledger/values.js'
import type { SystemAnswer } from '../sandbox/types.js'
import type { CheckedRequest } from '../ledger/request.js'

/** What is asked of an oracle. */
export type Asked = Omit<OracleCall, 'output'>

export interface Oracles {
  /**
   * @param request of the call that asks
   * @param nth what it asks for, counted from 0; asked again it is answered as before, without asking the world again
   * @param room bytes that the answer may take in the record
   * @returns null if the call should not have asked for this: then it has no outcome here
   */
  answer(request: CheckedRequest, nth: number, asked: Asked, room: number): Promise<Outcome | null>
}

/** The oracles of one VM, as its host asks them. */
export interface OpenOracles extends Oracles {
  close(): Promise<void>
}

/** What a call may ask for. */
const MAX_CALLS = 64

/** Bytes of all that it asks for and is answered; of a record that has little room left, less. */
const MAX_BYTES = 512 * 1024

/** What else a record needs: numbers, a short error. */
const RECORD_BYTES = 1024

/** What one of them takes beside its inputs and its output, and the least that an output needs. */
const OVERHEAD_BYTES = 128
const LEAST_BYTES = 512

/** How long a sandbox is held for an answer, ms. After that others get it, and the call runs again when the answer is there. */
const HOLD_MS = 20

/** Thrown when an answer takes its time. */
export class Waiting extends Error {
  constructor(readonly answer: Promise<unknown>) {
    super('an oracle takes its time')
  }
}

/** What one call asks for while it runs. */
export class CallOracles {
  readonly calls: OracleCall[] = []
  private left: number

  constructor(
    private readonly oracles: Oracles,
    private readonly request: CheckedRequest
  ) {
    this.left = Math.min(MAX_BYTES, MAX_RECORD_BYTES - request.signed.bytes.byteLength - RECORD_BYTES)
  }

  /**
   * @returns the answer, or LIMIT, which ends the call
   * @throws Waiting
   */
  async ask(name: string, method: string, args: Value[]): Promise<SystemAnswer> {
    const inputs = encodeValue(args)
    const asked: Asked = { name, method, inputs }
    if (this.calls.length === MAX_CALLS) return limit(`more than ${MAX_CALLS} calls of oracles`)
    this.left -= inputs.byteLength + OVERHEAD_BYTES
    if (this.left < LEAST_BYTES) return limit('what is asked of oracles, and answered, takes too many bytes')
    const output = await inTime(
      this.oracles.answer(this.request, this.calls.length, asked, this.left - OVERHEAD_BYTES)
    )
    if (output === null) {
      this.calls.push({ ...asked, output: NOT_LOGGED })
      return limit(`${describeOracleCall(asked)} was not asked`)
    }
    this.calls.push({ ...asked, output })
    this.left -= c.encode(outcome, output).byteLength
    if (output.ok) return { ok: true, value: decodeValue(output.value) }
    return { ok: false, message: output.error.message, code: output.error.code ?? 'ORACLE_FAILED' }
  }
}

/** What a contract asked for and the log does not say that it did; whoever compares records sees that they differ. */
const NOT_LOGGED: Outcome = { ok: false, error: { name: 'Error', message: 'not logged', code: null } }

function limit(message: string): SystemAnswer {
  return { ok: false, code: 'LIMIT', message }
}

const LATE = Symbol('late')

async function inTime(answer: Promise<Outcome | null>): Promise<Outcome | null> {
  let timer: NodeJS.Timeout
  const late = new Promise<typeof LATE>(resolve => (timer = setTimeout(() => resolve(LATE), HOLD_MS)))
  const first = await Promise.race([answer, late])
  clearTimeout(timer!)
  if (first === LATE) throw new Waiting(answer)
  return first
}

/** The VM has no oracles, or nobody may ask them here. */
export const NO_ORACLES: Oracles = {
  answer: (_request, _nth, asked) =>
    Promise.reject(
      new VMSError(
        'NO_ORACLE',
        `the call asks for ${describeOracleCall(asked)}, which only the host can answer: call it there`
      )
    )
}
