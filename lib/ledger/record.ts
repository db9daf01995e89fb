// A record: one call in a commit.
//
//   request     bytes       as received (request.ts)
//   signature   64 bytes    the caller's
//   outcome     0, name, message, optional code   the call threw: it left no writes
//               1, bytes                          an encoded Value
//   gas         uint
//   writes      array of path, then 0 (deleted) or 1, byte length, BLAKE2b hash; ascending by path
//   oracles     array of name, method, inputs, output: calls of APIs with effects, in order
//
// At most 1 MiB; a call whose record would be larger has the outcome LIMIT and no writes.

import c, { type Encoder } from 'compact-encoding'
import crypto from './crypto.js'
import { bytes, key, optional, signature, struct } from './encoding.js'

export const MAX_RECORD_BYTES = 1024 * 1024

export interface CallError {
  name: string
  message: string
  code: string | null
}

export type Outcome = { ok: true; value: Uint8Array } | { ok: false; error: CallError }

/** A changed path: what it holds after the call, or null if it was deleted. */
export interface Write {
  path: string
  content: { byteLength: number; hash: Uint8Array } | null
}

export interface OracleCall {
  name: string
  method: string
  inputs: Uint8Array
  output: Outcome
}

export interface Record {
  request: Uint8Array
  signature: Uint8Array
  outcome: Outcome
  gas: number
  writes: Write[]
  oracles: OracleCall[]
}

const callError = struct<CallError>({ name: c.string, message: c.string, code: optional(c.string) })

export const outcome: Encoder<Outcome> = {
  preencode(state, input) {
    state.end++
    if (input.ok) bytes.preencode(state, input.value)
    else callError.preencode(state, input.error)
  },
  encode(state, input) {
    c.uint8.encode(state, input.ok ? 1 : 0)
    if (input.ok) bytes.encode(state, input.value)
    else callError.encode(state, input.error)
  },
  decode(state) {
    const ok = c.uint8.decode(state) === 1
    return ok ? { ok, value: bytes.decode(state) } : { ok, error: callError.decode(state) }
  }
}

const write = struct<Write>({
  path: c.string,
  content: optional(struct<{ byteLength: number; hash: Uint8Array }>({ byteLength: c.uint, hash: key }))
})

export const oracleCall = struct<OracleCall>({
  name: c.string,
  method: c.string,
  inputs: bytes,
  output: outcome
})

export const record: Encoder<Record> = struct<Record>({
  request: bytes,
  signature,
  outcome,
  gas: c.uint,
  writes: c.array(write),
  oracles: c.array(oracleCall)
})

export function encodeRecord(input: Record): Uint8Array {
  return c.encode(record, input)
}

/** The hash of a record stands in the host's answer. */
export function hashRecord(input: Record): Uint8Array {
  return crypto.hash(encodeRecord(input))
}

/** Bytes that a call wrote to files. */
export function bytesWritten({ writes }: Record): number {
  return writes.reduce((sum, { content }) => sum + (content?.byteLength ?? 0), 0)
}
