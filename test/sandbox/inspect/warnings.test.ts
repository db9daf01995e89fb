// What a contract keeps in memory is lost after each call: said where it is, and nowhere else.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { Executor } from '../../../lib/sandbox/executor.js'
import { exportsOf, signatureOf } from '../../../lib/sandbox/inspect/exported.js'
import { lost, reassigned } from '../../../lib/sandbox/inspect/lost.js'
import { analyze } from '../../../lib/sandbox/inspect/scopes.js'
import { parse } from '../../../lib/sandbox/parse.js'

const executor = new Executor({ watchdog: 60_000 }) // nothing here may depend on how fast the machine is
after(() => executor.close())

const REMEDY = 'but memory does not survive a call: keep it in a file with System.files'

async function warnings(source: string): Promise<string[]> {
  const { problems, warnings } = await executor.inspect(source)
  assert.deepEqual(problems, [], source.slice(0, 500))
  return warnings.map(({ message, line, column }) => `${line}:${column} ${message}`)
}

/** A contract whose one method has this body, after this module code. */
function contract(module: string, body: string): string {
  return `${module}\nexports.a = async (k, v) => {\n${body}\n}`
}

test('an object that a function changes is named once, where that happens first, with the remedy', async () => {
  const source = contract(
    'const cache = {}',
    '  if (cache[k]) return cache[k]\n  cache[k] = v\n  delete cache.x'
  )
  assert.deepEqual(await warnings(source), [`4:3 cache is changed inside a function, ${REMEDY}`])
})

test('every way to change an object is known', async () => {
  for (const [module, ...bodies] of [
    [
      'const x = {}',
      'x.a = 1',
      'x[k] += 1',
      'x.a ??= 1',
      'x.a++',
      '--x[k]',
      'delete x.a',
      '[x.a] = [1]',
      '({ v: x.a } = { v })'
    ],
    ['const x = {}', '[x.a = 1] = []', '[...x.a] = []', 'for (x.a of [1]);', 'for (x.a in { v });'],
    [
      'const x = {}',
      'Object.assign(x, { v })',
      'Object.defineProperty(x, k, { value: v })',
      'Reflect.set(x, k, v)'
    ],
    [
      'const x = []',
      'x.push(k)',
      'x.pop()',
      'x.splice(0, 1)',
      'x.sort()',
      'x.reverse()',
      'x.length = 0',
      'x.fill(0)'
    ],
    ['const x = new Map()', 'x.set(k, v)', 'x.delete(k)', 'x.clear()', 'x.get(k).n = v', 'x?.set(k, v)'],
    ['const x = new Set([1])', 'x.add(k)', "x['add'](k)"],
    ['const x = new Uint8Array(8)', 'x[0] = 1', 'x.set([1])', 'x.fill(0)'],
    ['const x = new DataView(new ArrayBuffer(8))', 'x.setUint8(0, 1)'],
    [
      'const x = { list: [], map: new Map(), n: { m: 0 } }',
      'x.list.push(k)',
      'x.map.set(k, v)',
      'x.n.m++',
      'x.n[k].push(v)'
    ],
    ['const x = Object.create(null)', 'x[k] = v', '(x[k] ??= []).push(v)'],
    ['const x = Array.from([1])', 'x.push(k)', 'x.at(-1).n = k'],
    ['let x; x = []', 'x.push(k)'],
    ['var x = [[]]', 'x[0].push(k)'],
    ['function x() {}', 'x.calls = 1'],
    ['class x { static n = 0 }', 'x.n++'],
    ['{ const x = []; exports.b = () => { x.push(1) } }', ''],
    ['const x = load(); function load() { return {} }', 'x.a = 1']
  ]) {
    for (const body of bodies) {
      const found = await warnings(contract(module, body))
      assert.equal(found.length, 1, `${module}; ${body}`)
      assert.match(found[0], /^\d+:\d+ x is changed inside a function/)
    }
  }
})

test('another name for it is followed', async () => {
  for (const body of [
    'const y = x; y.list.push(1)',
    'const y = x.list; y.push(1)',
    'let y = x\n{ const z = y.list; z.push(1) }'
  ]) {
    const [found] = await warnings(contract('const x = { list: [] }', body))
    assert.match(found ?? '', /x is changed/, body)
  }
  const [of] = await warnings('const a = { b: [] }\nconst c = a.b\nexports.d = () => { c[0] = 1 }')
  assert.match(of, /^3:21 c is changed/)
})

test('functions inside of functions, and those that a call uses, are seen', async () => {
  const list = 'const x = []\n'
  assert.equal(
    (await warnings(contract(list, 'await Promise.all([1].map(async n => { x.push(n) }))'))).length,
    1
  )
  assert.equal(
    (await warnings(list + 'function add(n) { x.push(n) }\nadd(1)\nexports.a = n => add(n)')).length,
    1
  )
  assert.equal(
    (await warnings(list + 'class A { add(n) { x.push(n) } }\nexports.a = n => new A().add(n)')).length,
    1
  )
  const closure = 'const make = () => { const x = {}; return k => { x[k] = 1 } }\nexports.a = make()'
  assert.equal((await warnings(closure)).length, 1)
  assert.deepEqual(await warnings('exports.a = () => { exports.n = 1 }'), [
    `1:21 exports is changed inside a function, ${REMEDY}`
  ])
})

test('tables that are only read give no alarm', async () => {
  for (const [module, body] of [
    ['const x = { a: 1 }', 'return x[k] ?? x.a'],
    ['const x = [1, 2, 3]', 'return x.map(n => n + 1).concat(x.slice(1)).sort()'],
    ['const x = [1, 2, 3]', 'return [...x].sort()'],
    ['const x = new Map([[1, 2]])', 'return x.get(k) ?? x.has(k)'],
    ['const x = { list: [1] }', 'const { list } = x; const copy = [...list]; copy.push(k); return copy'],
    ['const x = { n: 1 }', 'const copy = { ...x }; copy.n = 2; return Object.assign({}, x, copy)'],
    ['const x = { n: 1 }', 'let y = x; if (k) y = { ...x }; y.n = 2; return y'],
    [
      'const x = { n: 1 }',
      'return [constructor.assign(x), __proto__.has(x)]; function constructor() {} var __proto__'
    ],
    ['const x = "a b".split(" ")', 'return x.join(k)'],
    ['const x = { a: 1 }', 'let n = x.a; n++; return n'],
    ['const x = /a/g', 'return k.replace(x, v)'],
    ['const x = async () => []', 'const list = await x(); list.push(k); return list'],
    ['const x = { make: () => [] }', 'const list = x.make(); list.push(k); return list']
  ]) {
    assert.deepEqual(await warnings(contract(module, body)), [], `${module}; ${body}`)
  }
})

test('methods of its own that are named like those of a Map give no alarm', async () => {
  for (const module of [
    'const x = { set: (k, v) => System.files.writeFile(k, v), delete: k => System.files.unlink(k) }',
    'class Store { set(k, v) { return System.files.writeFile(k, v) } delete() {} }\nconst x = new Store()',
    'const make = () => ({ set() {}, delete() {} }); const x = make()'
  ]) {
    assert.deepEqual(await warnings(contract(module, 'await x.set(k, v); await x.delete(k)')), [], module)
  }
  const stores = 'const make = () => ({ set() {} }); const x = {}; for (const n of ["a"]) x[n] = make()'
  assert.deepEqual(await warnings(contract(stores, 'await x.a.set(k, v)')), [])
})

test('what is local to a function, or shadowed there, gives no alarm', async () => {
  const module = 'const x = []'
  for (const body of [
    'const x = []; x.push(k)',
    'const y = []; y.push(x.length)',
    'for (const x of [[]]) x.push(k)',
    'const add = x => { x.push(k) }; add([])',
    'function x() {} x.n = 1',
    'try { throw [] } catch (x) { x.push(1) }',
    'const o = { x: [] }; o.x.push(k)'
  ]) {
    assert.deepEqual(await warnings(contract(module, body)), [], body)
  }
})

test('what fills a table while the contract loads gives no alarm', async () => {
  for (const module of [
    'const x = {}; x.a = 1; x.b = [2]; delete x.a',
    'const x = []; for (let i = 0; i < 3; i++) x.push(i)',
    "const x = {}; ['a', 'b'].forEach((k, i) => { x[k] = i })",
    'const x = {}; (() => { x.a = 1 })(); (function () { x.b = 1 }).call(null)',
    'const x = {}; function add(k) { x[k] = 1 } add(1); add(2)',
    'const x = {}; const add = k => { x[k] = 1 }; function all() { [1, 2].forEach(add) } all()',
    'class A { static list = []; static { A.list.push(1) } }; const x = A.list',
    'const x = (() => { const made = {}; made.a = 1; return made })()',
    'var x; (function (x) { x[x.A = 0] = "A" })(x || (x = {}))',
    'exports.x = 1; module.exports.y = 2; const x = Object.assign(exports, { z: 3 })'
  ]) {
    assert.deepEqual(await warnings(contract(module, 'return x')), [], module)
  }
})

test('a variable that is refused already is not warned of too', async () => {
  const { problems, warnings } = await executor.inspect('let x = []\nexports.a = () => { x.push(1); x = [] }')
  assert.deepEqual([problems.length, warnings.length], [1, 0])
})

test('whatever is JavaScript is looked through without a failure', () => {
  const folder = join(
    dirname(createRequire(import.meta.url).resolve('test262-parser-tests/package.json')),
    'pass'
  )
  let count = 0
  for (const name of readdirSync(folder)) {
    const { program, deep } = parse(readFileSync(join(folder, name), 'utf8'))
    if (program === null || deep) continue
    count++
    const analysis = analyze(program)
    for (const problem of [...reassigned(analysis), ...lost(analysis)]) assert.ok(problem.line !== null, name)
    const exported = exportsOf(analysis)
    for (const [method, one] of exported)
      assert.ok(signatureOf(analysis, method, one).startsWith(method), name)
  }
  assert.ok(count > 1000, String(count))
})

test('large sources are looked through, however their names lead to each other', async () => {
  const many = Array.from({ length: 8000 }, (_, i) => `const y${i} = x; y${i}.n`).join('\n')
  assert.deepEqual(await warnings(contract('const x = {}', many)), [])
  const chain = Array.from({ length: 8000 }, (_, i) => `const y${i + 1} = y${i}`).join('\n')
  assert.deepEqual(await warnings(contract('const x = {}', `const y0 = x\n${chain}`)), [])
  const table = `const x = { a: [${'[1],'.repeat(50_000)}] }`
  assert.deepEqual(await warnings(contract(table, 'return [' + 'x.a.b,'.repeat(20_000) + ']')), [])
  const calls = Array.from({ length: 8000 }, (_, i) => `function f${i}() { if (false) f${i + 1}() }`).join(
    '\n'
  )
  assert.deepEqual(await warnings(contract(`${calls}\nfunction f8000() {}\nf0()`, '')), [])
})
