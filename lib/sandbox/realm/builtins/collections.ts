// Map, Set, WeakMap and WeakSet.
//
// The engine hashes numbers in a way that everybody can compute, so a contract could choose thousands that collide, and
// make every look-up a thousand times slower. Numbers are therefore kept under other ones, or under strings (whose hash
// nobody can foresee), according to a secret of this process: nothing of it can be seen, since the order is that of
// insertion.

import { charge, enter, leave } from '../meter.js'
import type { ArrayLike } from './elements.js'
import * as to from './tools.js'

const M = Map.prototype
const S = Set.prototype
const { imul } = Math
const charCodeAt = to.native<[number], number>(String.prototype, 'charCodeAt')
const substring = to.native<[number], string>(String.prototype, 'substring')

const MASK = (Math.random() * 2 ** 32) | 0
const FACTOR = (Math.random() * 2 ** 32) | 0 | 1
const INVERSE = inverse(FACTOR)

/** The mark of a string that stands for something else. */
const MARK = 0xd800
const FOR_NUMBER = '\ud800n'
const FOR_STRING = '\ud800s'
const N = FOR_NUMBER.charCodeAt(1)

function inverse(odd: number): number {
  let found = odd
  for (let i = 0; i < 5; i++) found = imul(found, 2 - imul(odd, found))
  return found
}

/** @returns what a key is kept under; long strings are charged */
function encode(key: unknown): unknown {
  if (typeof key === 'number') {
    if ((key | 0) === key) return imul(key ^ MASK, FACTOR)
    return key !== key ? key : FOR_NUMBER + key
  }
  if (typeof key === 'string') {
    if (key.length > 64) charge(key.length >>> 2)
    if (charCodeAt(key, 0) === MARK) return FOR_STRING + key
  }
  return key
}

function decode(key: unknown): unknown {
  if (typeof key === 'number') return key !== key ? key : imul(key, INVERSE) ^ MASK
  if (typeof key === 'string' && charCodeAt(key, 0) === MARK) {
    const rest = substring(key, 2)
    return charCodeAt(key, 1) === N ? +rest : rest
  }
  return key
}

const get = to.native<[unknown], unknown>(M, 'get')
const mapHas = to.native<[unknown], boolean>(M, 'has')
const mapSet = to.native<[unknown, unknown], unknown>(M, 'set')
const mapDelete = to.native<[unknown], boolean>(M, 'delete')
const mapClear = to.native<[], void>(M, 'clear')
const mapSize = to.native<[], number>(M, 'size')
const mapForEach = to.native<[(value: unknown, key: unknown) => void], void>(M, 'forEach')
const mapEntries = to.native<[], Iterator<[unknown, unknown]>>(M, 'entries')
const mapKeys = to.native<[], Iterator<unknown>>(M, 'keys')
const mapValues = to.native<[], Iterator<unknown>>(M, 'values')
const setHas = to.native<[unknown], boolean>(S, 'has')
const setAdd = to.native<[unknown], unknown>(S, 'add')
const setDelete = to.native<[unknown], boolean>(S, 'delete')
const setClear = to.native<[], void>(S, 'clear')
const setSize = to.native<[], number>(S, 'size')
const setForEach = to.native<[(value: unknown) => void], void>(S, 'forEach')
const setEntries = to.native<[], Iterator<[unknown, unknown]>>(S, 'entries')
const setValues = to.native<[], Iterator<unknown>>(S, 'values')

const MapIterator = to.getPrototypeOf(new Map().entries()) as object
const SetIterator = to.getPrototypeOf(new Set().entries()) as object
const mapNext = to.native<[], IteratorResult<unknown>>(MapIterator, 'next')
const setNext = to.native<[], IteratorResult<unknown>>(SetIterator, 'next')
const { create } = Object

type Kind = 'key' | 'value' | 'pair' | 'same'

class Stamp {
  constructor(object: object) {
    return object // so that a subclass puts its private fields on any object
  }
}

/** The state of an iterator, in fields that nobody sees. */
class Iteration extends Stamp {
  #inner: Iterator<unknown>
  #kind: Kind
  #map: boolean
  constructor(object: object, inner: Iterator<unknown>, kind: Kind, map: boolean) {
    super(object)
    this.#inner = inner
    this.#kind = kind
    this.#map = map
  }

  static next(iterator: unknown, map: boolean): IteratorResult<unknown> {
    if (!to.isObject(iterator) || !(#inner in iterator) || iterator.#map !== map) {
      throw new to.NativeTypeError(`next method called on incompatible receiver`)
    }
    const step = map ? mapNext(iterator.#inner) : setNext(iterator.#inner)
    if (step.done === true || iterator.#kind === 'value') return step
    if (iterator.#kind === 'key') return { value: decode(step.value), done: false }
    const pair = step.value as [unknown, unknown]
    pair[0] = decode(pair[0])
    if (iterator.#kind === 'same') pair[1] = pair[0]
    return step
  }
}

function iterator(inner: Iterator<unknown>, kind: Kind, map: boolean): object {
  charge(8)
  const object = create(map ? MapIterator : SetIterator) as object
  new Iteration(object, inner, kind, map)
  return object
}

/** What an entry costs that is kept. */
const KEPT = 8

const mapMethods = {
  get(this: unknown, key?: unknown) {
    return get(this, encode(key))
  },
  has(this: unknown, key?: unknown) {
    return mapHas(this, encode(key))
  },
  set(this: unknown, key?: unknown, value?: unknown) {
    charge(KEPT)
    mapSet(this, encode(key), value)
    return this
  },
  delete(this: unknown, key?: unknown) {
    charge(4)
    return mapDelete(this, encode(key))
  },
  clear(this: unknown) {
    charge(10 + (mapSize(this) >>> 2))
    mapClear(this)
  },
  forEach(this: unknown, callback?: unknown, thisArg?: unknown) {
    charge(10 + mapSize(this) * 4)
    to.mustBeCallable(callback)
    const level = enter(to.CALLBACK)
    try {
      mapForEach(this, (value, key) => {
        to.apply(callback, thisArg, [value, decode(key), this] as never)
      })
    } finally {
      leave(level)
    }
  },
  entries(this: unknown) {
    return iterator(mapEntries(this), 'pair', true)
  },
  keys(this: unknown) {
    return iterator(mapKeys(this), 'key', true)
  },
  values(this: unknown) {
    return iterator(mapValues(this), 'value', true)
  }
}

const setMethods = {
  has(this: unknown, key?: unknown) {
    return setHas(this, encode(key))
  },
  add(this: unknown, key?: unknown) {
    charge(KEPT)
    setAdd(this, encode(key))
    return this
  },
  delete(this: unknown, key?: unknown) {
    charge(4)
    return setDelete(this, encode(key))
  },
  clear(this: unknown) {
    charge(10 + (setSize(this) >>> 2))
    setClear(this)
  },
  forEach(this: unknown, callback?: unknown, thisArg?: unknown) {
    charge(10 + setSize(this) * 4)
    to.mustBeCallable(callback)
    const level = enter(to.CALLBACK)
    try {
      setForEach(this, kept => {
        const value = decode(kept)
        to.apply(callback, thisArg, [value, value, this] as never)
      })
    } finally {
      leave(level)
    }
  },
  entries(this: unknown) {
    return iterator(setEntries(this), 'same', false)
  },
  values(this: unknown) {
    return iterator(setValues(this), 'key', false)
  }
}

const mapIterator = {
  next(this: unknown) {
    return Iteration.next(this, true)
  }
}

const setIterator = {
  next(this: unknown) {
    return Iteration.next(this, false)
  }
}

const W = WeakMap.prototype
const weakSet = to.native<[unknown, unknown], unknown>(W, 'set')
const weakAdd = to.native<[unknown], unknown>(WeakSet.prototype, 'add')

const weakMapMethods = {
  set(this: unknown, key?: unknown, value?: unknown) {
    charge(KEPT * 4)
    return weakSet(this, key, value)
  }
}

const weakSetMethods = {
  add(this: unknown, key?: unknown) {
    charge(KEPT * 4)
    return weakAdd(this, key)
  }
}

type Filled = Record<string, unknown>

/** @returns a constructor that makes the native's instances and fills them by their own `set` or `add` */
function filling(native: to.Constructor, name: string, adder: 'set' | 'add'): object {
  const own = function (this: unknown, source?: unknown): unknown {
    const target = new.target as unknown
    if (target === undefined) throw new to.NativeTypeError(`Constructor ${name} requires 'new'`)
    charge(30)
    const made = to.construct(native, [] as never, target) as Filled
    if (source === undefined || source === null) return made
    const add = made[adder]
    to.mustBeCallable(add)
    const level = enter(to.CALLBACK)
    try {
      to.iterate(source, (source as { [Symbol.iterator]?: unknown })[Symbol.iterator], entry => {
        charge(4)
        if (adder === 'add') return void to.apply(add, made, [entry] as never)
        if (!to.isObject(entry))
          throw new to.NativeTypeError(`Iterator value ${String(entry)} is not an entry object`)
        to.apply(add, made, [(entry as ArrayLike)[0], (entry as ArrayLike)[1]] as never)
      })
    } finally {
      leave(level)
    }
    return made
  }
  to.replaceConstructor(own, native)
  return own
}

/** @returns the iterators' prototypes: nothing but an iterator leads there */
export function installCollections(): object[] {
  to.replace(M, mapMethods)
  to.alias(M, Symbol.iterator, 'entries')
  to.replace(S, setMethods)
  to.alias(S, 'keys', 'values')
  to.alias(S, Symbol.iterator, 'values')
  to.replace(MapIterator, mapIterator)
  to.replace(SetIterator, setIterator)
  to.replace(W, weakMapMethods)
  to.replace(WeakSet.prototype, weakSetMethods)
  filling(Map, 'Map', 'set')
  filling(Set, 'Set', 'add')
  filling(WeakMap, 'WeakMap', 'set')
  filling(WeakSet, 'WeakSet', 'add')
  return [MapIterator, SetIterator]
}
