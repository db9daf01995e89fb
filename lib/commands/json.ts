// Values in JSON, on the command line and in its output: bytes are {"$bytes":"base64"}.

import type { Value } from '../ledger/values.js'

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

export type JSONValue = null | boolean | number | string | JSONValue[] | { [key: string]: JSONValue }

/** An argument as it was typed: JSON if it parses, else a string. */
export function parseArgument(text: string): unknown {
  try {
    return revive(JSON.parse(text) as JSONValue)
  } catch {
    return text
  }
}

export function toJSON(value: Value): JSONValue {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return value.map(toJSON)
  if (value === null || typeof value !== 'object') return value
  return mapEntries(value, toJSON)
}

/** For people: a string as it is, anything else as JSON. */
export function prettyValue(value: Value): string {
  return typeof value === 'string' ? value : JSON.stringify(toJSON(value), null, 2)
}

function revive(value: JSONValue): unknown {
  if (Array.isArray(value)) return value.map(revive)
  if (value === null || typeof value !== 'object') return value
  const keys = Object.keys(value)
  const { $bytes } = value
  if (keys.length === 1 && typeof $bytes === 'string' && BASE64.test($bytes)) {
    return new Uint8Array(Buffer.from($bytes, 'base64'))
  }
  return mapEntries(value, revive)
}

// fromEntries defines, so a key "__proto__" stays a key
function mapEntries<In, Out>(object: { [key: string]: In }, map: (value: In) => Out): { [key: string]: Out } {
  return Object.fromEntries(Object.entries(object).map(([key, one]) => [key, map(one)]))
}
