// Where gas is charged, and how much.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callMetered, runMetered } from './helper.js'

const GAS = 1_000_000

/** What would never end, or take more than there is. */
const ENDLESS: { [place: string]: string } = {
  for: 'for (;;);',
  while: 'while (true);',
  'do while': 'do ; while (true)',
  'for of':
    'const it = { [Symbol.iterator]() { return { next: () => ({ value: 1, done: false }) } } }; for (const x of it);',
  'for of over a generator': 'function* g() { for (;;) yield } for (const x of g());',
  'for await': 'async function* g() { for (;;) yield } for await (const x of g());',
  'for in': 'const o = {}; for (let i = 0; i < 100; i++) o["k" + i] = 1; for (;;) for (const k in o);',
  await: 'const f = async () => { await null; return f() }; await f()',
  continue: 'l: for (;;) { for (;;) continue l }',
  catch: 'const f = () => { try { f() } catch { f() } }; for (;;) try { throw 1 } catch {}',
  spread: 'function* g() { for (;;) yield 1 } [...g()]',
  'spread in a call': 'function* g() { for (;;) yield 1 } Math.max(...g())',
  pattern: 'function* g() { for (;;) yield 1 } const [...a] = g()',
  'pattern in an assignment': 'function* g() { for (;;) yield 1 } const o = {}; [...o.a] = g()',
  reactions: 'const f = () => Promise.resolve().then(f); await f()',
  thenable: 'const o = { then(f) { f(o) } }; await o',
  comparator: 'for (;;) [2, 1].sort((a, b) => a - b)'
}

for (const [place, body] of Object.entries(ENDLESS)) {
  test(`ends: ${place}`, async () => {
    const ran = await runMetered(body, {}, GAS)
    assert.deepEqual({ fault: ran.fault, gas: ran.gas >= GAS }, { fault: 'OUT_OF_GAS', gas: true })
  })
}

/** `before` N times is prepared for the same price as 1 time; `then` is what must cost more, each time by so much at least. */
const GROWS: { [place: string]: [body: string, each: number] } = {
  'function entry': ['const f = () => {}; ALL: f()', 8],
  'function body': ['const f = () => { 1; 2; 3; 4; 5; 6; 7; 8; 9; 10 }; ALL: f()', 20],
  'method entry': ['const o = { m() {} }; ALL: o.m()', 8],
  'getter entry': ['const o = { get a() { return 1 } }; ALL: o.a', 5],
  'implicit constructor': ['class A {} ALL: new A()', 15],
  'implicit derived constructor': ['class A {} class B extends A {} ALL: new B()', 25],
  field: ['class A { a = 1; b = 2; c = 3 } ALL: new A()', 20],
  'field with a call': ['const f = () => {}; class A { a = f() } ALL: new A()', 25],
  'numeric field': ['class A { 1000 = 1 } ALL: new A()', 500],
  'static block': ['ALL: (class { static { 1; 2; 3 } })', 45],
  'default parameter': ['const f = (a = [1, 2, 3]) => {}; ALL: f()', 15],
  finally: ['ALL: try { } finally { }', 3],
  catch: ['ALL: try { throw 1 } catch { }', 200],
  await: ['ALL: await 1', 20],
  yield: ['function* g() { for (;;) yield } const it = g(); ALL: it.next()', 20],
  'yield*': ['function* g() { ALL: yield* [] } [...g()]', 8],
  power: ['let a = 2; ALL: a ** 2', 50],
  'power in an assignment': ['let a = 1; ALL: a **= 2', 50],
  'power of a property': ['const o = { a: 1 }; ALL: o.a **= 2', 50],
  'array literal': ['ALL: [1, 2, 3]', 7],
  holes: [`ALL: [${','.repeat(1000)}]`, 500],
  closure: ['ALL: () => 1', 5],
  throw: ['const f = () => { throw 1 }; ALL: try { f() } catch { }', 220]
}

for (const [place, [body, each]] of Object.entries(GROWS)) {
  test(`charges each time: ${place}`, async () => {
    const times = async (n: number) => {
      const ran = await runMetered(
        body.replace(/ALL: (.*?)( \} \[\.\.\.g\(\)\])?$/, `for (let i = 0; i < ${n}; i++) { $1 }$2`)
      )
      assert.equal(ran.fault, null)
      return ran.gas
    }
    const price = ((await times(200)) - (await times(100))) / 100
    assert.ok(price >= each, `${price} is less than ${each}`)
    assert.ok(price < each * 4 + 40, `${price} is much more than ${each}`)
  })
}

const ones = (n: number) => new Array<number>(n).fill(1)

// the price of one operation on something of size n, which is given to the method for free
const SIZES: { [place: string]: [body: string, value: (n: number) => unknown, each: number] } = {
  'spread in an array': ['[...v]', n => ones(n), 1],
  'spread in a call': ['Math.max(...v)', n => ones(n), 2],
  'spread in new': ['new Array(...v)', n => ones(n), 2],
  'spread of a set': ['[...v]', n => new Set(Array.from({ length: n }, (_, i) => i)), 2],
  'spread in an object': ['({ ...v })', n => ones(n), 8],
  'spread of text in an object': ['({ ...v })', n => 'x'.repeat(n), 8],
  'rest of a declaration': ['const [...r] = v', n => ones(n), 1],
  'rest of an object': ['const { ...r } = v', n => ones(n), 8],
  'nested rest': ['const [[...r]] = [v]', n => ones(n), 1],
  'rest of an assignment': ['let r; [...r] = v', n => ones(n), 1],
  'nested rest of an assignment': ['let r; [[...r]] = [v]', n => ones(n), 1],
  'rest of an assignment to a property': ['const o = {}; [...o.r] = v', n => ones(n), 1],
  'rest of a parameter': ['((([...r]) => r))(v)', n => ones(n), 1],
  'rest of a loop': ['for (const [...r] of [v]);', n => ones(n), 1],
  'rest of an assigning loop': ['let r; for ([...r] of [v]);', n => ones(n), 1],
  'rest of a catch': ['try { throw v } catch ([...r]) {}', n => ones(n), 1],
  'for in': ['for (const k in v) break', n => ones(n), 8],
  'for in text': ['for (const k in v) break', n => 'x'.repeat(n), 8],
  'for in a function': ['for (const k in v) break', n => Object.assign(() => 1, ones(n)), 8],
  'for in a prototype': ['for (const k in { __proto__: v }) break', n => ({ ...ones(n) }), 8],
  plus: ['v + "a"', n => 'x'.repeat(n), 1 / 16],
  'plus in front': ['"a" + v', n => 'x'.repeat(n), 1 / 16],
  template: ['`a${v}`', n => 'x'.repeat(n), 1 / 16],
  comparison: ['v === out.same', n => 'x'.repeat(n), 1 / 32],
  order: ['v < out.same', n => 'x'.repeat(n), 1 / 32],
  'text as a number': ['+v', n => '1'.repeat(n), 1],
  'text in arithmetic': ['v * 1', n => '1'.repeat(n), 1],
  'text in an assignment': ['let a = 1; a |= v', n => '1'.repeat(n), 1],
  'text compared with a number': ['v == 1', n => '1'.repeat(n), 1],
  'text as a power': ['v ** 1', n => '1'.repeat(n), 1],
  switch: ['switch (v) { case out.same: }', n => 'x'.repeat(n), 1 / 32],
  'switch with cases': ['switch (v) { case 1: case 2: case 3: case out.same: }', n => 'x'.repeat(n), 4 / 32],
  length: ['[].length = v', n => n, 1 / 2],
  'length by +=': ['[].length += v', n => n, 1 / 2],
  'length by its name': ['[]["length"] = v', n => n, 1 / 2],
  'shorter array': ['v.length--', n => ones(n), 1 / 16],
  'long key': ['({})[v] = 1', n => 'x'.repeat(n), 1 / 16]
}

for (const [place, [body, make, each]] of Object.entries(SIZES)) {
  test(`charges by size: ${place}`, async () => {
    const of = async (n: number) => {
      const source = `exports.run = async (v, out) => { ${body} }`
      const ran = await callMetered(source, [make(n), { same: make(n) }])
      assert.equal(ran.fault, null)
      return ran.gas
    }
    const price = ((await of(12_000)) - (await of(2_000))) / 10_000
    assert.ok(price >= each * 0.9 && price < each * 3 + 1, `${price} is not about ${each}`)
  })
}

test('text that grows at its end is paid for by what is added', async () => {
  const of = async (n: number) =>
    (await runMetered(`let s = ""; for (let i = 0; i < ${n}; i++) s += "abcdefgh"; return s.length`)).gas
  assert.ok((await of(4000)) < (await of(2000)) * 3) // four times would be the square
})

const ROOM: { [place: string]: [body: string, each: number] } = {
  'index far beyond the end': ['const a = []; a[1000] = 1', 500],
  'index in text': ['const a = []; a["1000"] = 1', 500],
  'index of an object': ['const o = {}; o[1000] = 1', 500],
  'index in a pattern': ['const a = []; [a[1000]] = [1]', 500],
  'index that is updated': ['const a = []; a[1000]++', 500],
  'index that is added to': ['const a = []; a[1000] += 1', 500],
  'index in a loop': ['const a = []; for (a[1000] of [1]);', 500],
  'index that is a power': ['const a = []; a[1000] **= 2', 500],
  'key of a literal': ['const k = 1000, o = { [k]: 1 }', 500]
}

for (const [place, [body, least]] of Object.entries(ROOM)) {
  test(`charges for room: ${place}`, async () => {
    const { gas, fault } = await runMetered(body)
    assert.equal(fault, null)
    assert.ok(gas > least && gas < least + 150, String(gas))
  })
}

/** What ends with LIMIT. */
const LIMITS: { [place: string]: string } = {
  'length by a computed key': 'const k = "length"; [][k] = 1e7',
  'length by a computed key in a pattern': 'const k = "length"; [[][k]] = [1e7]',
  'length by a key that is an object': '[][{ toString: () => "length" }] = 1e7',
  'length of super': 'const k = "length"; class A extends Array { f() { super[k] = 1e7 } } new A().f()',
  'prototypes of literals': 'let o = {}; for (let i = 0; i < 100; i++) o = { __proto__: o }',
  'prototypes of classes': 'let C = class {}; for (let i = 0; i < 100; i++) C = class extends C {}',
  'prototypes of functions':
    'let o = {}; for (let i = 0; i < 100; i++) { const F = function () {}; F.prototype = o; o = new F() }',
  'prototypes of generators':
    'let o = {}; for (let i = 0; i < 100; i++) { const F = function* () {}; F["prototype"] = o; o = F() }',
  'prototype by a computed key': 'const k = "prototype"; (function () {})[k] = {}',
  'field with a computed number': 'const k = 1000; class A { [k] = 1 }',
  'long text': 'let s = "x"; for (;;) s += s',
  'long text by a template': 'let s = "x"; for (;;) s = `${s}${s}`',
  'arguments of a call': 'Math.max(...new Array(40000).fill(1))'
}

for (const [place, body] of Object.entries(LIMITS)) {
  test(`is limited: ${place}`, async () => {
    assert.equal((await runMetered(body)).fault, 'LIMIT')
  })
}

/** What representative programs cost: a change here is a change of what contracts cost. */
const FIGURES: [program: string, gas: number][] = [
  ['return 1', 15],
  ['const f = n => (n < 2 ? n : f(n - 1) + f(n - 2)); return f(15)', 49354],
  ['let n = 0; for (let i = 0; i < 1000; i++) n += i; return n', 10024],
  ['const o = {}; for (const k of ["a", "b", "c"]) o[k] = { k, v: [1, 2, 3] }; return { ...o }', 162],
  ['class A { #x = 1; get x() { return this.#x } } class B extends A { y = 2 } return new B().x', 176],
  ['function* g() { yield* [1, 2]; yield 3 } return [...g()]', 114],
  ['for await (const x of [1, Promise.resolve(2)]) await x', 106],
  ['try { null.x } catch ({ message }) { return message } finally { log() }', 238],
  ['let s = ""; for (let i = 0; i < 100; i++) s += "line " + i + `${i}\\n`; return s', 2320],
  [
    'const [a, ...b] = [3, 1, 2], { c, ...d } = { c: a ** 2, e: 5 }; switch (c) { case 9: return [b, d] }',
    135
  ]
]

test('representative programs cost exactly so much', async () => {
  const found: [string, number][] = []
  for (const [program] of FIGURES) found.push([program, (await runMetered(program)).gas])
  assert.deepEqual(found, FIGURES)
  for (const [program, gas] of FIGURES)
    assert.equal((await runMetered(program, {}, gas - 1)).fault, 'OUT_OF_GAS')
})
