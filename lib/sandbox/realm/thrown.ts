// What a contract threw, as an outcome. Reads own data properties only and runs none of the contract's code:
// `throw {get message() { for (;;); }}` once hung a host.

import type { Outcome } from '../types.js'
import { clip } from './text.js'

const MAX_MESSAGE = 1000
const MAX_NAME = 100
const MAX_CHAIN = 32

export type Failure = Extract<Outcome, { ok: false }>

// after lockdown `name` of these is an accessor, so they are known by identity; their constructors are fixed
const INTRINSIC = new Map<object, string>(
  [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError].map(
    constructor => [constructor.prototype, constructor.name]
  )
)

/** An outcome that the sandbox itself decides on. */
export function failure(name: string, message: string, code: string | null): Failure {
  return { ok: false, error: { name, message: clip(message, MAX_MESSAGE), code } }
}

/** The outcome of a call that threw; all of its texts are well-formed and bounded. */
export function describe(thrown: unknown): Failure {
  if (!(thrown instanceof Error)) return failure('Error', describeOther(thrown), null)
  const code = ownText(thrown, 'code')
  const name = clip(nameOf(thrown), MAX_NAME)
  return failure(name, ownText(thrown, 'message') ?? '', code === null ? null : clip(code, MAX_NAME))
}

function describeOther(thrown: unknown): string {
  if (typeof thrown === 'string') return `a string was thrown: ${thrown}`
  if (thrown === null || thrown === undefined || typeof thrown === 'boolean' || typeof thrown === 'number') {
    return `${String(thrown)} was thrown`
  }
  return typeof thrown === 'object' ? 'an object was thrown' : `a ${typeof thrown} was thrown`
}

// own, or given by a class of the contract, or that of the intrinsic it descends from
function nameOf(error: Error): string {
  let at: object | null = error
  for (let i = 0; i < MAX_CHAIN && at !== null; i++) {
    const known = INTRINSIC.get(at)
    if (known !== undefined) return known
    const property = Object.getOwnPropertyDescriptor(at, 'name')
    if (property) return typeof property.value === 'string' ? property.value : 'Error'
    at = Object.getPrototypeOf(at) as object | null
  }
  return 'Error'
}

function ownText(error: object, key: string): string | null {
  const text: unknown = Object.getOwnPropertyDescriptor(error, key)?.value
  return typeof text === 'string' ? text : null
}
