// What a builtin costs is charged before it is done, in proportion, and what is too large ends the call.

import assert from 'node:assert/strict'
import test from 'node:test'
import { meteredRealm, type Run } from './realm.js'

const realm = meteredRealm()
const GAS = 10_000_000
const run = (body: string, gas = GAS): Run => realm.run(realm.evaluate(`() => { ${body} }`), gas)

const TOO_LARGE = [
  `'x'.repeat(2 ** 25)`,
  `'x'.padEnd(2 ** 25)`,
  `'x'.padStart(2 ** 40, 'ab')`,
  `const s = 'x'.repeat(2 ** 24); s.concat(s)`,
  `'x'.repeat(2 ** 20).replaceAll('x', 'y'.repeat(100))`,
  `Array(2 ** 20).fill('x'.repeat(100)).join()`,
  `Array(2 ** 32 - 1)`,
  `new Array(2 ** 23)`,
  `Array.from({ length: 2 ** 53 })`,
  `[].concat(...Array(10).fill(Array(2 ** 20)))`,
  `new ArrayBuffer(2 ** 25)`,
  `new Uint8Array(1e9)`,
  `new Uint8Array({ length: 1e9 })`,
  `new Int32Array(2 ** 23)`,
  `JSON.parse('['.repeat(501))`,
  `let o = {}; for (let i = 0; i < 501; i++) o = { o }; JSON.stringify(o)`,
  `let f = () => 1; for (let i = 0; i < 17; i++) f = f.bind(null)`,
  `(() => 1).apply(null, { length: 32769 })`,
  `Reflect.construct(Array, Array(40000))`,
  `'e'.repeat(2 ** 20).normalize('NFKD')`,
  `let o = {}; for (let i = 0; i < 501; i++) o = Object.create(o)`
]

for (const body of TOO_LARGE) {
  test(`too large: ${body}`, () => assert.match(String(run(body).fault), /^(LIMIT|OUT_OF_GAS)$/))
}

const ENDLESS = [
  `[].forEach.call({ length: 2 ** 53 - 1 }, () => {})`,
  `[].fill.call({ length: 1e10 })`,
  `[].reverse.call({ length: 1e10 })`,
  `[].indexOf.call({ length: 1e10 }, 1)`,
  `[].splice.call({ length: 1e10 }, 0, 1)`,
  `[].unshift.call({ length: 1e10 }, 1)`,
  `Array.from({ [Symbol.iterator]: () => ({ next: () => ({}) }) })`,
  `new Map({ [Symbol.iterator]: () => ({ next: () => ({ value: [1] }) }) })`,
  `Object.fromEntries({ [Symbol.iterator]: () => ({ next: () => ({ value: [1] }) }) })`,
  `const m = new Map([[1, 1]]); let i = 2; m.forEach(() => m.set(i++, 1))`,
  `const a = []; a[4e9] = 1; a.map(x => x)`,
  `String.raw({ raw: { length: 1e10 } })`
]

for (const body of ENDLESS) {
  test(`endless: ${body}`, () => assert.match(String(run(body).fault), /^(LIMIT|OUT_OF_GAS)$/))
}

const DEEP = [
  `let f = [].forEach.bind([0], () => 1); for (let i = 0; i < 2000; i++) f = [].forEach.bind([0], f); f()`,
  `let o = 1; for (let i = 0; i < 2000; i++) o = { valueOf: Math.floor.bind(null, o) }; Math.floor(o)`,
  `let f = Array; for (let i = 0; i < 2000; i++) f = f.call.bind(f); f()`,
  `const o = { toString: String.prototype.trim }; \`\${o}\``,
  `const o = { toString: String.prototype.charCodeAt }; 'x' + o`,
  `const a = []; a[0] = { toString: () => [{ toString: () => String(a[0]) }].join() }; a.join()`,
  `let a = []; for (let i = 0; i < 3000; i++) a = [a]; a.flat(Infinity)`,
  `let a = []; for (let i = 0; i < 3000; i++) a = [a]; a.join()`,
  `const o = { get length() { return [].push.call(o) } }; [].push.call(o)`,
  `const o = { then: Promise.prototype.catch, catch: 1 }; Promise.prototype.catch.call(o)`
]

for (const body of DEEP) {
  test(`deep: ${body}`, () => assert.match(String(run(body).fault), /^(STACK_DEPTH|LIMIT|OUT_OF_GAS)$/))
}

const PROPORTION: [body: (n: number) => string, per: number][] = [
  [n => `'x'.repeat(${n})`, 16],
  [n => `S(${n}).toUpperCase()`, 8],
  [n => `S(${n}).split('')`, 4],
  [n => `S(${n}).indexOf('y')`, 8],
  [n => `S(${n}).indexOf('x'.repeat(50) + 'y')`, 8],
  [n => `S(${n}).lastIndexOf('y'.repeat(50))`, 8],
  [n => `S(${n}).trim()`, 8],
  [n => `Number(S(${n}))`, 8],
  [n => `Math.floor(S(${n}))`, 8],
  [n => `'a'.charCodeAt(S(${n}))`, 8],
  [n => `parseFloat(S(${n}))`, 8],
  [n => `encodeURIComponent(S(${n}))`, 8],
  [n => `JSON.parse('"' + S(${n}) + '"')`, 8],
  [n => `JSON.stringify(S(${n}))`, 8],
  [n => `new Map().get(S(${n}))`, 16],
  [n => `({}).hasOwnProperty(S(${n}))`, 16],
  [n => `Array(${n})`, 2],
  [n => `Array(${n}).fill(0)`, 2],
  [n => `Array(${n}).indexOf(1)`, 4],
  [n => `Array(${n}).slice()`, 2],
  [n => `Array(${n}).concat([])`, 2],
  [n => `Array(${n}).reverse()`, 2],
  [n => `Array(${n}).shift()`, 8],
  [n => `Array(${n}).sort()`, 2],
  [n => `Array(${n}).join()`, 1],
  [n => `Array(${n}).forEach(() => 1)`, 1],
  [n => `Object.keys(Array(${n}))`, 1],
  [n => `new Uint8Array(${n})`, 32],
  [n => `new Uint8Array(${n}).fill(1)`, 32],
  [n => `new Uint8Array(${n}).sort()`, 1],
  [n => `new Uint8Array(${n}).join()`, 1],
  [n => `Object.entries(new Uint8Array(${n}))`, 1],
  [n => `new Uint8Array(${n}).slice()`, 16],
  [n => `Promise.all(Array(${n}))`, 0.1]
]

for (const [body, per] of PROPORTION) {
  test(`in proportion: ${body(1000)}`, () => {
    const made = (n: number): Run => run(`const S = n => ' '.repeat(n); return ${body(n)}`, 2 ** 30)
    const [small, large] = [made(2000), made(20_000)]
    assert.equal(large.fault, null)
    assert.ok(large.gas - small.gas >= 18_000 / per, `${small.gas} and ${large.gas}`)
  })
}

const CALLING = [
  `[1].forEach(stop)`,
  `[1].map(stop)`,
  `[2, 1].sort(stop)`,
  `'a'.replace('a', stop)`,
  `JSON.stringify({ toJSON: stop })`,
  `JSON.parse('1', stop)`,
  `Array.from([1], stop)`,
  `new Map([[1, 1]]).forEach(stop)`,
  `Reflect.apply(stop, null, [])`,
  `new Uint8Array(1).map(stop)`,
  `Math.floor({ valueOf: stop })`,
  `(function* () { stop() })().next()`
]

for (const body of CALLING) {
  test(`a fault passes through: ${body}`, () => {
    const outcome = run(
      `const stop = () => 'x'.repeat(2 ** 25); try { ${body} } catch {} return 'x'.repeat(300)`
    )
    assert.equal(outcome.fault, 'LIMIT')
  })
  test(`an error passes through, and the depth is as before: ${body}`, () => {
    const outcome = run(`const stop = () => { throw new RangeError('mine') }; ${body}`)
    assert.equal((outcome.error as Error).message, 'mine')
    assert.equal(outcome.depth, 0)
  })
}
