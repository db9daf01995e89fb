// Array: the methods that call the contract back, and those that go down into what they contain.

import { charge, enter, leave } from '../meter.js'
import { copyOf } from './arrays.js'
import * as el from './elements.js'
import type { ArrayLike } from './elements.js'
import { mergeSort } from './sort.js'
import * as to from './tools.js'

type Test = (this: unknown, value: unknown, index: number, object: object) => unknown

const A = Array.prototype
const objectToString = to.native<[], string>(Object.prototype, 'toString')

/** What each of them does first. */
function prepare(self: unknown): { object: ArrayLike; length: number } {
  const object = to.toObject(self) as ArrayLike
  const length = to.isArray(object) ? object.length : to.deeper(() => to.lengthOf(object))
  return { object, length }
}

/** Visits the elements from one index to another, holes only if asked, until the visitor returns true. */
function visit(
  self: unknown,
  callback: unknown,
  thisArg: unknown,
  way: { holes: boolean; down: boolean },
  visitor: (answer: unknown, index: number, value: unknown) => boolean
): void {
  const { object, length } = prepare(self)
  to.mustBeCallable(callback)
  run(object, length, callback, thisArg, way.holes, way.down, visitor)
}

function run(
  object: ArrayLike,
  length: number,
  callback: unknown,
  thisArg: unknown,
  holes: boolean,
  down: boolean,
  visitor: (answer: unknown, index: number, value: unknown) => boolean
): void {
  el.chargeElements(length * 2)
  const level = enter(to.CALLBACK)
  try {
    for (let i = 0; i < length; i++) {
      const index = down ? length - 1 - i : i
      if (!holes && !(index in object)) continue
      const value = object[index]
      const answer = to.apply(callback as Test, thisArg, [value, index, object])
      if (visitor(answer, index, value)) return
    }
  } finally {
    leave(level)
  }
}

const PRESENT = { holes: false, down: false }
const ALL = { holes: true, down: false }
const ALL_DOWN = { holes: true, down: true }

function search(self: unknown, callback: unknown, thisArg: unknown, way: typeof ALL): [number, unknown] {
  let found: [number, unknown] = [-1, undefined]
  visit(self, callback, thisArg, way, (answer, index, value) => {
    if (!answer) return false
    found = [index, value]
    return true
  })
  return found
}

function reduce(self: unknown, callback: unknown, initial: ArrayLike, down: boolean): unknown {
  const { object, length } = prepare(self)
  to.mustBeCallable(callback)
  el.chargeElements(length * 2)
  let started = (initial.length as number) > 1
  let result = initial[1]
  const level = enter(to.CALLBACK)
  try {
    for (let i = 0; i < length; i++) {
      const index = down ? length - 1 - i : i
      if (!(index in object)) continue
      const value = object[index]
      if (started) result = to.apply(callback, undefined, [result, value, index, object] as never)
      else {
        result = value
        started = true
      }
    }
  } finally {
    leave(level)
  }
  if (!started) throw new to.NativeTypeError('Reduce of empty array with no initial value')
  return result
}

/** Puts the elements of a list, and of the lists in it, into the target. @returns the new length */
function flatten(
  target: ArrayLike,
  plain: boolean,
  done: number,
  source: object,
  length: number,
  depth: number
): number {
  charge(4 + length * 2)
  const level = enter(2)
  try {
    for (let i = 0; i < length; i++) {
      if (!(i in source)) continue
      const value = (source as ArrayLike)[i]
      if (depth > 0 && to.isArray(value)) done = flatten(target, plain, done, value, value.length, depth - 1)
      else {
        to.boundArray(done + 1)
        el.put(target, plain, done++, value)
      }
    }
  } finally {
    leave(level)
  }
  return done
}

/** The lists that are being joined: one that contains itself stands for nothing there. */
let joining: object[] = []

/** Forgets what was being joined when a call was stopped. */
export function forgetJoins(): void {
  joining = []
}

function join(self: unknown, separator: unknown): string {
  const object = to.toObject(self)
  for (let i = 0; i < joining.length; i++) if (joining[i] === object) return ''
  charge(10 + joining.length)
  const level = enter(4)
  const outer = joining.length
  joining[outer] = object
  try {
    const length = to.lengthOf(object)
    const mark = separator === undefined ? ',' : to.toText(separator)
    charge(length * 6)
    let text = ''
    for (let i = 0; i < length; i++) {
      const value = (object as ArrayLike)[i]
      if (i > 0) text += mark
      if (value !== undefined && value !== null) text += to.toText(value)
      if (text.length > to.MAX_STRING) to.chargeString(text.length)
    }
    to.chargeString(text.length)
    return text
  } finally {
    joining.length = outer
    leave(level)
  }
}

/** A comparison as the default sort makes it: by the strings. */
interface Keyed {
  key: string
  value: unknown
}

const afterByKey = (left: Keyed, right: Keyed): boolean => {
  const shorter = to.min(left.key.length, right.key.length)
  if (shorter > 64) charge(shorter >>> 4)
  return left.key > right.key
}

/** Sorts values, undefined ones last, and returns them. */
function sortValues(values: unknown[], comparator: unknown): unknown[] {
  const defined: unknown[] = []
  for (let i = 0; i < values.length; i++) {
    if (values[i] !== undefined) to.append(defined, values[i])
  }
  const missing = values.length - defined.length
  const { length } = defined
  const level = enter(to.CALLBACK)
  try {
    if (comparator === undefined) {
      charge(length * 16)
      const keyed: Keyed[] = []
      for (let i = 0; i < length; i++) to.append(keyed, { key: to.toText(defined[i]), value: defined[i] })
      mergeSort(keyed, length, afterByKey)
      for (let i = 0; i < length; i++) defined[i] = keyed[i].value
    } else {
      const compare = comparator as (left: unknown, right: unknown) => unknown
      mergeSort(defined, length, (left, right) => {
        charge(4)
        return to.toNumber(to.apply(compare, undefined, [left, right])) > 0
      })
    }
  } finally {
    leave(level)
  }
  for (let i = 0; i < missing; i++) to.append(defined, undefined)
  return defined
}

function mustBeComparator(comparator: unknown): void {
  if (comparator !== undefined) to.mustBeCallable(comparator)
}

const methods = {
  forEach(this: unknown, callback?: unknown, thisArg?: unknown) {
    const { object, length } = prepare(this)
    to.mustBeCallable(callback)
    el.chargeElements(length * 2)
    const level = enter(to.CALLBACK)
    try {
      for (let i = 0; i < length; i++) {
        if (i in object) to.apply(callback as Test, thisArg, [object[i], i, object])
      }
    } finally {
      leave(level)
    }
  },
  map(this: unknown, callback?: unknown, thisArg?: unknown) {
    const { object, length } = prepare(this)
    to.mustBeCallable(callback)
    el.chargeElements(length * 3)
    const level = enter(to.CALLBACK)
    try {
      const result = el.createLike(object, length)
      const plain = el.isPlain(result)
      for (let i = 0; i < length; i++) {
        if (i in object) el.put(result, plain, i, to.apply(callback as Test, thisArg, [object[i], i, object]))
      }
      if (plain) result.length = length
      return result
    } finally {
      leave(level)
    }
  },
  filter(this: unknown, callback?: unknown, thisArg?: unknown) {
    const { object, length } = prepare(this)
    to.mustBeCallable(callback)
    const result = el.createLike(object, 0)
    const plain = el.isPlain(result)
    let count = 0
    run(object, length, callback, thisArg, false, false, (answer, _, value) => {
      if (answer) el.put(result, plain, count++, value)
      return false
    })
    return result
  },
  every(this: unknown, callback?: unknown, thisArg?: unknown) {
    let all = true
    visit(this, callback, thisArg, PRESENT, answer => {
      if (!answer) all = false
      return !all
    })
    return all
  },
  some(this: unknown, callback?: unknown, thisArg?: unknown) {
    return search(this, callback, thisArg, PRESENT)[0] !== -1
  },
  find(this: unknown, callback?: unknown, thisArg?: unknown) {
    return search(this, callback, thisArg, ALL)[1]
  },
  findIndex(this: unknown, callback?: unknown, thisArg?: unknown) {
    return search(this, callback, thisArg, ALL)[0]
  },
  findLast(this: unknown, callback?: unknown, thisArg?: unknown) {
    return search(this, callback, thisArg, ALL_DOWN)[1]
  },
  findLastIndex(this: unknown, callback?: unknown, thisArg?: unknown) {
    return search(this, callback, thisArg, ALL_DOWN)[0]
  },
  reduce(this: unknown, callback?: unknown) {
    return reduce(this, callback, arguments, false)
  },
  reduceRight(this: unknown, callback?: unknown) {
    return reduce(this, callback, arguments, true)
  },
  flat(this: unknown, depth?: unknown) {
    const { object, length } = prepare(this)
    const levels = depth === undefined ? 1 : to.toInteger(depth)
    const result = el.createLike(object, 0)
    flatten(result, el.isPlain(result), 0, object, length, levels)
    return result
  },
  flatMap(this: unknown, callback?: unknown, thisArg?: unknown) {
    const { object, length } = prepare(this)
    to.mustBeCallable(callback)
    const result = el.createLike(object, 0)
    const plain = el.isPlain(result)
    let done = 0
    run(object, length, callback, thisArg, false, false, answer => {
      if (to.isArray(answer)) done = flatten(result, plain, done, answer, answer.length, 0)
      else el.put(result, plain, done++, answer)
      return false
    })
    return result
  },
  join(this: unknown, separator?: unknown) {
    return join(this, separator)
  },
  toString(this: unknown) {
    const object = to.toObject(this) as { join: unknown }
    const own = object.join
    if (own === methods.join) return join(object, undefined)
    return to.deeper(() =>
      typeof own === 'function' ? to.apply(own as to.Method, object, [] as never) : objectToString(object)
    )
  },
  sort(this: unknown, comparator?: unknown) {
    mustBeComparator(comparator)
    const { object, length } = prepare(this)
    charge(8 + length * 2)
    to.boundArray(length)
    const values: unknown[] = []
    for (let i = 0; i < length; i++) if (i in object) to.append(values, object[i])
    const sorted = sortValues(values, comparator)
    for (let i = 0; i < sorted.length; i++) el.set(object, i, sorted[i])
    for (let i = sorted.length; i < length; i++) if (i in object) el.drop(object, i)
    return object
  },
  toSorted(this: unknown, comparator?: unknown) {
    mustBeComparator(comparator)
    const { object, length } = prepare(this)
    return sortValues(copyOf(object, length), comparator)
  }
}

export function installCallbacks(): void {
  to.replace(A, methods)
  to.alias(A, 'toLocaleString', 'toString')
  const views = to.getPrototypeOf(Uint8Array.prototype) as object
  to.alias(views, 'toString', 'toString', A)
  to.alias(views, 'toLocaleString', 'toString', A)
}
