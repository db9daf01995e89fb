// Function: `bind` and `apply`, and the text of functions.
//
// The free builtins rely on bound functions: only by binding one can a contract have a builtin call another with
// arguments of its choice, and so on down a chain, without any code of its own in between. So a bound builtin is charged
// and goes a level deeper, while a bound function of the contract costs what its target does.

import { charge, limit } from '../meter.js'
import { argumentsOf } from './objects.js'
import * as to from './tools.js'

const F = Function.prototype
const nativeBind = F.bind as to.Method
const hasInstance = to.native<[unknown], boolean>(F, Symbol.hasInstance)
const { hasOwn } = Object

/** The longest chain of functions that are bound to one another. */
const MAX_CHAIN = 16

/** The most arguments that are bound at once: each call hands them on for nothing. */
const MAX_BOUND = 64

const chains = new WeakMap<object, number>()
const builtins = new WeakSet()
const chainOf = to.uncurry(
  WeakMap.prototype.get as (this: WeakMap<object, number>, key: object) => number | undefined
)
const setChain = to.uncurry(
  WeakMap.prototype.set as (this: WeakMap<object, number>, key: object, chain: number) => unknown
)
const isBuiltin = to.uncurry(WeakSet.prototype.has)
const add = to.uncurry(WeakSet.prototype.add)

/** Makes a function known as a builtin. */
export function addBuiltin(fn: object): void {
  add(builtins, fn)
}

/** @returns a function that does what the builtin does, charged and a level deeper */
function stepping(target: to.Method): object {
  const constructible = to.isConstructor(target)
  const own = constructible
    ? function (this: unknown, ...args: unknown[]): unknown {
        const made = new.target as unknown
        return to.deeper(() =>
          made === undefined
            ? to.apply(target, this, args as never)
            : to.construct(target as never, args as never, (made === own ? target : made) as never)
        )
      }
    : {
        own(this: unknown, ...args: unknown[]): unknown {
          return to.deeper(() => to.apply(target, this, args as never))
        }
      }.own
  if (constructible) {
    const { prototype } = target as unknown as { prototype: object }
    Reflect.defineProperty(own, 'prototype', { value: prototype })
  }
  to.stand(own, target)
  return own
}

const methods = {
  bind(this: unknown, self?: unknown, ...args: unknown[]) {
    to.mustBeCallable(this)
    charge(20 + args.length * 2)
    if (args.length > MAX_BOUND) limit(`more than ${MAX_BOUND} bound arguments`)
    const chain = (chainOf(chains, this) ?? 0) + 1
    if (chain > MAX_CHAIN) limit(`a chain of more than ${MAX_CHAIN} bound functions`)
    const target = isBuiltin(builtins, this) ? stepping(this) : this
    const bound = to.apply(nativeBind, target, [self, ...args] as never) as object
    setChain(chains, bound, chain)
    return bound
  },
  apply(this: unknown, self?: unknown, list?: unknown) {
    to.mustBeCallable(this)
    if (list === undefined || list === null) return to.apply(this, self, [] as never)
    return to.apply(this, self, argumentsOf(list) as never)
  },
  toString(this: unknown) {
    if (typeof this !== 'function') {
      throw new to.NativeTypeError("Function.prototype.toString requires that 'this' be a Function")
    }
    // the name as it was given, if it still is a plain property: no getter runs
    const name = hasOwn(this, 'name') ? (to.getOwnPropertyDescriptor(this, 'name')?.value as unknown) : ''
    return `function ${typeof name === 'string' ? name : ''}() { [native code] }`
  },
  [Symbol.hasInstance](this: unknown, value?: unknown) {
    charge(4)
    return hasInstance(this, value)
  }
}

export function installFunctions(): void {
  const before = to.getOwnPropertyDescriptor(F, Symbol.hasInstance)
  const { [Symbol.hasInstance]: own, ...others } = methods
  to.replace(F, others)
  if (before?.configurable === true) to.replace(F, { [Symbol.hasInstance]: own })
}
