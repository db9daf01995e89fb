import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Executor } from '../../lib/sandbox/executor.js'
import { RESERVED } from '../../lib/sandbox/reserved.js'
import { MOST_GAS, SPIN } from './helper.js'

const executor = new Executor()
after(() => executor.close())

const OK = 'exports.a = async () => 1\n'

async function problems(source: string): Promise<string[]> {
  const { problems } = await executor.inspect(source)
  return problems.map(({ message, line, column }) =>
    line === null ? message : `${line}:${column} ${message}`
  )
}

async function refuses(source: string, expected: RegExp) {
  const found = await problems(source)
  assert.ok(
    found.some(text => expected.test(text)),
    `${expected} is not in ${JSON.stringify(found)}`
  )
}

test('lists exported functions in the order of their bytes', async () => {
  const { load, ...inspection } = await executor.inspect(`
    exports.zebra = async () => 1
    exports.init = async () => 1
    exports.Ant = function () {}
    exports.version = 3
    exports.nothing = null
    Object.defineProperty(exports, 'getter', { get: () => () => 1, enumerable: true })
  `)
  assert.deepEqual(inspection, {
    methods: ['Ant', 'init', 'zebra'],
    signatures: ['Ant()', 'init()', 'zebra()'],
    problems: [],
    warnings: []
  })
  assert.ok(load > 0)
})

test('module.exports can be replaced', async () => {
  assert.deepEqual((await executor.inspect('module.exports = { a() {} }')).methods, ['a'])
  assert.deepEqual((await executor.inspect('module.exports = class { static a() {} }')).methods, ['a'])
})

test('syntax errors have a line and a column', async () => {
  assert.deepEqual(await problems('exports.a = 1\nlet x = ;'), ['2:9 Unexpected token'])
  await refuses('return 1', /^1:1 'return' outside of function/)
  await refuses('}});(function(){{' + OK, /Unexpected token/)
  await refuses('with (exports) {}', /^1:1 'with' in strict mode/)
  await refuses('export const a = 1', /^1:1 import and export are for modules/)
  await refuses('#!/usr/bin/env node\n' + OK, /^1:2 Unexpected character/)
  await refuses('<!-- x\n' + OK, /^1:1 comments begin with/)
})

test('a module-level variable that a function assigns is named, with the remedy', async () => {
  const remedy =
    'is assigned inside a function, but memory does not survive a call: keep it in a file with System.files'
  assert.deepEqual(await problems('let n = 0\nexports.a = async () => ++n'), [`2:27 n ${remedy}`])
  for (const source of [
    'var n; exports.a = async () => { n = 1 }',
    'let n; exports.a = async () => { [n] = [1] }',
    'let n; exports.a = async () => { for (n of [1]); }',
    'function n() {} exports.a = async () => { n = 1 }',
    'class n { static set() { n = 1 } } exports.a = () => 1',
    '{ let n = 0; exports.a = async () => { n += 1 } }'
  ]) {
    await refuses(source, new RegExp(`n ${remedy}`))
  }
  assert.deepEqual(
    await problems('let n = 0; n = 2; exports.a = async () => { let m = n; m++; return m }'),
    []
  )
  assert.deepEqual(await problems('let n; class A { static { n = 1 } } exports.a = async () => n'), [])
  assert.deepEqual(await problems('const n = 1; exports.a = async n => { n = 2 }'), [])
})

test('what is assigned while the contract loads is none of that', async () => {
  for (const source of [
    'let n; (() => { n = 1 })()',
    'let n; function set(m) { n = m } set(1); [1].forEach(set)',
    'let n = 0; for (const m of [1]) n += m; [1, 2].forEach(m => { n += m })',
    'let n; class A { static m = (n = 1) }'
  ]) {
    assert.deepEqual(await problems(`${source}; exports.a = () => n`), [], source)
  }
  await refuses('let n; function set(m) { n = m } set(1); exports.a = () => set(2)', /^1:26 n is assigned/)
  await refuses('let n; class A { m = (n = 1) } exports.a = () => new A()', /^1:23 n is assigned/)
})

test('what is not there in a contract is said', async () => {
  for (const name of [
    'Proxy',
    'BigInt',
    'WeakRef',
    'Float64Array',
    'process',
    'require',
    'setTimeout',
    'fetch',
    'Function'
  ]) {
    const [problem, ...more] = await problems(`exports.a = async () => ${name}`)
    assert.match(problem, new RegExp(`^1:25 ${name} is not there in a contract`))
    assert.deepEqual(more, [])
  }
  assert.deepEqual(await problems('exports.a = async () => {\n  setTimeout(() => {}, 1)\n}'), [
    '2:3 setTimeout is not there in a contract: it has no timers'
  ])
  await refuses(
    'exports.a = async () => new Function("return 1")',
    /^1:29 Function is not there in a contract/
  )
  await refuses('exports.a = async () => Function("return 1")', /^1:25 Function is not there in a contract/)
  await refuses(
    'exports.a = async n => require(n)',
    /^1:24 require is not there in a contract: only what can/
  )
  await refuses('exports.a = async n => import(n)', /^1:24 import\(\) is not there/)
  await refuses('exports.a = async () => 10n', /^1:25 BigInt is not there/)
  await refuses('exports.a = async () => eval("1")', /^1:25 eval is not there/)
  await refuses('exports.a = async () => import("x")', /^1:25 import\(\) is not there/)
  await refuses('exports.a = async () => import.meta', /import\.meta is not there/)
  await refuses('exports.a = async () => { $$gas = 1 }', /names that begin with \$\$/)
  await refuses('exports.a = async () => Sytem.caller', /^1:25 Sytem is not defined/)
  assert.deepEqual(await problems("exports.a = async () => typeof process === 'object' && process.env"), [])
  assert.deepEqual(await problems('exports.a = async o => o.process + o.$$x'), [])
})

test('what would differ from one replay to the next is refused where it stands', async () => {
  await refuses('exports.a = async () => Date.now()', /^1:25 a contract has no clock/)
  await refuses('exports.a = async () => new Date()', /^1:29 a contract has no clock/)
  await refuses('exports.a = async () => Date()', /^1:25 a contract has no clock/)
  await refuses('exports.a = async () => Math.random()', /^1:25 Math\.random\(\) is not there/)
  assert.deepEqual(
    await problems('exports.a = async t => [new Date(t), Math.max(1, 2), Date.UTC(2000, 1)]'),
    []
  )
  assert.deepEqual(await problems('exports.a = async Date => Date.now()'), [])
})

test('method names', async () => {
  for (const name of RESERVED)
    await refuses(
      `exports.a = () => 1; Object.defineProperty(exports, '${name}', { value: () => 1 })`,
      new RegExp(`cannot be named ${name},`)
    )
  await refuses("exports['a-b'] = () => 1", /^1:1 a method cannot be named "a-b"/)
  await refuses(`exports.${'x'.repeat(65)} = () => 1`, /a method cannot be named/)
  assert.deepEqual((await executor.inspect(`exports.${'x'.repeat(64)} = () => 1`)).problems, [])
  await refuses('for (let i = 0; i < 257; i++) exports["m" + i] = () => 1', /more than 256 methods/)
  await refuses('const a = 1', /exports no method/)
})

test('a method that cannot have its name is shown where it is exported', async () => {
  for (const [source, place] of [
    ['exports.a = () => 1\nexports.close = () => 1', '2:1'],
    ['exports.a = exports.close = () => 1', '1:13'],
    ["module.exports.a = module.exports['close'] = () => 1", '1:20'],
    ['module.exports = { a() {},\n  close() {} }', '2:3'],
    ['const close = () => 1\nmodule.exports = { close }', '2:20'],
    ['Object.defineProperty(exports, "close", { value() {} })', '1:1']
  ]) {
    assert.deepEqual(await problems(source), [
      `${place} a method cannot be named close, the client has a member of that name: rename it`
    ])
  }
  await refuses('for (const name of ["close"]) exports[name] = () => 1', /^a method cannot be named close,/)
})

test('everything that is wrong is said at once, in the order of the source', async () => {
  const source = `let n = 0
exports.a = async () => {
  n++
  return [10n, eval('1'), $$x, Sytem.caller]
}`
  const places = (await problems(source)).map(text => text.split(' ').slice(0, 2).join(' '))
  assert.deepEqual(places, ['3:3 n', '4:11 BigInt', '4:16 eval', '4:27 names', '4:32 Sytem'])
})

test('how methods are called, as far as the source tells', async () => {
  const signatures = async (source: string) => (await executor.inspect(source)).signatures.join(' ')
  assert.equal(
    await signatures(`
      exports.a = async (event, answer = true, ...rest) => 1
      exports.b = function ({ x, y: z, ...more }, [first], { deep = 1 } = {}) {}
      exports.c = named
      function named(one) {}
      const arrow = two => 1, again = arrow
      exports.d = again
      exports.e = exports.f = () => 1`),
    'a(event, answer?, ...rest) b({ x, y, … }, […], { deep }?) c(one) d(two) e() f()'
  )
  assert.equal(
    await signatures('const c = x => 1; module.exports = { a(x) {}, b: async y => 1, c, ["d"]: z => z }'),
    'a(x) b(y) c(x) d(z)'
  )
  // what is made by calls has no parameters to be seen, nor has a name that changes
  assert.equal(await signatures('const make = f => () => f(); exports.a = make(x => 1)'), 'a')
  assert.equal(await signatures('let f = x => 1; f = y => 1; exports.a = f'), 'a')
  assert.equal(await signatures('for (const name of ["a", "b"]) exports[name] = x => 1'), 'a b')
  assert.equal(await signatures('module.exports = class { static a(x) {} }'), 'a')
})

test('module code that throws, asks or hangs', async () => {
  assert.deepEqual(await problems('throw new TypeError("no")'), [
    '1:1 the contract throws while it loads: TypeError: no'
  ])
  await refuses("throw new RangeError('x')", /throws while it loads: RangeError: x/)
  await refuses(`try { System.files.stat('/') } catch {}\n${OK}`, /calls System while it loads/)
  await refuses(`System.files.stat('/')\n${OK}`, /throws while it loads: Error: System cannot be called/)
  for (const source of ['for (;;);', '(async () => { for (;;) await null })()']) {
    await refuses(source, /throws while it loads: LimitError: the call has used up its gas/)
  }
  await refuses(
    'const f = () => f(); f()',
    /throws while it loads: LimitError: the stack of the call is too deep/
  )
  const impatient = new Executor({ watchdog: 5 })
  const { problems: found } = await impatient.inspect(SPIN, { gas: MOST_GAS })
  assert.match(found[0].message, /cannot be loaded: it takes too much time/)
  assert.deepEqual((await impatient.inspect(OK, { gas: MOST_GAS })).methods, ['a'])
  await impatient.close()
})

test('size and nesting are bounded', async () => {
  await refuses(OK + '//' + 'x'.repeat(512 * 1024), /larger than 512 KiB/)
  assert.deepEqual(await problems(OK + '//' + 'x'.repeat(500 * 1024)), [])
  await refuses('('.repeat(300) + ')'.repeat(300), /^1:201 the contract is nested too deeply/)
  await refuses(OK + 'const b = ' + '!'.repeat(600) + '1', /nested too deeply/)
  await refuses('!'.repeat(100000) + '1', /too deeply|too much time, memory or stack/)
  assert.deepEqual(await problems(OK + 'const b = ' + '1+'.repeat(450) + '1'), [])
})
