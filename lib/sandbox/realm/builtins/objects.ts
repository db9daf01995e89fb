// Object, Reflect and what all objects inherit: charged by the number of properties, and by the length of their names.

import { charge, enter, leave, limit } from '../meter.js'
import type { ArrayLike } from './elements.js'
import { MAX_PROTOTYPES } from '../limits.js'
import * as to from './tools.js'

type Of<R> = (object: unknown) => R
const O = Object
const P = Object.prototype
const keys: Of<string[]> = O.keys as Of<string[]>
const { ownKeys } = to
const define = Reflect.defineProperty
const defineOrThrow = O.defineProperty
const { getOwnPropertyDescriptor: descriptorOf, getPrototypeOf } = O
const create = O.create as (prototype: object | null) => object
const setPrototypeOf = O.setPrototypeOf as (object: unknown, prototype: unknown) => unknown
const hasOwn = O.hasOwn as (object: unknown, key: PropertyKey) => boolean
const isEnumerable = to.native<[PropertyKey], boolean>(P, 'propertyIsEnumerable')
const isPrototypeOf = to.native<[unknown], boolean>(P, 'isPrototypeOf')
const objectToString = to.native<[], string>(P, 'toString')
const {
  freeze,
  seal,
  preventExtensions,
  isFrozen,
  isSealed,
  getOwnPropertyNames,
  getOwnPropertySymbols,
  is
} = O
const R = {
  get: Reflect.get,
  set: Reflect.set,
  has: Reflect.has,
  deleteProperty: Reflect.deleteProperty,
  preventExtensions: Reflect.preventExtensions,
  setPrototypeOf: Reflect.setPrototypeOf
}

/** What a prototype costs, and each one behind it if the object exists already: others may be behind it. */
const PROTOTYPE = 200
const MOVED = 2500

/** Charges for a prototype by how many there are behind it. */
export function chargePrototype(prototype: unknown, units: number): void {
  let depth = 1
  for (let at = prototype; to.isObject(at); at = getPrototypeOf(at) as unknown) depth++
  charge(PROTOTYPE + depth * units)
  if (depth > MAX_PROTOTYPES) limit(`a chain of more than ${MAX_PROTOTYPES} prototypes`)
}
/** What a property costs to be listed, copied or defined. */
const LISTED = 4
const COPIED = 12

/** The keys of an object, charged. How many there are is known by listing them. */
function listed<K extends PropertyKey>(list: K[], units: number): K[] {
  charge(10 + list.length * units)
  return list
}

/** Before a listing: the elements of arrays and strings are many, and known. */
function before(value: unknown, units: number): void {
  if (to.isArray(value) || typeof value === 'string') charge(value.length * units)
  else if (to.isObject(value)) charge(sizeOfView(value) * units)
}

const viewLength = to.native<[], number>(Object.getPrototypeOf(Uint8Array.prototype) as object, 'length')
const isView = ArrayBuffer.isView
const isDataView = to.native<[], string | undefined>(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag
)

function sizeOfView(value: object): number {
  return isView(value) && isDataView(value) !== undefined ? viewLength(value) : 0
}

/** Takes keys, values or pairs of an object's own enumerable properties. */
function enumerate(value: unknown, pick: (key: string, object: object) => unknown): unknown[] {
  const object = to.toObject(value)
  before(value, COPIED)
  const names = listed(ownKeys(object), COPIED)
  const picked: unknown[] = []
  for (let i = 0; i < names.length; i++) {
    const name = names[i]
    if (typeof name === 'string' && isEnumerable(object, name)) to.append(picked, pick(name, object))
  }
  return picked
}

function describe(object: object, properties: unknown): void {
  const source = to.toObject(properties)
  before(properties, COPIED)
  const names = listed(ownKeys(source), COPIED * 4)
  const described: [PropertyKey, PropertyDescriptor][] = []
  for (let i = 0; i < names.length; i++) {
    const name = names[i]
    if (!isEnumerable(source, name)) continue
    to.append(described, [name, toDescriptor((source as Record<PropertyKey, unknown>)[name])])
  }
  for (let i = 0; i < described.length; i++) {
    const [name, descriptor] = described[i]
    defineOrThrow(object, name, descriptor)
  }
}

/** ToPropertyDescriptor, into one without prototype. */
function toDescriptor(value: unknown): PropertyDescriptor {
  if (!to.isObject(value)) throw new to.NativeTypeError('Property description must be an object')
  const given = value as Record<string, unknown>
  const descriptor = create(null) as Record<string, unknown>
  if ('enumerable' in given) descriptor.enumerable = Boolean(given.enumerable)
  if ('configurable' in given) descriptor.configurable = Boolean(given.configurable)
  if ('value' in given) descriptor.value = given.value
  if ('writable' in given) descriptor.writable = Boolean(given.writable)
  for (const key of ['get', 'set']) {
    if (!(key in given)) continue
    const accessor = given[key]
    if (accessor !== undefined) to.mustBeCallable(accessor)
    descriptor[key] = accessor
  }
  return descriptor
}

/** Freezing and its like go through all properties. */
function chargeWhole(value: unknown): void {
  if (!to.isObject(value)) return
  before(value, COPIED)
  listed(ownKeys(value), COPIED)
}

function mustBeObject(value: unknown, method: string): asserts value is object {
  if (!to.isObject(value)) throw new to.NativeTypeError(`${method} called on non-object`)
}

/** The length of an array, set below its value, deletes elements. */
function chargeLength(target: unknown, key: PropertyKey): void {
  if (key === 'length' && to.isArray(target)) charge(target.length >>> 2)
}

const objectStatics = {
  assign(this: unknown, target?: unknown, ...sources: unknown[]) {
    const into = to.toObject(target) as Record<PropertyKey, unknown>
    for (let i = 0; i < sources.length; i++) {
      const value = sources[i]
      if (value === undefined || value === null) continue
      const source = to.toObject(value) as Record<PropertyKey, unknown>
      before(value, COPIED * 2)
      const names = listed(ownKeys(source), COPIED * 2)
      for (let k = 0; k < names.length; k++) {
        const name = names[k]
        if (isEnumerable(source, name)) into[name] = source[name]
      }
    }
    return into
  },
  create(this: unknown, prototype?: unknown, properties?: unknown) {
    chargePrototype(prototype, 1)
    if (prototype !== null) mustBeObject(prototype, 'Object.create')
    const object = create(prototype)
    if (properties !== undefined) describe(object, properties)
    return object
  },
  defineProperties(this: unknown, object?: unknown, properties?: unknown) {
    mustBeObject(object, 'Object.defineProperties')
    describe(object, properties)
    return object
  },
  defineProperty(this: unknown, object?: unknown, key?: unknown, descriptor?: unknown) {
    mustBeObject(object, 'Object.defineProperty')
    charge(60)
    const name = to.toKey(key)
    const described = toDescriptor(descriptor)
    chargeLength(object, name)
    return defineOrThrow(object, name, described)
  },
  entries(this: unknown, object?: unknown) {
    charge(10)
    return enumerate(object, (key, source) => [key, (source as Record<string, unknown>)[key]])
  },
  values(this: unknown, object?: unknown) {
    return enumerate(object, (key, source) => (source as Record<string, unknown>)[key])
  },
  keys(this: unknown, object?: unknown) {
    before(object, LISTED * 2)
    return listed(keys(object), LISTED * 2)
  },
  freeze(this: unknown, object?: unknown) {
    chargeWhole(object)
    return freeze(object)
  },
  seal(this: unknown, object?: unknown) {
    chargeWhole(object)
    return seal(object)
  },
  preventExtensions(this: unknown, object?: unknown) {
    chargeWhole(object)
    return preventExtensions(object)
  },
  isFrozen(this: unknown, object?: unknown) {
    chargeWhole(object)
    return isFrozen(object)
  },
  isSealed(this: unknown, object?: unknown) {
    chargeWhole(object)
    return isSealed(object)
  },
  fromEntries(this: unknown, entries?: unknown) {
    if (entries === undefined || entries === null) throw new to.NativeTypeError('undefined is not iterable')
    const object = {}
    const level = enter(to.CALLBACK)
    try {
      to.iterate(entries, (entries as { [Symbol.iterator]?: unknown })[Symbol.iterator], entry => {
        charge(COPIED * 2)
        if (!to.isObject(entry)) throw new to.NativeTypeError('Iterator value is not an entry object')
        const [key, value] = [(entry as ArrayLike)[0], (entry as ArrayLike)[1]]
        to.setOwn(object, to.toKey(key), value)
      })
    } finally {
      leave(level)
    }
    return object
  },
  getOwnPropertyDescriptor(this: unknown, object?: unknown, key?: unknown) {
    charge(20)
    const target = to.toObject(object)
    return descriptorOf(target, to.toKey(key))
  },
  getOwnPropertyDescriptors(this: unknown, object?: unknown) {
    const source = to.toObject(object)
    before(object, COPIED * 4)
    const names = listed(ownKeys(source), COPIED * 4)
    const described = {}
    for (let i = 0; i < names.length; i++) {
      const descriptor = descriptorOf(source, names[i])
      if (descriptor !== undefined) to.setOwn(described, names[i], descriptor)
    }
    return described
  },
  getOwnPropertyNames(this: unknown, object?: unknown) {
    before(object, LISTED * 2)
    return listed(getOwnPropertyNames(object), LISTED * 2)
  },
  getOwnPropertySymbols(this: unknown, object?: unknown) {
    before(object, LISTED)
    if (to.isObject(object)) listed(ownKeys(object), LISTED)
    return listed(getOwnPropertySymbols(object), LISTED)
  },
  hasOwn(this: unknown, object?: unknown, key?: unknown) {
    const target = to.toObject(object)
    return hasOwn(target, to.toKey(key))
  },
  setPrototypeOf(this: unknown, object?: unknown, prototype?: unknown) {
    chargePrototype(prototype, MOVED)
    return setPrototypeOf(object, prototype)
  },
  is(this: unknown, left?: unknown, right?: unknown) {
    if (typeof left === 'string') to.chargeText(left)
    return is(left, right)
  }
}

const prototypeMethods = {
  hasOwnProperty(this: unknown, key?: unknown) {
    const name = to.toKey(key)
    return hasOwn(to.toObject(this), name)
  },
  propertyIsEnumerable(this: unknown, key?: unknown) {
    const name = to.toKey(key)
    return isEnumerable(to.toObject(this), name)
  },
  isPrototypeOf(this: unknown, object?: unknown) {
    charge(4)
    return isPrototypeOf(this, object)
  },
  toString(this: unknown) {
    charge(4)
    return objectToString(this)
  },
  toLocaleString(this: unknown) {
    return to.deeper(() => {
      const method = to.toObject(this).toString as unknown
      to.mustBeCallable(method)
      return to.apply(method, this, [] as never)
    })
  }
}

const reflect = {
  apply(this: unknown, fn?: unknown, self?: unknown, list?: unknown) {
    to.mustBeCallable(fn)
    const args = argumentsOf(list)
    return to.deeper(() => to.apply(fn, self, args as never))
  },
  construct(this: unknown, fn?: unknown, list?: unknown, target?: unknown) {
    const made = arguments.length > 2 ? target : fn
    if (!to.isConstructor(fn) || !to.isConstructor(made)) throw new to.NativeTypeError('not a constructor')
    const args = argumentsOf(list)
    return to.deeper(() => to.construct(fn as never, args as never, made as never))
  },
  defineProperty(this: unknown, object?: unknown, key?: unknown, descriptor?: unknown) {
    mustBeObject(object, 'Reflect.defineProperty')
    charge(60)
    const name = to.toKey(key)
    const described = toDescriptor(descriptor)
    chargeLength(object, name)
    return define(object, name, described)
  },
  deleteProperty(this: unknown, object?: unknown, key?: unknown) {
    mustBeObject(object, 'Reflect.deleteProperty')
    charge(20)
    return R.deleteProperty(object, to.toKey(key))
  },
  get(this: unknown, object?: unknown, key?: unknown, receiver?: unknown) {
    mustBeObject(object, 'Reflect.get')
    const given = arguments.length > 2
    const name = to.toKey(key)
    return to.deeper(() => (given ? R.get(object, name, receiver) : R.get(object, name)) as unknown)
  },
  set(this: unknown, object?: unknown, key?: unknown, value?: unknown, receiver?: unknown) {
    mustBeObject(object, 'Reflect.set')
    const given = arguments.length > 3
    const name = to.toKey(key)
    chargeLength(given ? receiver : object, name)
    return to.deeper(() => (given ? R.set(object, name, value, receiver) : R.set(object, name, value)))
  },
  getOwnPropertyDescriptor(this: unknown, object?: unknown, key?: unknown) {
    mustBeObject(object, 'Reflect.getOwnPropertyDescriptor')
    charge(20)
    return descriptorOf(object, to.toKey(key))
  },
  has(this: unknown, object?: unknown, key?: unknown) {
    mustBeObject(object, 'Reflect.has')
    return R.has(object, to.toKey(key))
  },
  ownKeys(this: unknown, object?: unknown) {
    mustBeObject(object, 'Reflect.ownKeys')
    before(object, LISTED * 2)
    return listed(ownKeys(object), LISTED * 2)
  },
  preventExtensions(this: unknown, object?: unknown) {
    mustBeObject(object, 'Reflect.preventExtensions')
    chargeWhole(object)
    return R.preventExtensions(object)
  },
  setPrototypeOf(this: unknown, object?: unknown, prototype?: unknown) {
    mustBeObject(object, 'Reflect.setPrototypeOf')
    chargePrototype(prototype, MOVED)
    return R.setPrototypeOf(object, prototype as object | null)
  }
}

/** CreateListFromArrayLike, with a bound. */
export function argumentsOf(list: unknown): unknown[] {
  if (!to.isObject(list)) throw new to.NativeTypeError('CreateListFromArrayLike called on non-object')
  const length = to.isArray(list) ? list.length : to.deeper(() => to.lengthOf(list))
  charge(length * 2)
  to.boundArguments(length)
  const args: unknown[] = []
  for (let i = 0; i < length; i++) to.append(args, (list as ArrayLike)[i])
  return args
}

export function installObjects(): void {
  to.replace(Object, objectStatics)
  to.replace(P, prototypeMethods)
  to.replace(Reflect, reflect)
}
