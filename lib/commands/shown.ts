// A call and what it did, as JSON and as lines.

import type { CallError, OracleCall, Outcome, Write } from '../ledger/record.js'
import { decodeValue } from '../ledger/values.js'
import { describeError } from './exit.js'
import { toJSON, type JSONValue } from './json.js'

/** Characters of a value. */
const MAX_SHOWN = 200

/** How a call ended. */
export interface OutcomeJSON {
  value?: JSONValue
  error?: CallError
}

/** What it asked of an oracle. */
export interface OracleJSON {
  name: string
  method: string
  inputs: JSONValue
  output: OutcomeJSON
}

export interface WriteJSON {
  path: string
  bytes?: number
  hash?: string
  deleted?: true
}

export function outcomeOf(outcome: Outcome): OutcomeJSON {
  return outcome.ok ? { value: toJSON(decodeValue(outcome.value)) } : { error: outcome.error }
}

export function oracleCallOf({ name, method, inputs, output }: OracleCall): OracleJSON {
  return { name, method, inputs: toJSON(decodeValue(inputs)), output: outcomeOf(output) }
}

export function writeOf({ path, content }: Write): WriteJSON {
  if (content === null) return { path, deleted: true }
  return { path, bytes: content.byteLength, hash: Buffer.from(content.hash).toString('hex') }
}

export interface ShownCall {
  index: number
  caller: string
  method: string
  args: JSONValue
  outcome: OutcomeJSON
  gas: number
  writes: WriteJSON[]
  oracles: OracleJSON[]
}

/** A line for a call, and one for each question to an oracle. */
export function describeCall({ index, caller, gas, writes, oracles, ...call }: ShownCall): string[] {
  const ended = describeEnd(call.method, call.args, call.outcome)
  const changed = writes.map(write => `${write.deleted ? '-' : '+'}${write.path}`).join(' ')
  return [
    `${index}  ${caller}  ${ended}  ${gas} gas${changed && '  ' + changed}`,
    ...oracles.map(
      ({ name, method, inputs, output }) => `     ${describeEnd(`${name}.${method}`, inputs, output)}`
    )
  ]
}

function describeEnd(method: string, args: JSONValue, { value, error }: OutcomeJSON): string {
  return `${method}(${shown(args).slice(1, -1)}) → ${error ? describeError(error) : shown(value)}`
}

/** A value as far as a person reads it; programs get all of it with --json. */
function shown(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}… ` : text
}
