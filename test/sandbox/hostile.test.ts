// Contracts that attack the host, each other or other calls, and children that are not what they should be. What a contract
// does to itself is in hostile/.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Executor } from '../../lib/sandbox/executor.js'
import { decodeChildFrame, encodeChildFrame, FrameReader, MAX_FRAME } from '../../lib/sandbox/frames.js'
import { isolation } from '../../lib/sandbox/isolation.js'
import { SandboxProcess } from '../../lib/sandbox/process.js'
import { contract, executor, HASTY, MOST_GAS, once, SPIN, World } from './helper.js'

const PATIENT = 60_000 // for what must not end by the watchdog

const shared = new Executor({ watchdog: PATIENT })
after(() => shared.close())

test('an endless call ends, and the calls after it are none the worse', async () => {
  const world = new World(shared, 'exports.spin = async () => { for (;;); }; exports.ok = async n => n')
  const calls = [{ method: 'ok', args: [1] }, { method: 'spin' }, { method: 'ok', args: [3] }]
  assert.equal(await world.batch(...calls), 3)
  const message = 'the call has used up its gas'
  assert.deepEqual(world.ended, [
    { value: 1 },
    { name: 'LimitError', message, code: 'OUT_OF_GAS' },
    { value: 3 }
  ])
  assert.deepEqual([world.gas[1], world.gas[0] < 1000, world.gas[2]], [10_000_000, true, world.gas[0]])
})

test('a call that is killed ends the run, the calls after it run in a second run', async t => {
  const own = executor(t, { watchdog: HASTY })
  const source = `exports.spin = async () => { ${SPIN} }; exports.ok = async n => n`
  const world = new World(own, source, { gas: MOST_GAS })
  const calls = [{ method: 'ok', args: [1] }, { method: 'spin' }, { method: 'ok', args: [3] }]
  assert.equal(await world.batch(...calls), 1)
  assert.deepEqual(world.ended, [{ value: 1 }])
  assert.equal(await world.batch(...calls.slice(2)), 1)
  assert.deepEqual(world.ended, [{ value: 3 }])
})

test('the watchdog counts each call alone, and not the time of the host', async t => {
  const own = executor(t, { watchdog: 1000 })
  const busy = () => {
    const end = performance.now() + 700
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

test('nothing shows the bits of NaN, which differ between machines', async () => {
  const body = `
    const names = Object.getOwnPropertyNames(DataView.prototype).filter(name => /Float|Big/.test(name))
    return [...names, ...Object.getOwnPropertyNames(globalThis).filter(name => /Float\\d|Big/.test(name))]`
  assert.deepEqual(await once(shared, body), { value: [] })
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
  const child = new SandboxProcess(await isolation())
  child.send({ type: 'answer', answer: { ok: true, value: null } }) // nobody asked: it gives up
  assert.equal(await child.next({ ms: PATIENT }), null)
  await child.kill()
  assert.equal(child.ready, true)
})
