// A fault ends the call: nothing that the contract does can catch it, or run after it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runMetered } from './helper.js'

const FAULTS: { [code: string]: string } = {
  OUT_OF_GAS: 'for (;;);',
  STACK_DEPTH: '(function f() { f() })();',
  LIMIT: "let big = 'x'.repeat(2 ** 23); big += big; big += big;"
}

// FAULT is where it is met, out.after is what must not be set
const CATCHES: { [name: string]: string } = {
  catch: 'try { FAULT } catch { out.after = 1 }',
  'catch with a name': 'try { FAULT } catch (e) { out.after = e }',
  'catch with a pattern': 'try { FAULT } catch ({ message, x = out.after = 1 }) { out.after = 1 }',
  'catch with a getter': 'try { FAULT } catch ({ [out.after = 1]: x }) {}',
  finally: 'try { FAULT } finally { out.after = 1 }',
  'return in finally': 'const f = () => { try { FAULT } finally { return 1 } }; f(); out.after = 1',
  'break in finally': 'for (;;) { try { FAULT } finally { break } } out.after = 1',
  'continue in finally':
    'for (let i = 0; i < 2; i++) { if (i) out.after = 1; try { FAULT } finally { continue } }',
  'labelled break in finally': 'l: { try { FAULT } finally { break l } } out.after = 1',
  'empty finally': 'try { FAULT } finally {} out.after = 1',
  nested: 'try { try { FAULT } catch { throw 1 } finally { out.after = 1 } } catch { out.after = 1 }',
  'function that catches': 'const f = () => { try { FAULT } catch { return 1 } }; f(); out.after = 1',
  caller: 'const f = () => { FAULT }; try { f() } catch { out.after = 1 } out.after = 1',
  'loop of catches':
    'for (let i = 0; i < 9; i++) { try { if (i) out.after = 1; FAULT } catch {} } out.after = 1',
  'async function': 'const f = async () => { FAULT }; try { await f() } catch { out.after = 1 }',
  'after an await': 'const f = async () => { await 0; FAULT }; try { await f() } catch { out.after = 1 }',
  'handler of a promise':
    'const f = async () => { FAULT }; await f().catch(() => { out.after = 1 }); out.after = 1',
  'then with two handlers':
    'const f = async () => { FAULT }; await f().then(null, () => { out.after = 1 }).finally(() => { out.after = 1 }); out.after = 1',
  'a promise that nobody awaits':
    'log(Promise.resolve().then(() => { out.after = 1 })); const f = async () => { await 0; await 0; out.after = 1 }; log(f()); FAULT',
  'executor of a promise': 'await new Promise(() => { FAULT }).catch(() => {}); out.after = 1',
  allSettled: 'await Promise.allSettled([(async () => { FAULT })()]); out.after = 1',
  'return of an iterator':
    'const it = { [Symbol.iterator]() { return { next: () => ({ value: 1, done: false }), return() { out.after = 1; return {} } } } }; for (const x of it) { FAULT }',
  'return of an iterator, with a pattern':
    'const it = { [Symbol.iterator]() { return { next: () => ({ value: undefined, done: false }), return() { out.after = 1; return {} } } } }; const f = () => { FAULT }; const [a = 2, [b] = f()] = it',
  'finally of a generator':
    'function* g() { try { yield 1 } finally { out.after = 1 } } for (const x of g()) { FAULT }',
  'catch of a generator':
    'function* g() { try { FAULT; yield 1 } catch { out.after = 1; yield 2 } } try { for (const x of g()) out.after = 1 } catch { out.after = 1 }',
  'generator after it':
    'function* g() { out.n = 1; yield 1; out.after = 1 } const i = g(); i.next(); try { FAULT } catch {} i.next()',
  'async generator':
    'async function* g() { try { FAULT; yield 1 } catch { out.after = 1 } finally { out.after = 1 } } try { for await (const x of g()) out.after = 1 } catch { out.after = 1 }',
  'finally of an async generator':
    'async function* g() { try { yield 1 } finally { out.after = 1 } } for await (const x of g()) { FAULT }',
  getter: 'const o = { get a() { FAULT } }; try { o.a } catch { out.after = 1 }',
  setter: 'const o = { set a(v) { FAULT } }; try { o.a = 1; out.after = 1 } catch { out.after = 1 }',
  toPrimitive: 'const o = { [Symbol.toPrimitive]() { FAULT } }; try { `${o}` } catch { out.after = 1 }',
  'toString of a key': 'const o = { toString() { FAULT } }; try { ({})[o] = 1 } catch { out.after = 1 }',
  constructor: 'class A { constructor() { FAULT } } try { new A() } catch { out.after = 1 }',
  field: 'const f = () => { FAULT }; class A { x = f() } try { new A() } catch { out.after = 1 }',
  'static block': 'try { class A { static { FAULT } } } catch { out.after = 1 }',
  'default parameter':
    'const f = () => { FAULT }; const g = (a = f()) => {}; try { g() } catch { out.after = 1 }',
  'async default parameter':
    'const f = () => { FAULT }; const g = async (a = f()) => {}; try { await g() } catch { out.after = 1 }',
  callback: 'try { [1].map(() => { FAULT }) } catch { out.after = 1 }',
  comparator: 'try { [1, 2].sort(() => { FAULT }) } catch { out.after = 1 }',
  thenable: 'try { await { then() { FAULT } } } catch { out.after = 1 } out.after = 1',
  'thenable of a race':
    'try { await Promise.race([{ then() { FAULT } }]) } catch { out.after = 1 } out.after = 1',
  'a loop that only calls':
    'const f = () => { FAULT }; for (;;) try { f() } catch { continue } finally { continue }'
}

for (const [code, fault] of Object.entries(FAULTS)) {
  for (const [name, body] of Object.entries(CATCHES)) {
    test(`${code} is not caught: ${name}`, async () => {
      const out: { after?: unknown } = {}
      const ran = await runMetered(body.replace('FAULT', fault), out, 8_000_000)
      await new Promise(resolve => setImmediate(resolve)) // reactions that are left
      assert.equal(ran.fault, code)
      assert.equal(out.after, undefined)
      assert.equal(ran.value, undefined)
    })
  }
}

test('code that is called when the call has ended cannot go on', async () => {
  const out: { again?: () => void; after?: boolean } = {}
  const ran = await runMetered('out.again = () => { out.after = true }', out)
  assert.equal(ran.fault, null)
  assert.throws(() => out.again?.())
  assert.equal(out.after, undefined)
})
