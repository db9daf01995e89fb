// Array: the constructor, and its own methods that make arrays of other things.

import { charge, enter, leave } from '../meter.js'
import * as el from './elements.js'
import type { ArrayLike } from './elements.js'
import * as to from './tools.js'

const NativeArray = Array

function makeArray(target: unknown, args: unknown[]): unknown {
  const only = args[0]
  if (args.length === 1 && typeof only === 'number') {
    charge(8 + (only > 0 ? only * 0.75 : 0))
    if (only <= 2 ** 32 - 1) to.boundArray(only)
  } else charge(8 + args.length)
  return target === undefined
    ? to.apply(NativeArray, undefined, args)
    : to.construct(NativeArray, args, target)
}

const statics = {
  of(this: unknown, ...items: unknown[]) {
    charge(8 + items.length)
    const list = el.makeWith(this, items.length)
    const plain = el.isPlain(list)
    for (let i = 0; i < items.length; i++) el.put(list, plain, i, items[i])
    el.set(list, 'length', items.length)
    return list
  },
  from(this: unknown, source?: unknown, mapper?: unknown, thisArg?: unknown) {
    if (mapper !== undefined) to.mustBeCallable(mapper)
    const map = mapper
    charge(10)
    const level = enter(to.CALLBACK)
    try {
      return from(this, source, map, thisArg)
    } finally {
      leave(level)
    }
  }
}

function from(self: unknown, source: unknown, map: to.Method | undefined, thisArg: unknown): unknown {
  const apply = (value: unknown, i: number): unknown =>
    map === undefined ? value : to.apply(map, thisArg, [value, i] as never)
  if (source === undefined || source === null)
    throw new to.NativeTypeError(`${String(source)} is not iterable`)
  const iterator = (source as { [Symbol.iterator]?: unknown })[Symbol.iterator]
  if (iterator !== undefined && iterator !== null) {
    const list = el.makeWith(self)
    const plain = el.isPlain(list)
    let count = 0
    to.iterate(source, iterator, value => {
      charge(8)
      to.boundArray(count + 1)
      el.put(list, plain, count, apply(value, count))
      count++
    })
    el.set(list, 'length', count)
    return list
  }
  const object = to.toObject(source)
  const length = to.lengthOf(object)
  charge(length * 2)
  to.boundArray(length)
  const list = el.makeWith(self, length)
  const plain = el.isPlain(list)
  for (let i = 0; i < length; i++) el.put(list, plain, i, apply((object as ArrayLike)[i], i))
  el.set(list, 'length', length)
  return list
}

/** Comes before the methods: what they make is known by it. */
export function installArrayConstructor(): void {
  const OurArray = function Array(...args: unknown[]): unknown {
    const target = new.target as unknown
    return makeArray(target === OurArray ? NativeArray : target, args)
  }
  to.replaceConstructor(OurArray, NativeArray)
  el.useArray(OurArray)
  to.replace(OurArray, statics)
}
