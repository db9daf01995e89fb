// The depth of the stack: whatever recurses comes to an end, and what has returned is not counted.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { runMetered } from './helper.js'

const RECURSIONS: { [name: string]: string } = {
  function: 'const f = () => f(); f()',
  'function with a body': 'function f(n) { const x = f(n + 1); return x } f(0)',
  method: 'const o = { m() { return this.m() } }; o.m()',
  getter: 'const o = { get a() { return this.a } }; o.a',
  setter: 'const o = { set a(v) { this.a = v } }; o.a = 1',
  constructor: 'class A { constructor() { new A() } } new A()',
  'derived constructor': 'class A { constructor() { new B() } } class B extends A {} new B()',
  field: 'class A { x = new A() } new A()',
  'field with a class': 'class A { x = class { static y = new A() } } new A()',
  'field with a heritage': 'class A { x = class extends new A().c {} } new A()',
  'field with a key': 'class A { x = class { [new A()] = 1 } } new A()',
  'private field': 'class A { #x = new A() } new A()',
  'static block': 'const f = () => class { static { f() } }; f()',
  'default parameter': 'const f = (a = f()) => a; f()',
  'default in a pattern': 'const f = ({ a = f() } = {}) => a; f()',
  'key in a pattern': 'const f = ({ [f()]: a } = {}) => a; f()',
  'class as a parameter': 'const f = (a = class { static x = f() }) => a; f()',
  'computed key': 'const f = () => ({ [f()]: 1 }); f()',
  tag: 'const f = (s, v) => f`a${1}`; f``',
  async: 'const f = async () => f(); await f()',
  'async with a body': 'async function f() { await f() } await f()',
  generator: 'function* g() { g().next(); yield 1 } g().next()',
  'delegating generator': 'function* g() { yield* g() } g().next()',
  'generator in a loop': 'function* g() { for (const x of g()) yield x } g().next()',
  'spread generator': 'function* g() { yield [...g()] } g().next()',
  'parameter of a generator': 'function* g(a = g()) {} g()',
  'async generator': 'async function* g() { g().next(); yield 1 } await g().next()',
  toString: 'const o = { toString() { return `${o}` } }; `${o}`',
  valueOf: 'const o = { valueOf() { return o + 1 } }; o * 2',
  toPrimitive: 'const o = { [Symbol.toPrimitive]() { return o ** 2 } }; o ** 2',
  'toString of a key': 'const o = { toString() { o[o] = 1 } }; o[o] = 1',
  hasInstance: 'class A { static [Symbol.hasInstance](x) { return x instanceof A } } 1 instanceof A',
  iterator: 'const o = { [Symbol.iterator]() { return [...o] } }; [...o]',
  'iterator in a pattern': 'const o = { [Symbol.iterator]() { const [a] = o } }; const [a] = o',
  mutual: 'const f = () => g(), g = () => f(); f()'
}

// the stack of a thread that runs contracts
const thread = new Worker(new URL('recursions.js', import.meta.url), {
  workerData: RECURSIONS,
  resourceLimits: { stackSizeMb: 64 }
})
const ended = once(thread, 'message')

for (const name of Object.keys(RECURSIONS)) {
  test(`recursion ends: ${name}`, async () => {
    const [faults] = (await ended) as [{ [name: string]: string | null }]
    assert.equal(faults[name], 'STACK_DEPTH')
  })
}

test('a recursion that awaits is no recursion of the stack', async () => {
  const body = 'async function* g() { for await (const x of g()) yield x } for await (const x of g());'
  assert.equal((await runMetered(body, {}, 1_000_000)).fault, 'OUT_OF_GAS')
})

const LOOPS: { [name: string]: string } = {
  calls: 'const f = x => x + 1; for (let i = 0; i < 1e5; i++) f(i)',
  'calls that throw': 'const f = () => { throw 1 }; for (let i = 0; i < 1e5; i++) try { f() } catch {}',
  'parameters that throw':
    'const t = () => { throw 1 }, f = (a = t(), { [t()]: b } = {}) => a; for (let i = 0; i < 1e5; i++) try { f(i % 2 || undefined) } catch {}',
  'fields that throw':
    'const t = () => { throw 1 }; class A { x = t() } for (let i = 0; i < 1e5; i++) try { new A() } catch {}',
  'constructors that throw':
    'class A { constructor() { throw 1 } } class B extends A {} for (let i = 0; i < 1e5; i++) try { new B() } catch {}',
  getters: 'const o = { get a() { return 1 }, set a(v) {} }; for (let i = 0; i < 1e5; i++) o.a += o.a',
  'nested finally':
    'const f = () => { try { try { throw 1 } finally { try { return 2 } finally { 3 } } } finally { return 4 } }; for (let i = 0; i < 1e5; i++) f()',
  'break out of finally':
    'const f = () => { for (;;) try { return 1 } finally { break } }; for (let i = 0; i < 1e5; i++) f()',
  awaits: 'for (let i = 0; i < 1e5; i++) await i',
  'awaits in a function':
    'const f = async x => { await x; return x }; for (let i = 0; i < 5e4; i++) await f(i)',
  'awaits that are rejected':
    'const f = async () => { await null; throw 1 }; for (let i = 0; i < 5e4; i++) try { await f() } catch {}',
  'async that throws at once':
    'const f = async () => { throw 1 }; for (let i = 0; i < 1e5; i++) try { await f() } catch {}',
  'async parameters that throw':
    'const f = async (a = (() => { throw 1 })()) => a; for (let i = 0; i < 1e5; i++) try { await f() } catch {}',
  'steps of a generator':
    'function* g() { for (;;) yield 1 } const i = g(); for (let n = 0; n < 1e5; n++) i.next()',
  'rounds over a generator': 'function* g() { for (let i = 0; i < 1e5; i++) yield i } for (const x of g());',
  'generators that are left':
    'function* g() { try { yield 1 } finally { 2 } } for (let i = 0; i < 5e4; i++) for (const x of g()) break',
  'generators that throw':
    'function* g() { yield 1; throw 2 } for (let i = 0; i < 5e4; i++) try { for (const x of g()); } catch {}',
  'generators that are begun':
    'function* g() { yield 1 } const all = []; for (let i = 0; i < 1e4; i++) { const j = g(); j.next(); all.push(j) } for (const j of all) j.next()',
  'throws into a generator':
    'function* g() { for (;;) try { yield 1 } catch {} } const i = g(); i.next(); for (let n = 0; n < 1e5; n++) i.throw(1)',
  'delegated steps':
    'function* a() { for (;;) yield 1 } function* b() { yield* a() } function* c() { yield* b() } const i = c(); for (let n = 0; n < 1e5; n++) i.next()',
  'delegation to what is empty': 'function* g() { for (let i = 0; i < 1e5; i++) yield* [] } g().next()',
  'steps of an async generator':
    'async function* g() { for (;;) yield 1 } const i = g(); for (let n = 0; n < 5e4; n++) await i.next()',
  'async generators that await':
    'async function* g() { for (;;) { await 0; yield 1 } } const i = g(); for (let n = 0; n < 5e4; n++) await i.next()',
  'async generators that are left':
    'async function* g() { try { yield 1; yield 2 } finally { await 3 } } for (let n = 0; n < 2e4; n++) for await (const x of g()) break',
  'async generators that throw':
    'async function* g() { yield 1; throw 2 } for (let n = 0; n < 2e4; n++) try { for await (const x of g()); } catch {}',
  'async delegation':
    'async function* a() { for (;;) yield 1 } async function* b() { yield* a() } const i = b(); for (let n = 0; n < 3e4; n++) await i.next()',
  'returns of an async generator':
    'async function* g() { return 1 } for (let n = 0; n < 5e4; n++) await g().next()',
  'rounds of for await':
    'async function* g() { for (let i = 0; i < 5e4; i++) yield i } let n = 0; for await (const x of g()) n += x; for await (const x of new Array(5e4).fill(0));',
  'for await that is empty': 'for (let i = 0; i < 3e4; i++) for await (const x of []);',
  'concurrent functions':
    'let n = 0; const f = async i => { for (let j = 0; j < 5; j++) await j; n++ }; await Promise.all(Array.from({ length: 5000 }, (_, i) => f(i))); return n',
  'concurrent functions that throw':
    'const f = async i => { await i; if (i % 2) throw i; await i; throw i }; await Promise.allSettled(Array.from({ length: 5000 }, (_, i) => f(i)))',
  'concurrent async generators':
    'async function* g(i) { for (let j = 0; j < 5; j++) { await j; yield j } } const f = async i => { for await (const x of g(i)) await x }; await Promise.all(Array.from({ length: 2000 }, (_, i) => f(i)))',
  'concurrent for await in reactions':
    'const f = async () => { for await (const x of [1, 2, 3]); }; for (let i = 0; i < 5000; i++) Promise.resolve().then(f).then(() => f()); for (let i = 0; i < 100; i++) await i',
  'requests to one async generator':
    'async function* g() { for (;;) yield 1 } const i = g(); await Promise.all(Array.from({ length: 5000 }, () => i.next()))',
  reactions:
    'let p = Promise.resolve(0); for (let i = 0; i < 5e4; i++) p = p.then(x => x + 1); return await p'
}

for (const [name, body] of Object.entries(LOOPS)) {
  test(`depth does not leak: ${name}`, async () => {
    const { fault, error, depth } = await runMetered(body, {}, 1_000_000_000)
    assert.deepEqual({ fault, error, depth }, { fault: null, error: undefined, depth: 0 })
  })
}

test('depth is counted after an await as before', async () => {
  const deep = (n: number) =>
    `const d = n => n ? d(n - 1) : 0; async function f() { await 0; d(${n}) } await f()`
  assert.equal((await runMetered(deep(2000))).fault, null)
  assert.equal((await runMetered(deep(2050))).fault, 'STACK_DEPTH')
})

test('a stack that was too deep once is too deep at the same level again', async () => {
  const levels = async () => {
    const out = { n: 0 }
    await runMetered('const f = () => { out.n++; f() }; f()', out)
    return out.n
  }
  assert.equal(await levels(), await levels())
})
