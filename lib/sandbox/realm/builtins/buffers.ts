// ArrayBuffer, DataView and the typed arrays: whole numbers only, and of a size that never changes.

import { charge, enter, leave, limit } from '../meter.js'
import type { ArrayLike } from './elements.js'
import { mergeSort } from './sort.js'
import * as to from './tools.js'

const NativeBuffer = ArrayBuffer
export const TypedArray = to.getPrototypeOf(Uint8Array) as unknown as to.Constructor & { prototype: object }
const T = TypedArray.prototype
const B = ArrayBuffer.prototype
const lengthOfView = to.native<[], number>(T, 'length')
const kindOf = to.native<[], string | undefined>(T, Symbol.toStringTag)
const byteLength = to.native<[], number>(B, 'byteLength')
const sliceBuffer = to.native<[number, number], ArrayBuffer>(B, 'slice')
const { isView } = ArrayBuffer

const KINDS = [Int8Array, Int16Array, Int32Array, Uint8Array, Uint8ClampedArray, Uint16Array, Uint32Array]

function chargeBuffer(bytes: number): void {
  if (bytes > to.MAX_BUFFER) limit(`a buffer of more than ${to.MAX_BUFFER} bytes`)
  charge(20 + bytes / 16)
}

/** @returns the length of a typed array @throws TypeError if it is none */
const sizeOf = (self: unknown): number => {
  if (!isTyped(self)) throw new to.NativeTypeError('this is not a typed array.')
  return lengthOfView(self)
}
const isTyped = (value: unknown): value is ArrayLike =>
  to.isObject(value) && isView(value) && kindOf(value) !== undefined

function isBuffer(value: unknown): boolean {
  try {
    byteLength(value)
    return true
  } catch {
    return false
  }
}

/** A constructor that bounds and charges for what it makes. */
function viewConstructor(native: (typeof KINDS)[number]): object {
  const size = native.BYTES_PER_ELEMENT
  const own = function (this: unknown, source?: unknown, offset?: unknown, length?: unknown): unknown {
    const target = new.target as unknown
    if (target === undefined) throw new to.NativeTypeError(`Constructor ${native.name} requires 'new'`)
    const make = (...args: unknown[]): ArrayLike => to.construct(native, args, target) as ArrayLike
    if (!to.isObject(source)) {
      const count = to.toIndex(source, 'typed array length: ' + String(source))
      chargeBuffer(count * size)
      return make(count)
    }
    if (isBuffer(source)) {
      charge(40)
      const from = to.toIndex(offset, 'offset')
      return make(source, from, length === undefined ? undefined : to.toIndex(length, 'typed array length'))
    }
    if (isTyped(source)) {
      const count = lengthOfView(source)
      chargeBuffer(count * size)
      charge(count)
      return make(source)
    }
    const values = valuesOf(source)
    chargeBuffer(values.length * size)
    return fill(make(values.length), values)
  }
  to.replaceConstructor(own, native)
  return own
}

/** The elements of an iterable, or else of an array-like. */
function valuesOf(source: object): unknown[] {
  const values: unknown[] = []
  to.deeper(() => {
    const method = (source as { [Symbol.iterator]?: unknown })[Symbol.iterator]
    if (method !== undefined && method !== null) {
      to.iterate(source, method, value => {
        charge(8)
        to.boundArray(values.length + 1)
        to.append(values, value)
      })
      return
    }
    const length = to.lengthOf(source)
    if (length > to.MAX_BUFFER) chargeBuffer(length)
    charge(length * 4)
    to.boundArray(length)
    for (let i = 0; i < length; i++) to.append(values, (source as ArrayLike)[i])
  })
  return values
}

function fill(view: ArrayLike, values: unknown[]): ArrayLike {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    view[i] = typeof value === 'number' ? value : to.toNumber(value)
  }
  return view
}

const numeric = (value: unknown): number | undefined => (value === undefined ? undefined : to.toNumber(value))

const callWith = to.apply as (fn: unknown, self: unknown, args: unknown[]) => unknown

/** Methods that the engine carries out, once what they are given has been converted and charged. */
const plain: [key: string, units: number, arity: number][] = [
  ['reverse', 1, 0],
  ['toReversed', 2, 0],
  ['copyWithin', 0.25, 3],
  ['slice', 1, 2],
  ['subarray', 0, 2]
]

function plainMethod(key: string, units: number, arity: number): object {
  const native = to.native<[], unknown>(T, key)
  return {
    [key](this: unknown, ...args: unknown[]) {
      const length = sizeOf(this)
      const given: unknown[] = [this]
      for (let i = 0; i < arity && i < args.length; i++) given[i + 1] = numeric(args[i])
      return to.deeper(() => {
        charge(30 + length * units)
        return callWith(native, undefined, given)
      })
    }
  }
}

/** Methods that call the contract back for each element. */
const calling =
  'every filter find findIndex findLast findLastIndex forEach map reduce reduceRight some'.split(' ')

function callingMethod(key: string): object {
  const native = to.native<[], unknown>(T, key)
  return {
    [key](this: unknown, ...args: unknown[]) {
      charge(30 + sizeOf(this) * 4)
      return to.deeper(() => callWith(native, undefined, [this, ...args]))
    }
  }
}

const at = to.native<[number], unknown>(T, 'at')
const fillNative = to.native<[number, number?, number?], unknown>(T, 'fill')
const join = to.native<[string], string>(T, 'join')
const setNative = to.native<[unknown, number], void>(T, 'set')
const withNative = to.native<[number, number], unknown>(T, 'with')
const toReversed = to.native<[], ArrayLike>(T, 'toReversed')
const reverse = to.native<[], ArrayLike>(T, 'reverse')
const natives = {
  includes: to.native<[unknown, number?], unknown>(T, 'includes'),
  indexOf: to.native<[unknown, number?], unknown>(T, 'indexOf'),
  lastIndexOf: to.native<[unknown, number?], unknown>(T, 'lastIndexOf')
}
const sortNative = to.native<[], unknown>(T, 'sort')

function joined(self: unknown, separator: unknown): string {
  const length = sizeOf(self)
  const mark = separator === undefined ? ',' : to.toText(separator)
  charge(length * 4)
  to.chargeString(length * (mark.length + 1))
  return join(self, mark)
}

/** Sorts the values of a view that nobody else sees, or of the contract's own. */
function sortInto(view: ArrayLike, length: number, comparator: unknown): void {
  charge(length * 8)
  if (comparator === undefined) {
    sortNative(view)
    return
  }
  const values: number[] = []
  for (let i = 0; i < length; i++) to.append(values, view[i] as number)
  to.deeper(() =>
    mergeSort(values, length, (left, right) => {
      charge(4)
      return to.toNumber(to.apply(comparator as to.Method, undefined, [left, right] as never)) > 0
    })
  )
  for (let i = 0; i < length; i++) view[i] = values[i]
}

const methods = {
  at(this: unknown, index?: unknown) {
    if (typeof index === 'number') return at(this, index)
    sizeOf(this)
    return at(this, to.toNumber(index))
  },
  fill(this: unknown, value?: unknown, start?: unknown, end?: unknown) {
    charge(4 + sizeOf(this) / 8)
    const number = to.toNumber(value)
    const from = numeric(start)
    return fillNative(this, number, from, numeric(end))
  },
  includes(this: unknown, sought?: unknown, from?: unknown) {
    charge(2 + sizeOf(this) / 2)
    return natives.includes(this, sought, numeric(from))
  },
  indexOf(this: unknown, sought?: unknown, from?: unknown) {
    charge(2 + sizeOf(this) / 2)
    return natives.indexOf(this, sought, numeric(from))
  },
  lastIndexOf(this: unknown, sought?: unknown, from?: unknown) {
    charge(2 + sizeOf(this) / 2)
    return arguments.length < 2
      ? natives.lastIndexOf(this, sought)
      : natives.lastIndexOf(this, sought, to.toNumber(from))
  },
  join(this: unknown, separator?: unknown) {
    return joined(this, separator)
  },
  set(this: unknown, source?: unknown, offset?: unknown) {
    sizeOf(this)
    const position = to.toInteger(offset)
    if (position < 0) throw new to.NativeRangeError('offset is out of bounds')
    if (isTyped(source)) {
      charge(4 + lengthOfView(source))
      return setNative(this, source, position)
    }
    return to.deeper(() => {
      const object = to.toObject(source)
      const length = to.lengthOf(object)
      if (length + position > sizeOf(this)) throw new to.NativeRangeError('offset is out of bounds')
      charge(length * 4)
      for (let i = 0; i < length; i++) {
        ;(this as ArrayLike)[position + i] = to.toNumber((object as ArrayLike)[i])
      }
    })
  },
  sort(this: unknown, comparator?: unknown) {
    if (comparator !== undefined) to.mustBeCallable(comparator)
    sortInto(this as ArrayLike, sizeOf(this), comparator)
    return this
  },
  toSorted(this: unknown, comparator?: unknown) {
    if (comparator !== undefined) to.mustBeCallable(comparator)
    const length = sizeOf(this)
    charge(30 + length)
    const copy = reverse(toReversed(this))
    sortInto(copy, length, comparator)
    return copy
  },
  with(this: unknown, index?: unknown, value?: unknown) {
    charge(30 + sizeOf(this) / 2)
    const position = to.toInteger(index)
    return withNative(this, position, to.toNumber(value))
  }
}

const statics = {
  of(this: unknown, ...items: unknown[]) {
    charge(30 + items.length * 2)
    return fill(make(this, items.length), items)
  },
  from(this: unknown, source?: unknown, mapper?: unknown, thisArg?: unknown) {
    if (!to.isConstructor(this)) throw new to.NativeTypeError('this is not a constructor')
    if (mapper !== undefined) to.mustBeCallable(mapper)
    const values = valuesOf(to.toObject(source))
    const level = enter(to.CALLBACK)
    try {
      const view = make(this, values.length)
      for (let i = 0; i < values.length; i++) {
        const value = mapper === undefined ? values[i] : to.apply(mapper, thisArg, [values[i], i] as never)
        view[i] = typeof value === 'number' ? value : to.toNumber(value)
      }
      return view
    } finally {
      leave(level)
    }
  }
}

/** TypedArrayCreate. */
function make(constructor: unknown, length: number): ArrayLike {
  if (!to.isConstructor(constructor)) throw new to.NativeTypeError('this is not a constructor')
  const view = to.construct(constructor, [length] as never) as ArrayLike
  if (sizeOf(view) < length)
    throw new to.NativeTypeError('Derived TypedArray constructor created an array which was too small')
  return view
}

const bufferMethods = {
  slice(this: unknown, start?: unknown, end?: unknown) {
    const length = byteLength(this)
    const from = to.toPosition(start, length, 0)
    const until = to.toPosition(end, length, length)
    return to.deeper(() => {
      chargeBuffer(to.max(until - from, 0))
      return sliceBuffer(this, from, until)
    })
  }
}

const NativeView = DataView
const V = DataView.prototype
const viewBytes = to.native<[], number>(V, 'byteLength')
const ACCESSORS = ['Int8', 'Int16', 'Int32', 'Uint8', 'Uint16', 'Uint32']

function accessors(kind: string): object {
  const get = to.native<[number, boolean], number>(V, 'get' + kind)
  const set = to.native<[number, number, boolean], void>(V, 'set' + kind)
  return {
    ['get' + kind](this: unknown, offset?: unknown, little?: unknown) {
      if (typeof offset === 'number') return get(this, offset, Boolean(little))
      viewBytes(this) // throws if it is none
      return get(this, to.toIndex(offset, 'offset'), Boolean(little))
    },
    ['set' + kind](this: unknown, offset?: unknown, value?: unknown, little?: unknown) {
      if (typeof offset === 'number' && typeof value === 'number')
        return set(this, offset, value, Boolean(little))
      viewBytes(this)
      const position = to.toIndex(offset, 'offset')
      set(this, position, to.toNumber(value), Boolean(little))
    }
  }
}

export function installBuffers(): void {
  const OurBuffer = function ArrayBuffer(length?: unknown): unknown {
    const target = new.target as unknown
    if (target === undefined) throw new to.NativeTypeError("Constructor ArrayBuffer requires 'new'")
    const bytes = to.toIndex(length, 'array buffer length')
    chargeBuffer(bytes)
    return to.construct(NativeBuffer, [bytes], target)
  }
  const OurView = function DataView(buffer?: unknown, offset?: unknown, length?: unknown): unknown {
    const target = new.target as unknown
    if (target === undefined) throw new to.NativeTypeError("Constructor DataView requires 'new'")
    charge(20)
    const from = isBuffer(buffer) ? to.toIndex(offset, 'offset') : 0
    const size = length === undefined ? undefined : to.toIndex(length, 'DataView length')
    return to.construct(NativeView, [buffer, from, size] as never, target)
  }
  to.replaceConstructor(OurBuffer, NativeBuffer)
  to.replaceConstructor(OurView, NativeView)
  to.replace(B, bufferMethods)
  for (const kind of ACCESSORS) to.replace(V, accessors(kind))
  for (const [key, units, arity] of plain) to.replace(T, plainMethod(key, units, arity))
  for (const key of calling) to.replace(T, callingMethod(key))
  to.replace(T, methods)
  to.replace(TypedArray, statics)
  for (const native of KINDS) viewConstructor(native)
}
