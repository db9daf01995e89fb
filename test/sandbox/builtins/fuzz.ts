// A script that calls builtins with values of all kinds and writes down what comes of it. It runs alike in the metered
// realm and among the natives, so that the two can be compared.

/** @returns the source of a function from a seed, a path and a number of rounds to a list of descriptions */
export const FUZZ = `(() => {
  'use strict'
  let state = 1
  const random = n => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return (state >>> 8) % n
  }
  let log = []
  const logged = (name, value) => ({
    valueOf() { log.push(name + '.valueOf'); return value },
    toString() { log.push(name + '.toString'); return String(value) }
  })
  class MyArray extends Array {}
  class Odd extends Array { constructor(n) { super(); log.push('Odd ' + n) } }
  const plain = () => random(3) - 1
  const VALUES = [
    () => undefined, () => null, () => true, () => 0, () => -0, () => 1, () => -1, () => 2.5, () => NaN,
    () => Infinity, () => -Infinity, () => 3, () => 10, () => '', () => 'abc', () => 'a,b,a', () => 'b', () => '12', () => ' 7 ',
    () => 'x\\ud800y\\u00e9\\u0130', () => 'ab'.repeat(20), () => '$&-$\`$\\'$$', () => Symbol.iterator, () => ({}), () => [],
    () => [1, 2, 3], () => [3, , 1], () => ['b', 'a', undefined, 'c'], () => [[1, [2, [3]]], 4], () => [[1, 2], ['a', 4]],
    () => ({ length: 3, 0: 'a', 2: 'c' }), () => ({ length: '2', 0: 1, 1: 2 }), () => logged('o', 2), () => logged('s', 'abc'),
    () => ({ get length() { log.push('length'); return 2 }, 0: 5, get 1() { log.push('1'); return 6 } }),
    () => x => x, () => (a, b) => a - b, () => function () { return this }, () => (a, b) => { log.push('called'); return b },
    () => () => { throw new RangeError('mine') }, () => class Thing { constructor(n) { this.n = n } }, () => MyArray, () => class extends Map {},
    () => new Map([[1, 'a'], ['b', 2], [2.5, 3]]), () => new Set([1, 'x', NaN]), () => new Uint8Array([3, 1, 2]),
    () => new Int16Array([-5, 300, 7, 7]), () => new ArrayBuffer(8), () => new DataView(new ArrayBuffer(8)),
    () => new Date(86400000), () => new Date(NaN), () => new String('abc'), () => new Number(5), () => new Boolean(false),
    () => (function* () { yield 1; yield [2, 3] })(), () => MyArray.from([1, 2, 3]), () => Odd.from([1, 2]),
    () => [1, 2, 3].values(), () => new Map([[7, 8]]).entries(), () => new Set([7]).values(), () => Object.freeze([2, 1]),
    () => ({ [Symbol.toPrimitive](hint) { log.push(hint); return 1 } }), () => ({ toJSON() { return 'json' }, a: 1 }),
    () => ({ b: 1, a: [undefined, () => 1, null], 2: 'x' }), () => new Error('e'), () => ({ value: 1, enumerable: true }),
    () => ({ get: () => 1, configurable: true }), () => '{"a":[1,{"b":null}],"a":2}', () => '[1,', () => 'a%20%e4%', () => '%C3%A9', () => 255,
    () => 16, () => ({ raw: ['a', 'b', 'c'] }), () => 'NFD', () => '2020-02-03T04:05:06.789Z', () => 'ff', () => '0x1f',
    () => [5, 1, 4, 2, 3, 9, 8, 7, 6, 0, 11, 10], () => new WeakMap(), () => new WeakSet(), () => Symbol('own'), () => 2 ** 40
  ]
  const pick = () => VALUES[random(VALUES.length)]()
  const proto = value => {
    const prototype = Object.getPrototypeOf(value)
    if (prototype === null) return 'null'
    const { constructor } = prototype
    if (typeof constructor !== 'function') return 'none'
    return constructor.name === 'Iterator' ? 'Object' : constructor.name // a newer engine has a class for these
  }
  const describe = (value, depth = 0) => {
    if (typeof value === 'string') return JSON.stringify(value)
    if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
    if (typeof value === 'symbol') return String(value)
    if (typeof value === 'function') return 'function ' + value.name + ' ' + value.length
    if (typeof value !== 'object' || value === null) return String(value)
    if (value instanceof Error && depth === 0) return 'error ' + value.name
    if (depth > 4) return '...'
    let text = proto(value)
    if (value instanceof Date) return text + ' ' + value.getTime()
    if (value instanceof Map) text += ' of ' + [...Map.prototype.entries.call(value)].map(e => describe(e, depth + 1))
    if (value instanceof Set) text += ' of ' + [...Set.prototype.values.call(value)].map(e => describe(e, depth + 1))
    if (value instanceof ArrayBuffer) text += ' of ' + [...new Uint8Array(value)]
    if (value instanceof DataView) text += ' of ' + describe(value.buffer)
    if (proto(value) === 'Object' && typeof value.next === 'function' && Symbol.iterator in value && !(Symbol.isConcatSpreadable in value)) {
      try { text += ' yielding ' + [...value].slice(0, 20).map(e => describe(e, depth + 1)) } catch (error) { text += ' throwing ' + error.name }
    }
    for (const key of Reflect.ownKeys(value)) {
      if (key === 'stack') continue
      const d = Object.getOwnPropertyDescriptor(value, key)
      const flags = (d.writable ? 'w' : '') + (d.enumerable ? 'e' : '') + (d.configurable ? 'c' : '')
      text += ', ' + String(key) + ' ' + flags + ' ' + ('value' in d ? describe(d.value, depth + 1) : 'accessor')
    }
    return '{' + text + '}'
  }
  const roots = world => {
    const parent = Object.getPrototypeOf
    const array = parent([].values())
    const generator = parent(function* () {})
    return {
      'Function.prototype': parent(Object), '%TypedArray%': parent(Uint8Array), '%TypedArray%.prototype': parent(Uint8Array.prototype),
      '%IteratorPrototype%': parent(array), '%ArrayIteratorPrototype%': array,
      '%StringIteratorPrototype%': parent(''[Symbol.iterator]()), '%MapIteratorPrototype%': parent(new Map().keys()),
      '%SetIteratorPrototype%': parent(new Set().keys()), '%GeneratorPrototype%': generator.prototype
    }
  }
  const found = path => {
    const known = roots()
    if (path in known) return known[path]
    let at = globalThis
    for (const name of path.split('.')) at = at[name]
    return at
  }
  return (seed, path, key, rounds) => {
    const owner = found(path)
    const name = key.startsWith('@@') ? Symbol[key.slice(2)] : key
    const d = Object.getOwnPropertyDescriptor(owner, name)
    const fn = d.get !== undefined && typeof d.get.originalValue === 'function' ? d.get.originalValue : d.value ?? d.get
    const lines = ['itself ' + describe(fn) + ' ' + ('prototype' in fn)]
    state = seed
    const fits = VALUES.filter(make => { try { return path.endsWith('.prototype') && make() instanceof found(path.slice(0, -10)) } catch { return false } })
    if (path === 'String.prototype') fits.push(() => 'abcab', () => '  a-b-a\\n', () => 'x,y,,z')
    for (let i = 0; i < rounds; i++) {
      log = []
      const self = fits.length > 0 && random(4) > 0 ? fits[random(fits.length)]() : random(3) > 0 && !path.includes('prototype') ? owner : pick()
      const args = []
      for (let n = random(4); n > 0; n--) args.push(pick())
      const seen = () => self === owner ? 'owner' : describe(self, 1)
      const shown = seen() + ' ' + args.map(a => describe(a, 1)).join(' | ')
      let outcome
      try {
        outcome = describe(Reflect.apply(fn, self, args))
      } catch (error) {
        outcome = 'throws ' + (error instanceof Error ? error.name : describe(error))
      }
      lines.push(shown + ' => ' + outcome + ' leaving ' + seen() + ' ' + args.map(a => describe(a, 1)).join(' | ') + ' after ' + log.join(' '))
    }
    return lines
  }
})()`
