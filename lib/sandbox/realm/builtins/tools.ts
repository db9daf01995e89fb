// What all metered builtins are made with. The natives are captured when this module is loaded, before anything is
// replaced, so nothing here depends on what a contract, or we ourselves, put in their place.

import { MAX_ARGUMENTS, MAX_ARRAY, MAX_STRING, SHORT } from '../limits.js'
import { charge, enter, leave, limit } from '../meter.js'

export const { apply, getOwnPropertyDescriptor, getPrototypeOf, ownKeys, setPrototypeOf } = Reflect
export const construct = Reflect.construct as (target: unknown, args: unknown, made?: unknown) => unknown
const { defineProperty: define, deleteProperty } = Reflect
export const { isArray } = Array
export const { trunc, min, max } = Math
export const NativeTypeError = TypeError
export const NativeRangeError = RangeError

export type Method = (this: unknown, ...args: never[]) => unknown
export type Constructor = abstract new (...args: never[]) => unknown

export { MAX_ARGUMENTS, MAX_ARRAY, MAX_BUFFER, MAX_STRING } from '../limits.js'

const nativeBind = Function.prototype.bind as Method
const nativeCall = Function.prototype.call as Method

/** @returns the method as a function that takes `this` as its first argument */
export function uncurry<T, A extends unknown[], R>(
  method: (this: T, ...args: A) => R
): (self: T, ...args: A) => R {
  return apply(nativeBind, nativeCall, [method] as never[]) as (self: T, ...args: A) => R
}

/** @returns the native of that name, to be called with `this` as the first argument */
export function native<A extends unknown[], R>(
  owner: object,
  key: PropertyKey
): (self: unknown, ...args: A) => R {
  const found = getOwnPropertyDescriptor(owner, key)
  const method = (found?.value ?? found?.get) as ((this: unknown, ...args: A) => R) | undefined
  if (typeof method !== 'function') throw new NativeTypeError(`there is no builtin ${String(key)}`)
  return uncurry(method)
}

const isPrototypeless = (fn: object): boolean => getOwnPropertyDescriptor(fn, 'prototype') === undefined

/** Every function that was put in place of a native, with the native. */
const replaced = new WeakMap<object, object>()
const isReplacement = uncurry(WeakMap.prototype.has)

/** @returns whether this is a function of ours in a native's place */
export function isMetered(fn: object): boolean {
  return isReplacement(replaced, fn)
}

/** Marks a function of ours that has the native's name and length already, or shall have them. */
export function stand(own: object, inPlaceOf: object): void {
  for (const key of ['name', 'length']) {
    const known = getOwnPropertyDescriptor(inPlaceOf, key)
    if (known !== undefined) define(own, key, { ...known, configurable: true })
  }
  replaced.set(own, inPlaceOf)
}

/** Puts methods in place of the natives of the same keys. Methods in short form are no constructors, as natives are. */
export function replace(owner: object, methods: object): void {
  for (const key of ownKeys(methods)) {
    const before = getOwnPropertyDescriptor(owner, key)
    if (before === undefined) throw new NativeTypeError(`there is no builtin ${String(key)}`)
    const own = getOwnPropertyDescriptor(methods, key)
    const method: unknown = before.get === undefined ? own?.value : own?.get
    const inPlaceOf: unknown = before.get ?? before.value
    if (typeof method !== 'function' || !isPrototypeless(method)) {
      throw new NativeTypeError(`no method is given for ${String(key)}`)
    }
    stand(method, inPlaceOf as object)
    define(
      owner,
      key,
      (before.get === undefined
        ? { ...before, value: method }
        : { ...before, get: method }) as PropertyDescriptor
    )
  }
}

/** Lets the same function stand under another key too, as natives do. */
export function alias(owner: object, key: PropertyKey, from: PropertyKey, origin = owner): void {
  const source = getOwnPropertyDescriptor(origin, from)
  const before = getOwnPropertyDescriptor(owner, key)
  if (source === undefined || before === undefined) return
  define(owner, key, { ...before, value: source.value as unknown })
}

/** Puts a constructor of ours in a native's place: it takes over everything that the native has. */
export function replaceConstructor(own: object, native: Constructor): void {
  setPrototypeOf(own, getPrototypeOf(native))
  for (const key of ownKeys(native)) {
    const known = getOwnPropertyDescriptor(native, key)
    if (known !== undefined) define(own, key, known)
  }
  replaced.set(own, native)
  const prototype = (native as unknown as { prototype: object }).prototype
  const constructor = getOwnPropertyDescriptor(prototype, 'constructor')
  if (constructor !== undefined) define(prototype, 'constructor', { ...constructor, value: own })
}

/** Removes a property. @throws if it cannot be removed */
export function remove(owner: object, key: PropertyKey): void {
  if (!deleteProperty(owner, key)) throw new NativeTypeError(`${String(key)} cannot be removed`)
}

/** Sets an own property, as an array literal does: setters do not run. @throws TypeError if it cannot */
export function setOwn(target: object, key: PropertyKey, value: unknown): void {
  if (!define(target, key, { value, writable: true, enumerable: true, configurable: true })) {
    throw new NativeTypeError(`Cannot define property ${String(key)}, object is not extensible`)
  }
}

export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** Appends to an array of ours. Assigning behind its end is slow, since the prototypes are frozen. */
export const append = native<[unknown], number>(Array.prototype, 'push') as <T>(list: T[], value: T) => number

/** ToString: symbols throw. */
export function toText(value: unknown): string {
  return typeof value === 'string' ? value : `${value as string}`
}

/** ToPrimitive. */
export function toPrimitive(value: unknown, hint: 'number' | 'string' | 'default'): unknown {
  if (!isObject(value)) return value
  const exotic = (value as { [Symbol.toPrimitive]?: unknown })[Symbol.toPrimitive]
  if (exotic !== undefined && exotic !== null) {
    mustBeCallable(exotic)
    const primitive = apply(exotic, value, [hint] as never)
    if (!isObject(primitive)) return primitive
    throw new NativeTypeError('Cannot convert object to primitive value')
  }
  for (let i = 0; i < 2; i++) {
    const method = (value as Record<string, unknown>)[
      (i === 0) === (hint === 'string') ? 'toString' : 'valueOf'
    ]
    if (typeof method !== 'function') continue
    const primitive = apply(method as Method, value, [] as never)
    if (!isObject(primitive)) return primitive
  }
  throw new NativeTypeError('Cannot convert object to primitive value')
}

/** ToNumber, charging for long strings. */
export function toNumber(value: unknown): number {
  if (typeof value === 'number') return value
  const primitive = toPrimitive(value, 'number')
  if (typeof primitive === 'string' && primitive.length > 32) charge(primitive.length * 2)
  return +(primitive as number)
}

/** ToIntegerOrInfinity. */
export function toInteger(value: unknown): number {
  const number = typeof value === 'number' ? value : toNumber(value)
  return number !== number ? 0 : trunc(number) + 0
}

/** ToLength. */
export function toLength(value: unknown): number {
  const length = toInteger(value)
  return length > 0 ? min(length, Number.MAX_SAFE_INTEGER) : 0
}

/** ToIndex. @throws RangeError */
export function toIndex(value: unknown, what: string): number {
  const index = toInteger(value)
  if (index < 0 || index > 2 ** 53 - 1) throw new NativeRangeError(`Invalid ${what}`)
  return index
}

/** A start or end that counts from the end if it is negative, within [0, length]. */
export function toPosition(value: unknown, length: number, otherwise: number): number {
  if (value === undefined) return otherwise
  const position = toInteger(value)
  return position < 0 ? max(length + position, 0) : min(position, length)
}

const toNativeObject = Object as (value: unknown) => object

/** ToObject. */
export function toObject(value: unknown): object {
  if (value === undefined || value === null) {
    throw new NativeTypeError('Cannot convert undefined or null to object')
  }
  return toNativeObject(value)
}

/** LengthOfArrayLike. */
export function lengthOf(object: object): number {
  if (isArray(object)) return object.length
  return toLength((object as { length: unknown }).length)
}

/** ToPropertyKey, charging for the hash of long strings. */
export function toKey(value: unknown): PropertyKey {
  if (typeof value === 'symbol' || typeof value === 'number') return value
  const key = isObject(value)
    ? (ownKeys({ [value as unknown as string]: 0 })[0] as PropertyKey)
    : toText(value)
  if (typeof key === 'string') chargeText(key)
  return key
}

/** Charges for reading a string through, unless it is short. */
export function chargeText(text: string): void {
  if (text.length > SHORT) charge(text.length >>> 3)
}

/** Charges for a string that is about to be made. A unit may take two bytes. */
export function chargeString(length: number): void {
  if (length > MAX_STRING) limit(`a string of more than ${MAX_STRING} units`)
  charge(2 + (length >>> 3))
}

/** @throws the fault if a single builtin is about to make more than the longest array */
export function boundArray(length: number): void {
  if (length > MAX_ARRAY) limit(`an array of more than ${MAX_ARRAY} elements made at once`)
}

/** @throws the fault if a builtin is about to hand on more arguments than there may be */
export function boundArguments(length: number): void {
  if (length > MAX_ARGUMENTS) limit(`more than ${MAX_ARGUMENTS} arguments`)
}

/** How deep a builtin of ours weighs that calls back. */
export const CALLBACK = 8

/** Runs what may call the contract back, or one builtin from within another, one level deeper. */
export function deeper<T>(work: () => T): T {
  charge(10)
  const level = enter(CALLBACK)
  try {
    return work()
  } finally {
    leave(level)
  }
}

export function mustBeCallable(value: unknown): asserts value is Method {
  if (typeof value !== 'function') throw new NativeTypeError(`${shown(value)} is not a function`)
}

function shown(value: unknown): string {
  return typeof value === 'string' ? 'string' : isObject(value) ? 'object' : String(value)
}

/**
 * Goes through an iterable as a `for` loop does, closing its iterator if a visit throws. Not charged.
 * @param method  its Symbol.iterator, read already
 */
export function iterate(iterable: unknown, method: unknown, visit: (value: unknown) => void): void {
  mustBeCallable(method)
  const once = { [Symbol.iterator]: () => apply(method, iterable, [] as never) as Iterator<unknown> }
  for (const value of once as Iterable<unknown>) visit(value)
}

const NativeProxy = Proxy
const answer = { construct: (): object => answer }

/** @returns whether a value can be called with `new`, without calling it */
export function isConstructor(value: unknown): boolean {
  if (typeof value !== 'function') return false
  try {
    construct(new NativeProxy(value, answer), [] as never)
    return true
  } catch {
    return false
  }
}

/** @returns the arguments of a call in an array, charged */
export function listOf(args: IArguments): unknown[] {
  const list: unknown[] = []
  charge(args.length)
  for (let i = 0; i < args.length; i++) append(list, args[i])
  return list
}
