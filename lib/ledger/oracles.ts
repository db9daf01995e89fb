// The oracles of a VM: APIs with effects that its host has added. Genesis lists them, so that everybody knows whom the VM makes
// one trust; a record holds what its call asked of them, and what it was answered.
//
//   oracle    name, methods, hash, scope
//     name      what it is called below System.oracles: a letter, then letters and digits, 32 at most
//     methods   of the same form, ascending by UTF-8 bytes
//     hash      0 for those that every host has, or 1 and the BLAKE2b hash of the module's bundled code
//     scope     what it is limited to: of fetch, the origins that it may ask

import b4a from 'b4a'
import c from 'compact-encoding'
import { key, optional, strings, struct } from './encoding.js'
import { compareUTF8 } from '../utf8.js'
import type { OracleCall } from './record.js'
import { decodeValue, type Value } from './values.js'

export interface OracleSpec {
  name: string
  methods: string[]
  hash: Uint8Array | null
  scope: string[]
}

export const oracleSpec = struct<OracleSpec>({
  name: c.string,
  methods: strings,
  hash: optional(key),
  scope: strings
})

const NAME = /^[a-zA-Z][a-zA-Z0-9]{0,31}$/
const MAX_ORACLES = 32
const MAX_METHODS = 64
const MAX_SCOPE = 64
const MAX_SCOPE_BYTES = 512

/** @returns why a genesis cannot list these oracles; null if it can */
export function wrongOracles(oracles: OracleSpec[]): string | null {
  if (oracles.length > MAX_ORACLES) return `it lists more than ${MAX_ORACLES} oracles`
  if (!ascending(oracles.map(({ name }) => name))) return 'its oracles are not in order'
  for (const { name, methods, scope } of oracles) {
    if (!NAME.test(name)) return `an oracle cannot be named ${JSON.stringify(name.slice(0, 64))}`
    if (methods.length === 0 || methods.length > MAX_METHODS)
      return `the oracle ${name} has ${methods.length} methods`
    if (!ascending(methods)) return `the methods of the oracle ${name} are not in order`
    // an object with a method of that name is taken for a promise
    const wrong = methods.find(method => !NAME.test(method) || method === 'then')
    if (wrong !== undefined)
      return `a method of the oracle ${name} cannot be named ${JSON.stringify(wrong.slice(0, 64))}`
    if (scope.length > MAX_SCOPE || scope.some(one => b4a.byteLength(one) > MAX_SCOPE_BYTES))
      return `the scope of the oracle ${name} is too long`
  }
  return null
}

function ascending(names: string[]): boolean {
  return names.every((name, i) => i === 0 || compareUTF8(names[i - 1], name) < 0)
}

/** Whom one has to trust beside the signatures: `trustless`, or `semi-trusted: clock, fetch`. */
export function trustIn(oracles: OracleSpec[]): string {
  return oracles.length === 0 ? 'trustless' : `semi-trusted: ${oracles.map(({ name }) => name).join(', ')}`
}

/** Checks the form of a logged call of an oracle. @throws Error */
export function checkOracleCall({ name, method, inputs, output }: OracleCall, oracles: OracleSpec[]): void {
  if (!oracles.some(one => one.name === name && one.methods.includes(method)))
    throw new Error(`it calls ${name}.${method}, an oracle that genesis does not list`)
  if (!Array.isArray(decodeValue(inputs))) throw new Error(`the inputs of ${name}.${method} are no list`)
  if (output.ok) decodeValue(output.value)
}

/** What was asked of an oracle, to be read by people. */
export function describeOracleCall({ name, method, inputs }: Omit<OracleCall, 'output'>): string {
  const args = (decodeValue(inputs) as Value[]).map(arg => JSON.stringify(arg)).join()
  return `${name}.${method}(${args.length > 80 ? `${args.slice(0, 80)}…` : args})`
}
