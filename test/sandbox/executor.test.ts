// What a contract can do, how calls end, and in which order things happen.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Executor, type ConsoleLine } from '../../lib/sandbox/executor.js'
import { MAX_VALUE_BYTES, type Value } from '../../lib/ledger/values.js'
import { ALICE, BOB, contract, executor, once, toCall, World } from './helper.js'

const lines: ConsoleLine[] = []
const shared = new Executor({ onconsole: line => lines.push(line) })
after(() => shared.close())

test('arguments go in and results come out as values', async () => {
  const values: Value[] = [
    null,
    true,
    -1.5,
    'ä😀',
    new Uint8Array([1]),
    [1, [2]],
    { b: 1, a: {}, __proto__x: 2 }
  ]
  assert.deepEqual(await once(shared, 'return args', ...values), { value: values })
  assert.deepEqual(await once(shared, 'return undefined'), { value: null })
  assert.deepEqual(await once(shared, 'return [, -0]'), { value: [null, 0] })
  assert.deepEqual(await new World(shared, 'exports.run = n => n + 1').call('run', 1), { value: 2 })
})

test('System says who calls, and which VM this is', async () => {
  const world = new World(shared, contract('return [System.caller.id, System.vm.key, System.vm.index]'))
  await world.batch({ method: 'run' }, { method: 'run', caller: BOB })
  assert.deepEqual(world.ended, [{ value: [ALICE, 'v'.repeat(52), 0] }, { value: [BOB, 'v'.repeat(52), 1] }])
})

test('all that a contract shares with the next call is frozen', async () => {
  const body = `
    const seen = new Set(), loose = []
    const visit = (value, name) => {
      if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return
      seen.add(value)
      if (!Object.isFrozen(value)) loose.push(name)
      visit(Object.getPrototypeOf(value), name + '.__proto__')
      for (const key of Reflect.ownKeys(value)) {
        const { value: inner, get, set } = Object.getOwnPropertyDescriptor(value, key)
        for (const part of [inner, get, set]) visit(part, name + '.' + String(key))
      }
    }
    for (const [name, value] of Object.entries({ globalThis, System, console })) visit(value, name)
    for (const value of [async () => {}, function* () {}, async function* () {}, [][Symbol.iterator](), /x/]) {
      visit(Object.getPrototypeOf(value), 'syntax')
    }
    visit(Object.getPrototypeOf(System.files.stat('/')), 'promise')
    return [loose, seen.size > 500]`
  assert.deepEqual(await once(shared, body), { value: [[], true] })
})

test('a module is instantiated afresh for every call', async () => {
  const world = new World(shared, 'const seen = []; exports.run = async () => seen.push(1)')
  assert.equal(await world.batch({ method: 'run' }, { method: 'run' }), 2)
  assert.deepEqual(world.ended, [{ value: 1 }, { value: 1 }])
})

test('files: Node-like errors, bytes and text, stat', async () => {
  const body = `
    const { files } = System
    const codes = []
    const code = async promise => codes.push(await promise.then(() => null, e => [e.name, e.code, e instanceof Error]))
    await code(files.readFile('/none'))
    await files.writeFile('/a/b', 'ä')
    await files.writeFile('/a/c', new Uint8Array([1, 2]))
    await code(files.writeFile('/x', () => {}))
    await code(files.writeFile('/x', NaN))
    const stat = await files.stat('/a/b')
    return [codes, await files.readFile('/a/b'), await files.readFile('/a/c', 'binary'), await files.readdir('/a'),
      stat, stat.isFile(), stat.isDirectory(), (await files.stat('/a')).isDirectory()]`
  assert.deepEqual(await once(shared, body), {
    value: [
      [
        ['Error', 'ENOENT', true],
        ['Error', 'EINVAL', true],
        ['Error', 'EINVAL', true]
      ],
      'ä',
      new Uint8Array([1, 2]),
      ['b', 'c'],
      { type: 'file', size: 2 },
      true,
      false,
      true
    ]
  })
})

test('what is forwarded to the host', async () => {
  const asked: [string, Value[]][] = []
  const body = `
    const { files } = System
    await Promise.all([files.readFile('/a'), files.readFile('/a', 'binary'), files.readdir('/a'),
      files.readdir('/a', { recursive: true }), files.rmdir('/a', { recursive: 1 }), files.mkdir('/a', 'more'),
      files.unlink(), files.stat(7)])`
  await shared.run(contract(body), [toCall({ method: 'run' }, 0)], {
    system(_position, name, args) {
      asked.push([name, args])
      return Promise.resolve({ ok: true, value: null })
    },
    again: () => {},
    end: () => Promise.resolve()
  })
  assert.deepEqual(asked, [
    ['files.readFile', ['/a', 'utf8']],
    ['files.readFile', ['/a', 'binary']],
    ['files.readdir', ['/a', { recursive: false }]],
    ['files.readdir', ['/a', { recursive: true }]],
    ['files.rmdir', ['/a', { recursive: false }]],
    ['files.mkdir', ['/a']],
    ['files.unlink', [null]],
    ['files.stat', [7]]
  ])
})

test('answers come in the order of the questions, one at a time', async () => {
  const body = `
    const log = []
    const ask = name => System.files.readFile(name).catch(() => {}).then(() => log.push(name))
    const spin = (async () => { for (let i = 0; i < 50; i++) await null; log.push('spun') })()
    await Promise.all([ask('/1'), ask('/2').then(() => ask('/4')), ask('/3'), spin])
    return log`
  assert.deepEqual(await once(shared, body), { value: ['spun', '/1', '/2', '/3', '/4'] })
})

test('what was asked before the end is done, what comes after is refused', async () => {
  const world = new World(
    shared,
    `exports.loose = async () => { System.files.writeFile('/a', '1'); System.files.writeFile('/b', '2') }
     exports.late = async () => {
       (async () => { for (;;) { await System.files.writeFile('/late', '1') } })()
       await null
     }
     exports.after = async () => {
       let n = 0;
       (async () => { while (n++ < 20) await null; await System.files.writeFile('/after', '1') })()
     }
     exports.nothing = async () => {}`
  )
  await world.batch({ method: 'loose' }, { method: 'late' }, { method: 'after' }, { method: 'nothing' })
  assert.deepEqual(world.asked, ['0 files.writeFile /a', '0 files.writeFile /b', '1 files.writeFile /late'])
  assert.deepEqual([...world.files.keys()], ['/a', '/b', '/late'])
})

test('System cannot be kept for another call', async () => {
  const world = new World(
    shared,
    `exports.keep = async () => {
       try { globalThis.kept = System } catch {}
       try { Array.prototype.kept = System } catch {}
       try { console.kept = System } catch {}
     }
     exports.use = async () => [typeof globalThis.kept, typeof [].kept, typeof console.kept]`
  )
  await world.batch({ method: 'keep' }, { method: 'use' })
  assert.deepEqual(world.ended[1], { value: ['undefined', 'undefined', 'undefined'] })
})

test('too many System calls at once end the call, in the same place every time', async t => {
  const source = `
    exports.many = async count => {
      for (let i = 0; i < count; i++) {
        try { System.files.mkdir('/').catch(() => {}) } catch { return 'caught' }
      }
      return count
    }
    exports.large = async count => {
      const data = new Uint8Array(1e6)
      const all = []
      for (let i = 0; i < count; i++) all.push(System.files.writeFile('/x', data))
      await Promise.allSettled(all)
      return count
    }`
  const calls = [1024, 1025].map(count => ({ method: 'many', args: [count] }))
  for (const count of [16, 17]) calls.push({ method: 'large', args: [count] })
  const message = 'too many System calls at once: await some of them'
  const limit = { name: 'LimitError', message, code: 'LIMIT' }
  const gas: number[][] = []
  for (const own of [shared, executor(t)]) {
    const world = new World(own, source)
    assert.equal(await world.batch(...calls), 4)
    assert.deepEqual(world.ended, [{ value: 1024 }, limit, { value: 16 }, limit])
    // one that is stopped has nothing done that it asked for and did not wait for
    assert.equal(world.asked.filter(asked => asked.startsWith('0')).length, 1024)
    assert.equal(world.asked.filter(asked => /^[13]/.test(asked)).length, 0)
    gas.push(world.gas)
  }
  assert.deepEqual(gas[0], gas[1])
})

test('errors keep name, message and code', async () => {
  const cases: [string, string, string, string | null][] = [
    ['new TypeError("m")', 'TypeError', 'm', null],
    ['Object.assign(new Error("m"), { code: "C" })', 'Error', 'm', 'C'],
    ['Object.assign(new Error("m"), { code: 7, name: "N" })', 'N', 'm', null],
    ['new (class Mine extends RangeError {})("m")', 'RangeError', 'm', null],
    ['(() => { class E extends Error {}; E.prototype.name = "E"; return new E("m") })()', 'E', 'm', null],
    ['new AggregateError([], "m")', 'AggregateError', 'm', null],
    ['"text"', 'Error', 'a string was thrown: text', null],
    ['null', 'Error', 'null was thrown', null],
    ['42', 'Error', '42 was thrown', null],
    ['Symbol("x")', 'Error', 'a symbol was thrown', null],
    ['{ message: "m", code: "C" }', 'Error', 'an object was thrown', null],
    ['new Error("a\\ud800b")', 'Error', 'a\ufffdb', null],
    ['new Error("x".repeat(999) + "😀")', 'Error', 'x'.repeat(999), null],
    ['new Error("x".repeat(998) + "😀y")', 'Error', 'x'.repeat(998) + '😀', null],
    [
      'Object.assign(new Error(""), { name: "n".repeat(200), code: "c".repeat(200) })',
      'n'.repeat(100),
      '',
      'c'.repeat(100)
    ]
  ]
  for (const [thrown, name, message, code] of cases) {
    assert.deepEqual(await once(shared, `throw ${thrown}`), { name, message, code }, thrown)
  }
})

test('how else a call can end', async () => {
  const end = async (source: string, method = 'run') => {
    const ended = await new World(shared, source).call(method)
    return 'code' in ended ? `${ended.name} ${ended.code}: ${ended.message}` : JSON.stringify(ended.value)
  }
  assert.equal(await end('exports.a = 1', 'b'), 'Error NO_SUCH_METHOD: the contract has no method b')
  assert.equal(await end('', 'toString'), 'Error NO_SUCH_METHOD: the contract has no method toString')
  assert.equal(await end('throw new RangeError("load")'), 'RangeError null: load')
  assert.match(await end('System.files.stat("/")'), /^Error LOADING: /)
  assert.match(
    await end(contract('await new Promise(() => {})')),
    /^Error NEVER_SETTLES: the call never settles/
  )
  assert.match(
    await end(contract('await System.files.stat("/").catch(() => new Promise(() => {}))')),
    /NEVER_SETTLES/
  )
  assert.equal(await end('let x = ;'), 'Error INVALID_CONTRACT: Unexpected token (1:9)')
  assert.match(
    await end(contract('return () => {}')),
    /^TypeError INVALID_VALUE: the result cannot be carried: a function/
  )
  assert.match(await end(contract('return NaN')), /^TypeError INVALID_VALUE/)
  assert.match(await end(contract('return "\\ud800"')), /^TypeError INVALID_VALUE/)
  assert.match(await end(contract('const a = []; a.push(a); return a')), /^TypeError INVALID_VALUE/)
  assert.match(await end(contract(`return 'x'.repeat(${MAX_VALUE_BYTES} + 1)`)), /^LimitError LIMIT/)
  assert.match(await end(contract('return Array(200000).fill(1.5)')), /^LimitError LIMIT/)
  assert.match(await end(contract('return new Date()')), /^TypeError null: .*no clock/)
  assert.match(await end(contract('return Math.random()')), /^TypeError null: /)
})

test('texts that SES would take for imports or comments', async () => {
  const body = `
    let n = 3, count = 0 /* import('x') <!-- --> */
    while (n-->0) count++
    const object = { import(x) { return x } }
    return [count, object.import (4), "import('x')", \`<!-- \${n} -->\`, '--><!--', /^<!-- import\\(x\\) -->$/.test('<!-- import(x) -->'),
      /[<!-->]/.test('-'), /(?<!--)x/.test('--x'), "reimport ('')"] // import('y') -->`
  const value = [3, 4, "import('x')", '<!-- -1 -->', '--><!--', true, true, false, "reimport ('')"]
  assert.deepEqual(await once(shared, body), { value })
})

test('the console goes to the host, bounded', async () => {
  const body = `
    console.log('a', 1, { b: [new Uint8Array(2)] }, undefined, () => {}, new TypeError('t'))
    console.warn('x'.repeat(999) + '😀')
    console.error({ get x() { for (;;); } })
    for (let i = 0; i < 200; i++) console.debug(i)`
  lines.length = 0
  assert.deepEqual(await once(shared, body), { value: null })
  assert.equal(lines.length, 100)
  const text = 'a 1 {"b":["Uint8Array(2)"]} undefined [function] TypeError: t'
  const line = null
  assert.deepEqual(lines[0], { index: 0, level: 'log', text, line })
  assert.deepEqual(lines[1], { index: 0, level: 'warn', text: 'x'.repeat(999), line })
  assert.deepEqual(lines[2], { index: 0, level: 'error', text: '[object]', line })
  assert.deepEqual(lines[99], { index: 0, level: 'debug', text: '96', line })
})

test('the lines of a call come before its end is told, and after that of the call before it', async () => {
  const world = new World(
    shared,
    contract("console.log('before'); await System.files.mkdir('/'); console.log('after')")
  )
  const seen: string[][] = []
  world.end = () => {
    seen.push(lines.map(({ index, text }) => `${index} ${text}`))
    return Promise.resolve()
  }
  lines.length = 0
  assert.equal(await world.batch({ method: 'run' }, { method: 'run' }), 2)
  const first = ['0 before', '0 after']
  assert.deepEqual(seen, [first, [...first, '1 before', '1 after']])
})

test('a call that fails says so in the log, with the line where the error was made', async () => {
  const source = `
    exports.fine = async () => console.log('fine')
    exports.fails = async () => {
      console.log('about to')
      JSON.parse('{')
    }
    exports.made = async () => {
      const error = Object.assign(new Error('x'), { code: 'C' })
      throw error
    }
    exports.engine = async () => null.x
    exports.asked = async () => System.files.readFile('/none')
    exports.text = async () => { throw 'text' }
    exports.loops = async () => {
      console.log('once')
      for (;;);
    }`
  const world = new World(shared, source)
  lines.length = 0
  const methods = ['fine', 'fails', 'made', 'engine', 'asked', 'text', 'loops', 'none']
  assert.equal(await world.batch(...methods.map(method => ({ method }))), methods.length)
  for (const found of lines) found.text = found.text.replace(/^SyntaxError: .*/s, 'SyntaxError') // the engine's words
  assert.deepEqual(
    lines.map(({ index, level, text, line }) => [index, level, text, line]),
    [
      [0, 'log', 'fine', null],
      [1, 'log', 'about to', null],
      [1, 'error', 'SyntaxError', 5],
      [2, 'error', 'Error: x', 8],
      [3, 'error', "TypeError: Cannot read properties of null (reading 'x')", 11],
      [4, 'error', "Error: ENOENT: no such file or directory, open '/none'", null],
      [5, 'error', 'Error: a string was thrown: text', null],
      [6, 'log', 'once', null],
      [6, 'error', 'LimitError: the call has used up its gas', null],
      [7, 'error', 'Error: the contract has no method none', null]
    ]
  )
})
