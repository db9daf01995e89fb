// Contracts that attack the sandbox, the host, or other calls.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { Executor } from '../../lib/sandbox/executor.js'
import { decodeChildFrame, encodeChildFrame, FrameReader, MAX_FRAME } from '../../lib/sandbox/frames.js'
import { SandboxProcess } from '../../lib/sandbox/process.js'
import { alive, contract, executor, once, toCall, World } from './helper.js'

const shared = new Executor({ watchdog: 250 })
after(() => shared.close())

const PATIENT = 60_000 // for what must not end by the watchdog

test('an endless call is killed, the calls after it run in a second run', async () => {
  const world = new World(shared, 'exports.spin = async () => { for (;;); }; exports.ok = async n => n')
  const calls = [{ method: 'ok', args: [1] }, { method: 'spin' }, { method: 'ok', args: [3] }]
  assert.equal(await world.batch(...calls), 1)
  assert.deepEqual(world.ended, [{ value: 1 }])
  assert.equal(await world.batch(...calls.slice(2)), 1)
  assert.deepEqual(world.ended, [{ value: 3 }])
})

test('ways to be endless', async () => {
  for (const body of [
    'for (;;) await null',
    '(async () => { for (;;) await null })()',
    "/^(a+)+$/.test('a'.repeat(40) + '!')"
  ]) {
    assert.equal(await new World(shared, contract(body)).batch({ method: 'run' }), 0, body)
  }
})

test('the watchdog counts each call alone, and not the time of the host', async t => {
  const own = executor(t, { watchdog: 250 })
  const busy = () => {
    const end = performance.now() + 200
    while (performance.now() < end);
  }
  const world = new World(own, contract("await System.files.mkdir('/'); await System.files.mkdir('/')"))
  const system = world.system.bind(world)
  world.system = (...args) => {
    busy()
    return system(...args)
  }
  assert.equal(await world.batch({ method: 'run' }, { method: 'run' }), 2)
})

test('memory bombs end the child, not the host', async t => {
  const own = executor(t, { watchdog: PATIENT })
  for (const body of [
    'const m = new Map(); for (let i = 0; ; i++) m.set(i, [i])',
    'const m = []; for (;;) m.push(new Uint8Array(1e8).fill(1))'
  ]) {
    assert.equal(await new World(own, contract(body)).batch({ method: 'run' }), 0, body)
  }
  assert.equal(await new World(shared, contract('Array(2 ** 32 - 1).fill(0)')).batch({ method: 'run' }), 0)
  assert.deepEqual(await once(own, 'return 1'), { value: 1 })
})

test('a full stack is no outcome', async () => {
  assert.equal(await new World(shared, contract('const f = () => f(); f()')).batch({ method: 'run' }), 0)
  assert.equal(await new World(shared, '!'.repeat(100_000)).batch({ method: 'run' }), 0)
})

test('getters of what is thrown or returned never run', async () => {
  const bomb = '{ for (;;); }'
  assert.deepEqual(await once(shared, `throw { get message() ${bomb} }`), {
    name: 'Error',
    message: 'an object was thrown',
    code: null
  })
  const members = ['name', 'message', 'code', 'stack', 'constructor']
    .map(name => `get ${name}() ${bomb}`)
    .join()
  const thrown = `Object.defineProperties(new Error('x'), Object.getOwnPropertyDescriptors({ ${members} }))`
  assert.deepEqual(await once(shared, `throw ${thrown}`), { name: 'Error', message: '', code: null })
  assert.deepEqual(await once(shared, `Promise.reject(${thrown}); await null; return 1`), { value: 1 })
  assert.deepEqual(await once(shared, `return { get a() ${bomb} }`), {
    name: 'TypeError',
    message: 'the result cannot be carried: an accessor property is not a value',
    code: 'INVALID_VALUE'
  })
  assert.equal(
    JSON.stringify(await once(shared, `return { toJSON() ${bomb} }`)).includes('INVALID_VALUE'),
    true
  )
  assert.equal(
    JSON.stringify(await once(shared, `return [{ then() ${bomb} }]`)).includes('INVALID_VALUE'),
    true
  )
})

test('a thenable is awaited while the call runs, once', async () => {
  assert.deepEqual(await once(shared, 'return { then(done) { done(1); done(2) } }'), { value: 1 })
  const late = "return { then(done) { done({ then(again) { System.files.mkdir('/x'); again(3) } }) } }"
  assert.deepEqual(await once(shared, late), { value: 3 })
})

test('a contract cannot leave its wrapper', async () => {
  const source = '}});globalThis.x = 1;(function(){{'
  assert.deepEqual(await new World(shared, source).call('a'), {
    name: 'Error',
    message: 'Unexpected token (1:1)',
    code: 'INVALID_CONTRACT'
  })
  const closing = '}) }); exports; (function () { (function () {'
  assert.match(JSON.stringify(await new World(shared, closing).call('a')), /INVALID_CONTRACT/)
  const top = 'const n = [arguments.length, typeof this]; exports.run = async () => n'
  assert.deepEqual(await new World(shared, top).call('run'), { value: [0, 'undefined'] })
  assert.match(
    JSON.stringify(await new World(shared, 'exports.run = 1\n<!-- }})').call('a')),
    /INVALID_CONTRACT/
  )
})

test('no way to code, Node or the machine', async () => {
  for (const expression of [
    "constructor.constructor('return process')()",
    "(async () => {}).constructor('return process')()",
    "(function* () {}).constructor('return process')()",
    "args.constructor.constructor('return process')()",
    "System.files.stat.constructor('return process')()",
    "console.log.constructor('return process')()",
    "new args[0].constructor.constructor('return process')()"
  ]) {
    assert.equal(
      JSON.stringify(await once(shared, `return String(${expression})`, {})).includes('TypeError'),
      true
    )
  }
  const names =
    `process require global Buffer eval Function Compartment Proxy BigInt BigInt64Array WeakRef Intl
    FinalizationRegistry WebAssembly SharedArrayBuffer Atomics Float32Array Float64Array TextDecoder escape unescape
    lockdown harden assert setTimeout fetch performance`.split(/\s+/)
  const body = 'return args.filter(name => name in globalThis || Reflect.has(globalThis, name))'
  assert.deepEqual(await once(shared, body, ...names), { value: [] })
  assert.deepEqual(
    await once(shared, 'return [typeof process, typeof require, typeof Proxy, typeof setTimeout]'),
    {
      value: ['undefined', 'undefined', 'undefined', 'undefined']
    }
  )
  assert.deepEqual(
    await once(shared, "return ['getBigInt64', 'setBigUint64'].map(m => m in DataView.prototype)"),
    {
      value: [false, false]
    }
  )
})

test('the bits of NaN are always the same', async () => {
  const body = `
    const view = new DataView(new ArrayBuffer(8))
    view.setUint32(0, 0xfff12345); view.setUint32(4, 0x6789)
    view.setFloat64(0, view.getFloat64(0))
    return view.getUint32(0) + view.getUint32(4)`
  assert.deepEqual(await once(shared, body), { value: 0x7ff80000 })
})

test('a loop that dangles from one call does nothing in the next', async () => {
  const world = new World(
    shared,
    `exports.a = async () => { (async () => { for (;;) await System.files.writeFile('/evil', System.caller.id) })() }
     exports.b = async () => { for (let i = 0; i < 5; i++) await System.files.writeFile('/good', 'b') }`
  )
  assert.equal(await world.batch({ method: 'a' }, { method: 'b' }), 2)
  assert.deepEqual(world.asked, [
    '0 files.writeFile /evil',
    ...Array<string>(5).fill('1 files.writeFile /good')
  ])
})

test('frames that no honest child sends', () => {
  const good = encodeChildFrame({ type: 'abort', position: 1 }).subarray(4)
  assert.deepEqual(decodeChildFrame(good), { type: 'abort', position: 1 })
  assert.throws(() => decodeChildFrame(new Uint8Array([...good, 0])))
  assert.throws(() => decodeChildFrame(new Uint8Array([])))
  assert.throws(() => decodeChildFrame(new Uint8Array([99])))
  for (let seed = 1; seed < 2000; seed++) {
    let state = seed
    const bytes = Uint8Array.from({ length: seed % 40 }, () => (state = (state * 48271) % 2147483647) % 256)
    bytes[0] = seed % 7
    try {
      decodeChildFrame(bytes)
    } catch (error) {
      assert.ok(error instanceof Error)
    }
  }
  const header = (length: number) => new Uint8Array(new Uint32Array([length]).buffer)
  assert.throws(() => new FrameReader().push(header(MAX_FRAME + 1)))
  assert.throws(() => new FrameReader().push(header(0)))
  const reader = new FrameReader()
  const bytes = [...encodeChildFrame({ type: 'ready' }), ...encodeChildFrame({ type: 'abort', position: 7 })]
  const frames = bytes.flatMap(byte => reader.push(new Uint8Array([byte])).map(decodeChildFrame))
  assert.deepEqual(frames, [{ type: 'ready' }, { type: 'abort', position: 7 }])
})

test('a child that talks nonsense to its host is ended', async () => {
  const child = new SandboxProcess()
  child.send({ type: 'answer', answer: { ok: true, value: null } }) // nobody asked: it gives up
  assert.equal(await child.next({ ms: PATIENT }), null)
  await child.kill()
  assert.equal(child.ready, true)
})

test('a child that is killed from outside counts as killed', async t => {
  const own = executor(t, { watchdog: PATIENT, onconsole: () => process.kill(own.pid!, 'SIGKILL') })
  assert.equal(await new World(own, contract("console.log('now'); for (;;);")).batch({ method: 'run' }), 0)
  assert.deepEqual(await once(own, 'return 1'), { value: 1 })
})

test(
  'no child outlives its parent, even one that loops',
  { skip: process.platform !== 'linux' },
  async () => {
    const script = `
    import { Executor } from ${JSON.stringify(new URL('../../lib/sandbox/executor.js', import.meta.url).href)}
    const executor = new Executor({ watchdog: 60000, onconsole: () => console.log(executor.pid) })
    const call = { ...${JSON.stringify(toCall({ method: 'run' }, 0))}, args: new Uint8Array([8, 0]) }
    await executor.run(${JSON.stringify(contract("console.log('x'); for (;;);"))}, [call], {})`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    const pid = await new Promise<number>(resolve =>
      parent.stdout.once('data', data => resolve(Number(data)))
    )
    const stat = (path: string) => readFileSync(path, 'utf8')
    assert.equal(alive(pid, stat), true)
    const exited = new Promise(resolve => parent.once('exit', resolve))
    parent.kill('SIGKILL')
    await exited
    const end = performance.now() + 5000
    while (alive(pid, stat) && performance.now() < end) await new Promise(setImmediate)
    assert.equal(alive(pid, stat), false)
  }
)
