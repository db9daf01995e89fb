// Puts the metered builtins in the natives' place, and removes what a contract shall not find.
//
// The order: this is loaded, `prepareRealm()`, SES is loaded, `repairIntrinsics(options)`, `installBuiltins()`,
// `hardenIntrinsics()`, and then `pruneWorld(world)` for the global object of a compartment, before it is hardened.

import { GLOBALS, GLOBAL_FUNCTIONS, TABLE, prune, roots } from '../intrinsics.js'
import { installArrays } from './arrays.js'
import { installBuffers } from './buffers.js'
import { installCallbacks } from './callbacks.js'
import { installCollections } from './collections.js'
import { installDates } from './dates.js'
import { installErrors } from './errors.js'
import { addBuiltin, installFunctions } from './functions.js'
import { installJson } from './json.js'
import { installArrayConstructor } from './lists.js'
import { installMath } from './math.js'
import { installNumbers } from './numbers.js'
import { installObjects } from './objects.js'
import { installPatterns, regExpInUse } from './patterns.js'
import { installPromises } from './promises.js'
import { installStrings } from './strings.js'
import type { Constructor } from './tools.js'

export { GLOBALS } from '../intrinsics.js'
export { forgetJoins } from './callbacks.js'
export { pow } from './math.js'
export { useRegExp } from './patterns.js'

/** What stands in the world of a contract, by the names of the globals. */
const ours: Record<string, unknown> = {}

/**
 * Keeps SES from bringing immutable buffers along, whose methods could not be replaced. To be called before it is loaded.
 */
export function prepareRealm(): void {
  const { sliceToImmutable } = {
    sliceToImmutable(): never {
      throw new TypeError('there are no immutable buffers')
    }
  }
  Object.defineProperty(ArrayBuffer.prototype, 'sliceToImmutable', {
    value: sliceToImmutable,
    configurable: true
  })
}

const isSloppy = function (this: unknown): boolean {
  return this !== undefined
} as () => boolean

/** Replaces the builtins of this realm for good. To be called between SES's repair of the intrinsics and its hardening. */
export function installBuiltins(): void {
  // methods of ours must see the `this` that they are given: the bundle needs a directive of its own
  if (isSloppy()) throw new TypeError('the builtins must be bundled as strict code')
  // these have been replaced by SES already; natives of the same kind stay out of reach
  const base = (prototype: object): Constructor => (prototype as { constructor: Constructor }).constructor
  for (const name of GLOBALS) ours[name] = (globalThis as unknown as Record<string, unknown>)[name]
  ours.Math = Object.defineProperties({}, Object.getOwnPropertyDescriptors(Math))
  ours.Symbol = base(Symbol.prototype)
  installObjects()
  installFunctions()
  installStrings()
  installPatterns()
  installArrayConstructor()
  installArrays()
  installCallbacks()
  installBuffers()
  installCollections()
  installJson()
  installPromises()
  installNumbers(ours)
  installMath(ours.Math as object)
  installErrors(base(Error.prototype))
  installDates(base(Date.prototype))
  const found = roots(ours)
  for (const fn of prune(found)) addBuiltin(fn)
  for (const [name, object] of Object.entries(found)) {
    if (name in ours && TABLE[name] !== undefined) ours[name] = object
  }
  for (const name of GLOBAL_FUNCTIONS) addBuiltin(ours[name] as object)
}

/** Properties that may be overridden by assignment are accessors since the hardening: builtins too. */
function addAccessors(object: object): void {
  for (const key of Reflect.ownKeys(object)) {
    const { get, set } = Object.getOwnPropertyDescriptor(object, key)!
    if (get !== undefined) addBuiltin(get)
    if (set !== undefined) addBuiltin(set)
  }
}

/**
 * Leaves in a global object what the list of globals has, as it was installed.
 * @param world  the global object of a compartment, not frozen yet
 */
export function pruneWorld(world: Record<PropertyKey, unknown>): void {
  for (const object of Object.values(roots(ours))) addAccessors(object)
  addAccessors(world)
  for (const key of Reflect.ownKeys(world)) {
    if (typeof key === 'string' && GLOBALS.includes(key)) continue
    // SES has put a symbol there for its own use, which says nothing
    if (!Reflect.deleteProperty(world, key) && typeof key === 'string')
      throw new TypeError(`the global ${key} cannot be removed`)
  }
  for (const name of GLOBALS) {
    const given = name === 'RegExp' ? regExpInUse() : ours[name]
    if (name === 'globalThis' || typeof given === 'number' || given === undefined) continue
    if (given === null) Reflect.deleteProperty(world, name)
    else
      Object.defineProperty(world, name, {
        value: given,
        writable: true,
        enumerable: false,
        configurable: true
      })
  }
}
