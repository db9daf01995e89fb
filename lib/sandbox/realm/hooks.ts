// What the code that the transform adds calls: `$$h`. The names are those that it uses (see ../meter.ts), short because
// they stand in every contract many times.

import { MAX_ARGUMENTS, MAX_PROTOTYPES, MAX_STRING, SHORT } from './limits.js'
import { untrace } from './line.js'
import { begin, caught, charge, exhausted, limit, tooDeep, type Counters } from './meter.js'

/** An object may have room for so many numbers that are not there, before it keeps them in a table. */
const MAX_GAP = 1024

/** Objects of so many numbers have room only for those that are there, about. */
const DENSE = 8192

/** From here on V8 keeps an array's elements in a table, which takes no memory for those that are not there. */
const SPARSE = 2 ** 25

/** Text from here on is copied into memory that is new each time. */
const LARGE = 2 ** 20

const { isArray } = Array
const { keys, getPrototypeOf, hasOwn, prototype: ObjectPrototype } = Object
const isView = (value: unknown) => ArrayBuffer.isView(value)
const ownKeys = (value: object) => Reflect.ownKeys(value)
const { iterator } = Symbol
const NativeError = Error
const NativePromise = Promise
const PromisePrototype = Promise.prototype
const ArrayPrototype = Array.prototype

export interface Hooks {
  gas: number
  bind(counters: Counters): void
}

/** The builtins that syntax stands for. */
export interface Builtins {
  RegExp: new (pattern: string, flags: string) => object
  pow: (base: number, exponent: number) => number
}

/** @returns makes the hooks for an instance of a contract; they are good for the next instance only */
export function hooksWith({ RegExp, pow }: Builtins): (gas: number) => Hooks {
  const hooks = {
    gas: 0,
    bind: begin,
    /** Stops: out of gas, or else too deep. */
    t(spent: boolean): never {
      if (spent) exhausted()
      tooDeep()
    },
    /** Looks at what was caught. */
    c(error: unknown): void {
      caught(error)
      if (isObject(error) && error instanceof NativeError) untrace(error)
    },
    /**
     * What is awaited: `await` must do nothing more with it than wait. For other objects than plain promises it would look
     * at `constructor`, and what is thrown there would come before the function has paused.
     */
    a(value: unknown): unknown {
      if (!isObject(value)) return value
      if (getPrototypeOf(value) === PromisePrototype && !hasOwn(value, 'constructor')) return value
      return new NativePromise(resolve => resolve(value))
    },
    /** The result of a + or of a template. */
    p<T>(value: T): T {
      if (typeof value === 'string' && value.length > SHORT) joined(-1, value.length)
      return value
    },
    /** The same, beginning with the value of a variable. */
    j<T>(first: unknown, value: T): T {
      if (typeof value === 'string' && value.length > SHORT) {
        joined(typeof first === 'string' ? first.length : -1, value.length)
      }
      return value
    },
    /** What will be compared, so often. */
    q<T>(value: T, times: number): T {
      if (typeof value === 'string' && value.length > SHORT) charge((value.length >> 5) * times)
      return value
    },
    /** What is spread into an array. */
    l: spreadable,
    /** What is spread into an object, or has its properties taken from it. */
    o<T>(value: T): T {
      chargeKeys(value, 8)
      return value
    },
    /** What is spread into arguments. */
    n(value: unknown): unknown {
      const list = spreadable(value)
      if (list.length > MAX_ARGUMENTS) limit(`more than ${MAX_ARGUMENTS} arguments`)
      charge(list.length)
      return list
    },
    /** What has been collected by `...name`. */
    w(value: unknown): void {
      if (isArray(value)) charge(value.length)
      else chargeKeys(value, 8)
    },
    /** The value of an assignment that has collected something by `...name`. */
    z<T>(value: T, ...rests: unknown[]): T {
      for (const rest of rests) hooks.w(rest)
      return value
    },
    /** The object of a for-in loop. */
    k<T>(value: T): T {
      let at: unknown = value
      for (let level = 0; isObject(at) && at !== ObjectPrototype && level <= MAX_PROTOTYPES; level++) {
        charge(8)
        chargeKeys(at, 8)
        at = getPrototypeOf(at)
      }
      if (!isObject(value)) chargeKeys(value, 8)
      return value
    },
    /** The key of what is assigned to. */
    i(key: unknown, object: unknown): unknown {
      if (typeof key === 'number' && (key < 16 || (isArray(object) && key <= object.length))) return key
      return keyOf(key, object)
    },
    /** The key of a property in a literal object. */
    m(key: unknown): unknown {
      const name = propertyKey(key)
      if (typeof name !== 'symbol' && +(name as string) >= 16) charge(gap(+(name as string)))
      return name
    },
    /** The key of a field. */
    f(key: unknown): unknown {
      const name = propertyKey(key)
      if (typeof name !== 'symbol' && +(name as string) >= 16) limit('a field whose name is a number')
      return name
    },
    /** What becomes a prototype. */
    u<T>(value: T): T {
      let at: unknown = value
      for (let level = 1; isObject(at); level++) {
        if (level > MAX_PROTOTYPES) limit(`a chain of more than ${MAX_PROTOTYPES} prototypes`)
        at = getPrototypeOf(at)
      }
      return value
    },
    /** What becomes the length of an object. */
    len<T>(object: unknown, value: T): T {
      if (isArray(object)) resized(object, Number(value))
      return value
    },
    /** The object whose length is counted up or down. */
    sh<T>(object: T): T {
      if (isArray(object)) resized(object, object.length - 1)
      return object
    },
    /** base ** exponent */
    pow(base: unknown, exponent: unknown): number {
      charge(POW)
      return pow(+(hooks.q(base, 32) as number), +(hooks.q(exponent, 32) as number))
    },
    /** A literal regular expression. */
    re(pattern: string, flags: string): object {
      return new RegExp(pattern, flags)
    }
  }
  return gas => {
    hooks.gas = gas
    last = -1
    return hooks
  }
}

const POW = 50

let last = -1

// What is joined is copied when it is looked at, all of it: that is the price. Text that grows piece by piece is mostly
// copied once in the end, so what was paid for the last time costs little more; a contract may look at it each time.
function joined(first: number, length: number): void {
  if (length > MAX_STRING) limit(`a string of more than ${MAX_STRING} characters`)
  const again = length < LARGE ? length >> 10 : length >> 8
  charge(4 + (first === last ? ((length - first) >> 3) + again : length >> 3))
  last = length
}

// the same items in an array that is walked without any code of the contract's, and was paid for
function spreadable(value: unknown): unknown[] {
  if (isArray(value) && getPrototypeOf(value) === ArrayPrototype && !hasOwn(value, iterator)) {
    charge(value.length)
    return value
  }
  const items: unknown[] = []
  for (const item of value as Iterable<unknown>) {
    charge(2)
    items[items.length] = item
  }
  return items
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' ? value !== null : typeof value === 'function'
}

// what is listed is long before it is listed: text and arrays
function chargeKeys(value: unknown, price: number): void {
  if (typeof value === 'string') return charge(value.length * price)
  if (!isObject(value)) return
  const known = isArray(value) || isView(value) || isText(value) ? (value as ArrayLike<unknown>).length : 0
  charge((known >> 0) * price)
  charge(keys(value).length * price)
}

// an object around a string: its length cannot be changed
function isText(value: object): boolean {
  const length = Object.getOwnPropertyDescriptor(value, 'length')
  return length !== undefined && !length.writable && !length.configurable && typeof length.value === 'number'
}

function propertyKey(key: unknown): unknown {
  return isObject(key) ? ownKeys({ [key as unknown as string]: 0 })[0] : key
}

function keyOf(key: unknown, object: unknown): unknown {
  if (object === null || object === undefined) return key // the engine says so
  const name = propertyKey(key)
  if (typeof name === 'string') {
    if (name === 'length' && isArray(object)) limit('length is assigned to as array.length = n')
    if (name === 'prototype' && typeof object === 'function')
      limit('prototype is assigned to as f.prototype = o')
    if (name.length > SHORT) charge(name.length >> 4)
  } else if (typeof name !== 'number') return name
  const index = +name
  if (!(index >= 16) || !isObject(object) || isView(object)) return name
  if (isArray(object)) {
    if (index > object.length) charge(gap(index - object.length))
  } else if (
    index < DENSE &&
    !(hasOwn(object, index) || hasOwn(object, index - 1) || hasOwn(object, index + 1))
  ) {
    charge(gap(index))
  }
  return name
}

// the room that is made
function gap(size: number): number {
  return (size < MAX_GAP ? size : MAX_GAP) >> 1
}

// a table is gone through whenever it gets shorter
function resized({ length }: unknown[], to: number): void {
  if (to > length && to < SPARSE) charge((to - length) >> 1)
  else if (to < length) charge(length >> 4)
}
