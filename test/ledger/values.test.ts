import assert from 'node:assert/strict'
import { test } from 'node:test'
import c from 'compact-encoding'
import {
  decodeValue,
  encodeValue,
  MAX_DEPTH,
  MAX_ITEMS,
  MAX_VALUE_BYTES,
  toValue,
  type Value,
  value
} from '../../lib/ledger/values.js'
import { compareUTF8, isWellFormed } from '../../lib/utf8.js'
import { hex, Random } from './helper.js'

test('undefined becomes null, minus zero becomes zero', () => {
  assert.equal(toValue(undefined), null)
  assert.ok(Object.is(toValue(-0), 0))
  assert.deepEqual(toValue({ a: undefined, b: [undefined, -0] }), { a: null, b: [null, 0] })
  assert.equal(hex(encodeValue(-0)), hex(encodeValue(0)))
})

test('holes of a sparse array become null', () => {
  const sparse: unknown[] = []
  sparse[2] = 'c'
  assert.deepEqual(toValue(sparse), [null, null, 'c'])
  assert.deepEqual(decodeValue(encodeValue(sparse)), [null, null, 'c'])
})

test('what is no value is a TypeError', () => {
  class Point {
    x = 1
  }
  class List extends Array<number> {}
  const cycle: unknown[] = []
  cycle.push({ cycle })
  const refused: [string, unknown][] = [
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a bigint', 1n],
    ['NaN', NaN],
    ['infinity', Infinity],
    ['a Date', new Date(0)],
    ['a Map', new Map()],
    ['a RegExp', /a/],
    ['an Error', new Error('x')],
    ['a Promise', Promise.resolve()],
    ['an ArrayBuffer', new ArrayBuffer(1)],
    ['another typed array', new Uint16Array(1)],
    ['an instance of a class', new Point()],
    ['an instance of a class of arrays', List.from([1])],
    ['an object that inherits', Object.create({ a: 1 })],
    ['something that pretends to be bytes', Object.create(Uint8Array.prototype)],
    [
      'an accessor',
      {
        get a() {
          return 1
        }
      }
    ],
    ['an accessor in an array', Object.defineProperty([1], 0, { get: () => 1, enumerable: true })],
    ['a key that is a symbol', { [Symbol('s')]: 1 }],
    ['an array with a named property', Object.assign([1], { name: 'x' })],
    ['a cycle', cycle],
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate in a key', { '\udc00': 1 }],
    ['a value inside that is none', { a: [{ b: () => 1 }] }]
  ]
  for (const [name, input] of refused) assert.throws(() => toValue(input), TypeError, name)
})

test('a getter is never called', () => {
  let called = false
  const spy = {
    get() {
      called = true
      return 1
    },
    enumerable: true
  }
  assert.throws(() => toValue(Object.defineProperty({}, 'a', spy)))
  assert.throws(() => toValue(Object.defineProperty([1], 0, spy)))
  assert.equal(called, false)
})

test('what is not enumerable does not count', () => {
  assert.deepEqual(toValue(Object.defineProperty({ a: 1 }, 'b', { value: 2 })), { a: 1 })
})

test('objects without a prototype are plain', () => {
  assert.deepEqual(toValue(Object.assign(Object.create(null) as object, { a: 1 })), { a: 1 })
})

test('a key named __proto__ is a key like any other', () => {
  const input = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as object
  for (const value of [toValue(input), decodeValue(encodeValue(input))]) {
    assert.deepEqual(Object.keys(value as object), ['__proto__', 'constructor'])
    assert.equal(Object.getPrototypeOf(value), Object.prototype)
    assert.equal(JSON.stringify(value), JSON.stringify(input))
  }
  assert.equal(({} as { polluted?: boolean }).polluted, undefined)
})

test('bytes are copied', () => {
  const bytes = Uint8Array.of(1, 2, 3)
  const value = toValue({ bytes }) as { bytes: Uint8Array }
  const encoded = encodeValue(bytes)
  const decoded = decodeValue(encoded) as Uint8Array
  bytes.fill(0)
  encoded.fill(0)
  assert.deepEqual(value.bytes, Uint8Array.of(1, 2, 3))
  assert.deepEqual(decoded, Uint8Array.of(1, 2, 3))
  assert.equal(Object.getPrototypeOf(toValue(Buffer.from([1]))), Uint8Array.prototype)
})

test('the order in which keys were set does not matter', () => {
  assert.equal(hex(encodeValue({ b: 1, a: 2, 10: 3 })), hex(encodeValue({ 10: 3, a: 2, b: 1 })))
  assert.deepEqual(Object.keys(toValue({ '\u{1f600}': 1, '\uffee': 2 }) as object), ['\uffee', '\u{1f600}'])
})

test('values are nested as deep as toValue allows, when encoded and when decoded', () => {
  for (const [innermost, levels] of [
    [[], MAX_DEPTH],
    [{}, MAX_DEPTH],
    [1, MAX_DEPTH + 1]
  ] as [Value, number][]) {
    const deepest = nested(innermost, levels)
    assert.deepEqual(decodeValue(encodeValue(deepest)), deepest)
    assert.throws(() => toValue([deepest]), TypeError)
    const bytes = encodeValue(deepest)
    assert.throws(() => decodeValue(Buffer.concat([Uint8Array.of(8, 1), bytes])), plain)
    assert.throws(() => decodeValue(Buffer.concat([Uint8Array.of(9, 1, 1, 97), bytes])), plain)
  }
})

test('a great depth is refused, and neither stack nor memory suffer', () => {
  assert.throws(() => decodeValue(Buffer.from('0801'.repeat(500_000), 'hex')), plain)
  let deep: unknown = 1
  for (let i = 0; i < 500_000; i++) deep = [deep]
  assert.throws(() => toValue(deep), TypeError)
})

test('counts beyond the bytes are refused before anything is allocated', () => {
  for (const type of ['06', '07', '08', '09']) {
    for (const count of [
      '01',
      'fcff',
      'fdffff00',
      'feffffffff',
      'ffffffffffffff1f00',
      'ffffffffffffffffff'
    ]) {
      assert.throws(() => decodeValue(Buffer.from(type + count, 'hex')), plain, type + count)
    }
  }
})

test('what expands beyond the largest value is refused early', () => {
  const bomb = Array.from({ length: 40 }).reduce<unknown>(inner => [inner, inner], 'x')
  assert.throws(() => toValue(bomb), /takes more than/)
  assert.throws(() => toValue(new Array(2 ** 32 - 1)), /takes more than/)
  assert.throws(() => toValue('x'.repeat(MAX_VALUE_BYTES + 1)), /takes more than/)
})

test('2,000 random values survive their encoding', () => {
  const random = new Random(1)
  for (let i = 0; i < 2000; i++) {
    const value = randomValue(random, 4)
    const bytes = encodeValue(value)
    const decoded = decodeValue(bytes)
    assert.deepEqual(decoded, toValue(value))
    assert.equal(hex(encodeValue(decoded)), hex(bytes))
    assert.equal(hex(encodeValue(shuffled(value, random))), hex(bytes))
  }
})

test('strings are ordered as their UTF-8 bytes', () => {
  const random = new Random(2)
  const texts = Array.from({ length: 400 }, () => random.text(4))
  texts.push('', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}', 'a\uffff', 'a\u{10000}')
  for (const a of texts) {
    for (const b of texts) {
      assert.equal(Math.sign(compareUTF8(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)), `${a} ${b}`)
    }
  }
})

test('well-formed is what UTF-8 gives back', () => {
  const random = new Random(3)
  const units = [0x61, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xffff]
  for (let i = 0; i < 5000; i++) {
    const text = String.fromCharCode(...Array.from({ length: random.int(6) }, () => random.pick(units)))
    assert.equal(isWellFormed(text), Buffer.from(text).toString() === text, JSON.stringify(text))
  }
})

function nested(innermost: Value, levels: number): Value {
  let value = innermost
  for (let i = 1; i < levels; i++) value = [value]
  return value
}

function randomValue(random: Random, depth: number): Value {
  const kinds = depth > 0 ? 12 : 8
  switch (random.int(kinds)) {
    case 0:
      return null
    case 1:
      return random.next() < 0.5
    case 2:
      return random.int(300)
    case 3:
      return -random.int(70_000)
    case 4:
      return Math.floor((random.next() - 0.5) * 2 ** (1 + random.int(60)))
    case 5:
      return (random.next() - 0.5) * 10 ** (random.int(600) - 300)
    case 6:
      return random.bytes(random.int(20))
    case 7:
      return random.text(12)
    case 8:
    case 9:
      return Array.from({ length: random.int(6) }, () => randomValue(random, depth - 1))
    default:
      return Object.fromEntries(
        Array.from({ length: random.int(6) }, () => [random.text(3), randomValue(random, depth - 1)])
      )
  }
}

// the same value with its keys set in another order
function shuffled(value: Value, random: Random): Value {
  if (Array.isArray(value)) return value.map(item => shuffled(item, random))
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  const entries = Object.entries(value).map(entry => ({ entry, at: random.next() }))
  return Object.fromEntries(
    entries.sort((a, b) => a.at - b.at).map(({ entry: [key, item] }) => [key, shuffled(item, random)])
  )
}

function plain(error: unknown): boolean {
  assert.equal(Object.getPrototypeOf(error), Error.prototype, String(error))
  return true
}

test('a value holds a bounded number of items, however small they are', () => {
  const most = Array.from({ length: MAX_ITEMS - 1 }, () => 0) // the array itself is one
  assert.deepEqual(decodeValue(encodeValue(most)), most)
  assert.throws(() => encodeValue([...most, 0]), /takes more than 100000 items/)
  const bytes = c.encode(value, [...most, 0])
  assert.throws(() => decodeValue(bytes), /too many items/)
})
