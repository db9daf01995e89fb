// What the builtins of arrays share: how an array-like is read and written, and how the array of a result is made.

import { charge } from '../meter.js'
import * as to from './tools.js'

export type ArrayLike = Record<number, unknown> & { length: unknown }

let OurArray: unknown = Array

/** Sets the constructor that stands in the place of Array. */
export function useArray(given: unknown): void {
  OurArray = given
}

let made: object | null = null

/** @returns whether the list just made is a fresh array: its elements are set by assignment, there being no setters */
export function isPlain(list: object): boolean {
  return list === made
}

/** ArraySpeciesCreate. */
export function createLike(original: object, length: number): ArrayLike {
  if (!to.isArray(original)) return createArray(length)
  let constructor: unknown = (original as { constructor: unknown }).constructor
  if (constructor === OurArray) return createArray(length)
  if (to.isObject(constructor)) {
    constructor = (constructor as { [Symbol.species]?: unknown })[Symbol.species]
    if (constructor === null) constructor = undefined
  }
  if (constructor === undefined || constructor === OurArray) return createArray(length)
  if (typeof constructor !== 'function') throw new to.NativeTypeError('object is not a constructor')
  return to.construct(constructor, [length] as never) as ArrayLike
}

function createArray(length: number): ArrayLike {
  if (length > 2 ** 32 - 1) throw new to.NativeRangeError('Invalid array length')
  const list = [] as unknown as ArrayLike
  made = list
  return list
}

/** @returns what the constructor makes, an array if it is none */
export function makeWith(constructor: unknown, ...lengths: number[]): ArrayLike {
  if (constructor === OurArray || !to.isConstructor(constructor)) return createArray(0)
  return to.construct(constructor, lengths) as ArrayLike
}

/** CreateDataPropertyOrThrow on what `createLike` has made. */
export function put(list: ArrayLike, plain: boolean, index: number, value: unknown): void {
  if (!plain) return to.setOwn(list, index, value)
  // the elements come in their order. Appending is much faster than assigning, since the prototypes are frozen
  if (list.length !== index) list.length = index
  to.append(list as unknown as unknown[], value)
}

/** Set with throwing, as code in strict mode does. */
export function set(object: object, key: PropertyKey, value: unknown): void {
  ;(object as Record<PropertyKey, unknown>)[key] = value
}

/** DeletePropertyOrThrow. */
export function drop(object: object, key: PropertyKey): void {
  delete (object as Record<PropertyKey, unknown>)[key] // throws in strict mode if it cannot
}

/** Moves an element within an object, or the hole that is there. */
export function move(object: object, from: number, target: number): void {
  if (from in object) set(object, target, (object as ArrayLike)[from])
  else drop(object, target)
}

/** Charges for going through an array-like, whose length was read before. */
export function chargeElements(length: number): void {
  charge(2 + length)
}

/** The function that compares strings by reading them is charged for the longer ones. */
export function chargeEqual(value: unknown, other: unknown): void {
  if (typeof value === 'string' && value.length > 64 && typeof other === 'string') {
    if (value.length === other.length) charge(value.length >>> 4)
  }
}
