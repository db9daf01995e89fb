// Array: the methods that call nobody back.
//
// Each reads the length first, then converts its arguments, then charges for the elements, then works. Arrays are the
// fast case; whatever else has a length is read element by element. Natives that make arrays are not used: they are slow
// once the constructor has been replaced.

import { charge } from '../meter.js'
import * as el from './elements.js'
import type { ArrayLike } from './elements.js'
import * as to from './tools.js'

const A = Array.prototype
const push = to.native<[unknown], number>(A, 'push')
const pop = to.native<[], unknown>(A, 'pop')
const shift = to.native<[], unknown>(A, 'shift')
const at = to.native<[unknown], unknown>(A, 'at')
const indexOf = to.native<[unknown, number], number>(A, 'indexOf')
const lastIndexOf = to.native<[unknown, number], number>(A, 'lastIndexOf')
const includes = to.native<[unknown, number], boolean>(A, 'includes')
const reverse = to.native<[], unknown>(A, 'reverse')
const fill = to.native<[unknown, number, number], unknown>(A, 'fill')
const copyWithin = to.native<[number, number, number], unknown>(A, 'copyWithin')

const isIndexArgument = (value: unknown): boolean => value === undefined || typeof value === 'number'
const isConcatSpreadable = (value: unknown): value is ArrayLike => {
  if (!to.isObject(value)) return false
  const spreadable = (value as { [Symbol.isConcatSpreadable]?: unknown })[Symbol.isConcatSpreadable]
  return spreadable === undefined ? to.isArray(value) : Boolean(spreadable)
}

/** Things that are no arrays can call back builtin methods by way of their length: one level deeper, and at a price. */
function ofArrayLike<T>(self: unknown, work: (object: object) => T): T {
  return to.deeper(() => work(to.toObject(self)))
}

function pushAll(self: unknown, items: ArrayLike): number {
  return ofArrayLike(self, object => {
    const length = to.lengthOf(object)
    const count = items.length as number
    charge(count * 4)
    if (length + count > 2 ** 53 - 1) throw new to.NativeTypeError('Pushing past 2 ** 53 - 1 elements')
    for (let i = 0; i < count; i++) el.set(object, length + i, items[i])
    el.set(object, 'length', length + count)
    return length + count
  })
}

function search(self: unknown, sought: unknown, from: number, step: 1 | -1, end: number): number {
  const list = self as ArrayLike
  for (let i = from; i !== end; i += step) {
    if (!(i in list)) continue
    const element = list[i]
    el.chargeEqual(sought, element)
    if (element === sought) return i
  }
  return -1
}

const isLongText = (value: unknown): boolean => typeof value === 'string' && value.length > 64

function splice(object: object, args: ArrayLike, count: number): ArrayLike {
  const length = to.lengthOf(object)
  const start = to.toPosition(args[0], length, 0)
  const removed =
    count === 0 ? 0 : count === 1 ? length - start : to.max(0, to.min(to.toInteger(args[1]), length - start))
  const added = to.max(count - 2, 0)
  if (length + added - removed > 2 ** 53 - 1) throw new to.NativeTypeError('Too many elements')
  const tail = length - start - removed
  charge(10 + removed + (added === removed ? added : tail + added) * 2)
  const result = el.createLike(object, removed)
  const plain = el.isPlain(result)
  for (let i = 0; i < removed; i++) {
    if (start + i in object) el.put(result, plain, i, (object as ArrayLike)[start + i])
  }
  result.length = removed
  if (added < removed) {
    for (let i = start; i < start + tail; i++) el.move(object, i + removed, i + added)
    for (let i = length; i > length - removed + added; i--) el.drop(object, i - 1)
  } else if (added > removed) {
    for (let i = start + tail; i > start; i--) el.move(object, i + removed - 1, i + added - 1)
  }
  for (let i = 0; i < added; i++) el.set(object, start + i, args[i + 2])
  el.set(object, 'length', length - removed + added)
  return result
}

const methods = {
  push(this: unknown, item?: unknown) {
    if (arguments.length === 1 && to.isArray(this)) return push(this, item)
    return pushAll(this, arguments)
  },
  pop(this: unknown) {
    if (to.isArray(this)) return pop(this)
    return ofArrayLike(this, object => {
      const length = to.lengthOf(object)
      if (length === 0) {
        el.set(object, 'length', 0)
        return undefined
      }
      const last = (object as ArrayLike)[length - 1]
      el.drop(object, length - 1)
      el.set(object, 'length', length - 1)
      return last
    })
  },
  at(this: unknown, index?: unknown) {
    const position = typeof index === 'number' ? index : undefined
    if (to.isArray(this) && position === index) return at(this, position)
    return ofArrayLike(this, object => {
      const length = to.lengthOf(object)
      const relative = to.toInteger(index)
      const found = relative < 0 ? length + relative : relative
      return found < 0 || found >= length ? undefined : (object as ArrayLike)[found]
    })
  },
  shift(this: unknown) {
    if (to.isArray(this)) {
      charge(1 + (this.length >>> 1))
      return shift(this)
    }
    return ofArrayLike(this, object => {
      const length = to.lengthOf(object)
      charge(length * 4)
      if (length === 0) {
        el.set(object, 'length', 0)
        return undefined
      }
      const first = (object as ArrayLike)[0]
      for (let i = 1; i < length; i++) el.move(object, i, i - 1)
      el.drop(object, length - 1)
      el.set(object, 'length', length - 1)
      return first
    })
  },
  unshift(this: unknown, ...items: unknown[]) {
    return ofArrayLike(this, object => {
      const length = to.lengthOf(object)
      const count = items.length
      if (count > 0) {
        if (length + count > 2 ** 53 - 1) throw new to.NativeTypeError('Too many elements')
        charge((length + count) * 2)
        for (let i = length; i > 0; i--) el.move(object, i - 1, i + count - 1)
        for (let i = 0; i < count; i++) el.set(object, i, items[i])
      }
      el.set(object, 'length', length + count)
      return length + count
    })
  },
  splice(this: unknown, _start?: unknown, _count?: unknown) {
    const args = arguments as unknown as ArrayLike
    return ofArrayLike(this, object => splice(object, args, args.length as number))
  },
  slice(this: unknown, start?: unknown, end?: unknown) {
    const object = to.toObject(this)
    const length = to.isArray(object) ? object.length : ofArrayLike(object, to.lengthOf)
    const from = to.toPosition(start, length, 0)
    const until = to.toPosition(end, length, length)
    const count = to.max(until - from, 0)
    charge(8 + count)
    const result = el.createLike(object, count)
    const plain = el.isPlain(result)
    for (let i = 0; i < count; i++) {
      if (from + i in object) el.put(result, plain, i, (object as ArrayLike)[from + i])
    }
    result.length = count
    return result
  },
  concat(this: unknown, ...items: unknown[]) {
    const object = to.toObject(this)
    const result = el.createLike(object, 0)
    const plain = el.isPlain(result)
    let length = 0
    charge(8 + items.length * 4)
    for (let index = -1; index < items.length; index++) {
      const item = index === -1 ? object : items[index]
      if (!isConcatSpreadable(item)) {
        el.put(result, plain, length++, item)
        continue
      }
      const count = to.isArray(item) ? item.length : ofArrayLike(item, to.lengthOf)
      if (length + count > 2 ** 53 - 1) throw new to.NativeTypeError('Too many elements')
      charge(count)
      to.boundArray(length + count)
      for (let i = 0; i < count; i++, length++) {
        if (i in item) el.put(result, plain, length, item[i])
      }
    }
    result.length = length
    return result
  },
  fill(this: unknown, value?: unknown, start?: unknown, end?: unknown) {
    const object = to.toObject(this)
    const length = to.isArray(object) ? object.length : ofArrayLike(object, to.lengthOf)
    const from = to.toPosition(start, length, 0)
    const until = to.toPosition(end, length, length)
    if (until <= from) return object
    charge(until - from)
    if (to.isArray(object) && object.length === length) return fill(object, value, from, until)
    for (let i = from; i < until; i++) el.set(object, i, value)
    return object
  },
  copyWithin(this: unknown, target?: unknown, start?: unknown, end?: unknown) {
    const object = to.toObject(this)
    const length = to.isArray(object) ? object.length : ofArrayLike(object, to.lengthOf)
    const into = to.toPosition(target, length, 0)
    const from = to.toPosition(start, length, 0)
    const until = to.toPosition(end, length, length)
    const count = to.min(until - from, length - into)
    if (count <= 0) return object
    charge(count * 2)
    if (to.isArray(object) && object.length === length) return copyWithin(object, into, from, until)
    const down = from < into && into < from + count
    for (let i = 0; i < count; i++) {
      const k = down ? count - 1 - i : i
      el.move(object, from + k, into + k)
    }
    return object
  },
  reverse(this: unknown) {
    if (to.isArray(this)) {
      charge(1 + this.length)
      return reverse(this)
    }
    return ofArrayLike(this, object => {
      const length = to.lengthOf(object)
      charge(length * 4)
      for (let low = 0, high = length - 1; low < high; low++, high--) {
        const hasLow = low in object
        const first = hasLow ? (object as ArrayLike)[low] : undefined
        const hasHigh = high in object
        const last = hasHigh ? (object as ArrayLike)[high] : undefined
        if (hasHigh) el.set(object, low, last)
        else if (hasLow) el.drop(object, low)
        if (hasLow) el.set(object, high, first)
        else if (hasHigh) el.drop(object, high)
      }
      return object
    })
  },
  indexOf(this: unknown, sought?: unknown, from?: unknown) {
    if (to.isArray(this) && isIndexArgument(from) && !isLongText(sought)) {
      charge(1 + (this.length >>> 1))
      return indexOf(this, sought, from as number)
    }
    return ofArrayLike(this, object => {
      const length = to.lengthOf(object)
      if (length === 0) return -1
      const start = to.toPosition(from, length, 0)
      el.chargeElements(length - start)
      return search(object, sought, start, 1, length)
    })
  },
  lastIndexOf(this: unknown, sought?: unknown, from?: unknown) {
    const given = arguments.length > 1
    if (to.isArray(this) && (!given || typeof from === 'number') && !isLongText(sought)) {
      charge(1 + (this.length >>> 1))
      return lastIndexOf(this, sought, given ? (from as number) : this.length - 1)
    }
    return ofArrayLike(this, object => {
      const length = to.lengthOf(object)
      if (length === 0) return -1
      const position = given ? to.toInteger(from) : length - 1
      const start = position < 0 ? length + position : to.min(position, length - 1)
      if (start < 0) return -1
      el.chargeElements(start)
      return search(object, sought, start, -1, -1)
    })
  },
  includes(this: unknown, sought?: unknown, from?: unknown) {
    if (to.isArray(this) && isIndexArgument(from) && !isLongText(sought)) {
      charge(1 + (this.length >>> 1))
      return includes(this, sought, from as number)
    }
    return ofArrayLike(this, object => {
      const length = to.lengthOf(object)
      if (length === 0) return false
      const start = to.toPosition(from, length, 0)
      el.chargeElements(length - start)
      for (let i = start; i < length; i++) {
        const element = (object as ArrayLike)[i]
        el.chargeEqual(sought, element)
        if (element === sought || (element !== element && sought !== sought)) return true
      }
      return false
    })
  },
  with(this: unknown, index?: unknown, value?: unknown) {
    return ofArrayLike(this, object => {
      const length = to.lengthOf(object)
      const relative = to.toInteger(index)
      const position = relative < 0 ? length + relative : relative
      if (position >= length || position < 0) throw new to.NativeRangeError('Invalid index : ' + relative)
      const copy = copyOf(object, length)
      copy[position] = value
      return copy
    })
  },
  toReversed(this: unknown) {
    return ofArrayLike(this, object => {
      const length = to.lengthOf(object)
      chargeCopy(length)
      const copy: unknown[] = []
      for (let i = 0; i < length; i++) to.append(copy, (object as ArrayLike)[length - 1 - i])
      return copy
    })
  },
  toSpliced(this: unknown, start?: unknown, skip?: unknown, ...items: unknown[]) {
    const count = arguments.length
    return ofArrayLike(this, object => {
      const length = to.lengthOf(object)
      const from = to.toPosition(start, length, 0)
      const skipped =
        count === 0 ? 0 : count === 1 ? length - from : to.max(0, to.min(to.toInteger(skip), length - from))
      const total = length + items.length - skipped
      if (total > 2 ** 53 - 1) throw new to.NativeTypeError('Too many elements')
      chargeCopy(total)
      const copy: unknown[] = []
      for (let i = 0; i < from; i++) to.append(copy, (object as ArrayLike)[i])
      for (let i = 0; i < items.length; i++) to.append(copy, items[i])
      for (let i = from + items.length; i < total; i++) {
        to.append(copy, (object as ArrayLike)[i - items.length + skipped])
      }
      return copy
    })
  }
}

function chargeCopy(length: number): void {
  if (length > 2 ** 32 - 1) throw new to.NativeRangeError('Invalid array length')
  charge(8 + length)
  to.boundArray(length)
}

/** @returns the elements in an array of their own, holes as undefined; charged */
export function copyOf(object: object, length: number): unknown[] {
  chargeCopy(length)
  const copy: unknown[] = []
  for (let i = 0; i < length; i++) to.append(copy, (object as ArrayLike)[i])
  return copy
}

export function installArrays(): void {
  to.replace(A, methods)
}
