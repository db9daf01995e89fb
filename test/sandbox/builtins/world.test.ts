// Whatever a contract can reach is in the table of intrinsics, frozen, and priced as it is there.

import assert from 'node:assert/strict'
import test from 'node:test'
import { meteredRealm } from './realm.js'

const realm = meteredRealm()

/** Walks over all that can be reached, in the realm. */
const WALK = `(() => {
  const starts = {
    globals: globalThis, function: function () {}, arrow: () => {}, async: async () => {}, generator: function* () {},
    asyncGenerator: async function* () {}, class: class { static x = 1; get y() { return 1 } }, object: {}, array: [],
    template: (t => t)\`a\`, arguments: (function () { return arguments })(1), error: new Error('x'), boxed: [Object(1), Object(''), Object(true), Object(Symbol.iterator)],
    iterators: [[].values(), ''[Symbol.iterator](), new Map().keys(), new Set().keys(), new Uint8Array(1).values(), (function* () {})(), (async function* () {})()],
    promise: Promise.resolve(1), promises: [Promise.all([]), Promise.allSettled([]), (async () => {})()], bound: (() => {}).bind(null),
    date: new Date(0), map: new Map(), set: new Set(), weak: [new WeakMap(), new WeakSet()], buffers: [new ArrayBuffer(1), new DataView(new ArrayBuffer(1)), new Int32Array(1)],
    parsed: JSON.parse('{"a":[1]}'), entries: Object.entries({ a: 1 }), pair: new Map([[1, 2]]).entries().next(), descriptor: Object.getOwnPropertyDescriptor({ a: 1 }, 'a')
  }
  const thrown = [() => null.x, () => undefined(), () => new (class { #a; static b(o) { return o.#a } }).constructor.b({}), () => x, () => new Array(-1), () => decodeURI('%'), () => JSON.parse('{'), () => Symbol() + '', () => 'x'.repeat(-1)]
  starts.thrown = thrown.map(fn => { try { fn() } catch (error) { return error } })
  const seen = new Map()
  const queue = []
  const visit = (value, path) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return
    seen.set(value, path)
    queue.push(value)
  }
  for (const key of Object.keys(starts)) visit(starts[key], key)
  while (queue.length > 0) {
    const object = queue.pop()
    const path = seen.get(object)
    visit(Object.getPrototypeOf(object), path + '.[[Prototype]]')
    for (const key of Reflect.ownKeys(object)) {
      const d = Object.getOwnPropertyDescriptor(object, key)
      for (const part of ['value', 'get', 'set']) visit(d[part], path + '.' + String(key) + (part === 'value' ? '' : ' ' + part))
    }
  }
  return [...seen].map(([object, path]) => ({ object, path, frozen: Object.isFrozen(object) }))
})()`

interface Found {
  object: object
  path: string
  frozen: boolean
}

const found = realm.evaluate(WALK) as Found[]
const known = new Map<object, string>()
const table = realm.intrinsics.TABLE as Record<string, { values?: string; free?: string; metered?: string }>
const world = realm.evaluate('globalThis') as Record<string, unknown>
const objects = (realm.intrinsics as unknown as { roots(of: unknown): Record<string, object> }).roots(world)
const words = (text = ''): string[] => text.split(/\s+/).filter(word => word !== '')
const reached = new Set(found.map(({ object }) => object))

for (const [name, object] of Object.entries(objects)) {
  known.set(object, name)
  for (const key of Reflect.ownKeys(object)) {
    const written = realm.intrinsics.nameOf(key)
    const d = Object.getOwnPropertyDescriptor(object, key) as Record<string, unknown>
    const original: unknown =
      typeof d.get === 'function' && Object.getOwnPropertyDescriptor(d.get, 'originalValue')?.value
    for (const fn of [d.value, d.get, d.set, original]) {
      if (typeof fn === 'function' && !known.has(fn)) known.set(fn, `${name}.${written}`)
    }
  }
}
for (const name of realm.intrinsics.GLOBALS) {
  const value = world[name]
  if (typeof value === 'function') known.set(value, name)
}

/** What the walk itself has made, and the class of regular expressions that the test puts in. */
const OWN = /^(function|arrow|async|generator|asyncGenerator|class|bound)(\.|$)|^globals\.RegExp/

test('every function that can be reached is in the table', () => {
  const strange = found.filter(
    ({ object, path }) => typeof object === 'function' && !known.has(object) && !OWN.test(path)
  )
  // arguments throw, SES has an accessor of its own on the global object, and newer engines
  // have accessors on the errors that they throw themselves
  const own = strange.filter(
    ({ path }) => !/(callee (get|set)|unscopables\) set|stack (get|set))$/.test(path)
  )
  assert.deepEqual(
    Array.from(own, ({ path }) => path),
    []
  )
})

test('everything in the table is reached, and there as it says', () => {
  for (const [name, { values, free, metered }] of Object.entries(table)) {
    const object = objects[name]
    assert.ok(reached.has(object), `${name} is not reached`)
    const keys = Reflect.ownKeys(object)
      .map(key => realm.intrinsics.nameOf(key))
      .sort()
    assert.deepEqual(keys, [...words(values), ...words(free), ...words(metered)].sort(), name)
  }
})

test('all intrinsics are frozen', () => {
  const loose = found.filter(({ object, frozen }) => known.has(object) && !frozen)
  assert.deepEqual(
    Array.from(loose, ({ path }) => path),
    []
  )
})

test('the globals are those of the list', () => {
  const names = Reflect.ownKeys(world).filter(key => typeof key === 'string')
  assert.deepEqual(names.sort(), [...realm.intrinsics.GLOBALS].sort())
})

test('SES has nothing to complain about, and no native constructor is within reach', () => {
  const natives = [
    'Array',
    'Map',
    'Set',
    'Error',
    'TypeError',
    'Date',
    'Uint8Array',
    'ArrayBuffer',
    'RegExp',
    'Number',
    'Math'
  ]
  for (const name of natives) assert.ok(!reached.has(realm.script(name) as object), name)
})
