// How runs end, and how children do: by themselves, by force, with their parent. No child is ever left behind.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Executor } from '../../lib/sandbox/executor.js'
import { isolation } from '../../lib/sandbox/isolation.js'
import { MAX_DATA, MAX_RESIDENT, resident } from '../../lib/sandbox/memory.js'
import { Pool } from '../../lib/sandbox/pool.js'
import { SandboxProcess } from '../../lib/sandbox/process.js'
import { fakes } from './fakes.js'
import {
  alive,
  contract,
  executor,
  HASTY,
  MOST_GAS,
  once,
  SPIN,
  spinner,
  toCall,
  World,
  type Ended
} from './helper.js'

const shared = new Executor()
after(() => shared.close())

const PATIENT = 60_000
/** How often it is looked how much memory a child has, ms. */
const LOOK_MS = 5
const linux = process.platform === 'linux'
const isAlive = (pid: number) => alive(pid, path => readFileSync(path, 'utf8'))
const turn = () => new Promise(setImmediate)

test('runs wait for each other, and many sources take turns', async () => {
  const worlds = Array.from({ length: 40 }, (_, i) => new World(shared, contract(`return ${i}`)))
  for (let round = 0; round < 2; round++) {
    const ended = await Promise.all(worlds.map(world => world.call('run')))
    assert.deepEqual(
      ended,
      worlds.map((_, i) => ({ value: i }))
    )
  }
  assert.equal(await shared.run('', [], new World(shared, '')), 0)
})

test('a handler that throws ends the run, not the executor', async t => {
  const own = executor(t)
  const bad = new World(own, contract("await System.files.stat('/')"))
  bad.system = () => Promise.reject(new Error('disk on fire'))
  await assert.rejects(bad.batch({ method: 'run' }), /disk on fire/)
  assert.deepEqual(await once(own, 'return 1'), { value: 1 })
})

test('handler methods are called one at a time, in order', async t => {
  const own = executor(t)
  const events: string[] = []
  const step = async (event: string) => {
    events.push(`${event} begins`)
    await turn()
    events.push(`${event} ends`)
  }
  const source = contract("System.files.stat('/'); System.files.stat('/')")
  await own.run(source, [toCall({ method: 'run' }, 0), toCall({ method: 'run' }, 1)], {
    system: async position => {
      await step(`system ${position}`)
      return { ok: true, value: null }
    },
    again: () => {},
    end: position => step(`end ${position}`)
  })
  const order = ['system 0', 'system 0', 'end 0', 'system 1', 'system 1', 'end 1']
  assert.deepEqual(
    events,
    order.flatMap(event => [`${event} begins`, `${event} ends`])
  )
})

test('a batch of many calls, one of which ends without gas', async t => {
  const own = executor(t, { watchdog: PATIENT })
  const world = new World(
    own,
    'exports.run = async n => { if (n === 333) for (;;); return [n, System.vm.index] }'
  )
  const calls = Array.from({ length: 500 }, (_, n) => ({ method: 'run', args: [n] }))
  const expected: Ended[] = calls.map((_, n) => ({ value: [n, n] }))
  expected[333] = { name: 'LimitError', message: 'the call has used up its gas', code: 'OUT_OF_GAS' }
  assert.equal(await world.batch(...calls), 500)
  assert.deepEqual(world.ended, expected)
})

test('a batch of many calls, one of which is killed by the watchdog', async t => {
  const own = executor(t, { watchdog: 3 * HASTY }) // the others run alone after it, and each has as long
  const source = `exports.run = async n => { if (n === 333) { ${SPIN} } return [n, System.vm.index] }`
  const world = new World(own, source, { gas: MOST_GAS })
  const calls = Array.from({ length: 500 }, (_, n) => ({ method: 'run', args: [n] }))
  assert.equal(await world.batch(...calls), 333)
  assert.deepEqual(
    world.ended,
    calls.slice(0, 333).map((_, n) => ({ value: [n, n] }))
  )
})

test('an idle child is ended and comes back', async t => {
  const pool = new Pool()
  const own = executor(t, { idle: 0, pool })
  assert.deepEqual([own.pid, pool.pids], [null, []])
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(await once(own, `return ${round}`), { value: round })
    while (pool.pids.length > 0) await turn()
  }
})

test('close ends what runs', async () => {
  const own = new Executor({ watchdog: PATIENT })
  await assert.rejects(spinner(own, () => void own.close()).batch({ method: 'run' }), { code: 'CLOSED' })
  await own.close()
  await assert.rejects(own.inspect(''), { code: 'CLOSED' })
  await new Executor().close()
})

test('close ends what waits, and a child that is about to start', async () => {
  const pool = new Pool({ size: 1, extra: 0 })
  const [first, second] = [new Executor({ pool }), new Executor({ pool })]
  const runs = [first, second].map(own => assert.rejects(once(own, 'return 1'), { code: 'CLOSED' }))
  await Promise.all([first.close(), second.close()])
  await Promise.all(runs)
  assert.deepEqual(pool.pids, [])
  const third = new Executor({ pool })
  assert.deepEqual(await once(third, 'return 1'), { value: 1 })
  const pids = pool.pids
  assert.equal(pids.length, 1)
  await third.close()
  if (linux) assert.equal(isAlive(pids[0]), false)
})

test('a child that is killed from outside counts as killed, and the next call finds another', async t => {
  const own = executor(t, { watchdog: PATIENT })
  assert.equal(await spinner(own, () => process.kill(own.pid!, 'SIGKILL')).batch({ method: 'run' }), 0)
  assert.deepEqual(await once(own, 'return 1'), { value: 1 })
})

test('a call without an outcome ends the run before it', async t => {
  const own = executor(t, { pool: fakes('aborts'), watchdog: PATIENT })
  const world = new World(own, '')
  assert.equal(await world.batch({ method: 'a' }, { method: 'b' }, { method: 'c' }), 1)
  assert.deepEqual(world.ended, [{ value: null }])
  assert.equal(await world.batch({ method: 'a' }), 1)
})

test('a source that fills the stack of the machine is no outcome', async t => {
  const own = executor(t, { watchdog: PATIENT })
  assert.equal(await new World(own, '!'.repeat(500_000)).batch({ method: 'run' }), 0)
  assert.deepEqual(await once(own, 'return 1'), { value: 1 })
})

// with so much gas that nothing but the bounds of the child is left
test('memory of every kind is bounded', { skip: !linux }, async t => {
  const own = executor(t, { watchdog: PATIENT })
  const kinds = [
    'const m = []; for (;;) m.push(Array(1000).fill(1.5))', // the heap
    'const m = new Map(); for (let i = 0; ; i++) m.set(i, [i])', // its large objects
    'const m = []; for (;;) m.push(new Uint8Array(1e7).fill(1))' // beside the heap
  ]
  const slower = [
    'const m = []; for (;;) m.push(new Uint8Array(1e6).fill(1))',
    "let s = 'x'; const m = []; for (;;) m.push([...(s + m.length).repeat(100)].join('y'))"
  ]
  for (const body of process.env.VMS_TEST_FULL ? [...kinds, ...slower] : kinds) {
    let most = 0
    let running = true
    const world = new World(own, contract(body), { gas: MOST_GAS })
    const run = world.batch({ method: 'run' }).finally(() => (running = false))
    while (running) {
      if (own.pid !== null) most = Math.max(most, resident(own.pid))
      await sleep(LOOK_MS)
    }
    assert.equal(await run, 0, body)
    assert.ok(most < MAX_DATA && most < MAX_RESIDENT * 1.3, `${most} bytes: ${body}`)
  }
  assert.deepEqual(await once(own, 'return 1'), { value: 1 })
})

test('a child that cannot be started is a clear error, each time anew', async t => {
  const missing = new Pool({
    start: async () => new SandboxProcess(await isolation(), ['/nowhere/to/be/found'])
  })
  const own = executor(t, { pool: missing })
  for (let round = 0; round < 2; round++) {
    await assert.rejects(
      once(own, 'return 1'),
      /^Error: the sandbox process cannot be started: .*(No such file|not found|ENOENT)/
    )
  }
  const broken = executor(t, { pool: fakes('broken') })
  await assert.rejects(broken.inspect(''), /cannot be started: something is missing/)
  const refused = executor(t, {
    pool: new Pool({ start: () => Promise.reject(new Error('no more processes')) })
  })
  await assert.rejects(refused.inspect(''), /cannot be started: no more processes/)
})

test('a child that speaks garbage, floods or lies is ended', async t => {
  await assert.rejects(once(executor(t, { pool: fakes('garbage') }), 'return 1'), /cannot be started/)
  for (const mode of ['endless', 'flood', 'shuffled']) {
    const pool = fakes(mode)
    const own = executor(t, { pool, watchdog: PATIENT })
    assert.equal(await new World(own, '').batch({ method: 'run' }), 0, mode)
  }
})

test('what a child says when nobody listens is not taken for an answer', async t => {
  const child = new SandboxProcess(await isolation())
  t.after(() => child.kill())
  await child.started
  assert.deepEqual([child.ready, child.silent], [true, true])
  child.send({ type: 'inspect', gas: 1e6, oracles: [], source: '' })
  while (child.silent) await turn()
  const children = [child, new SandboxProcess(await isolation())]
  const start = () => Promise.resolve(children.shift()!)
  const own = executor(t, { pool: new Pool({ size: 1, extra: 0, start }) })
  assert.deepEqual(await once(own, 'return 1'), { value: 1 })
  assert.equal(child.alive, false)
  assert.equal(children.length, 0)
})

test('the gas of the calls reaches the child, and makes the watchdog patient', async t => {
  const own = executor(t, { pool: fakes('slow'), watchdog: 50 })
  const spent: number[] = []
  const calls = [toCall({ method: 'run' }, 0), toCall({ method: 'run' }, 1)]
  const handler = {
    system: () => Promise.reject(new Error('not asked for')),
    again: () => {},
    end: (_position: number, { gas }: { gas: number }) => Promise.resolve(void spent.push(gas))
  }
  assert.equal(await own.run('', calls, handler), 0)
  assert.equal(await own.run('', calls, handler, { gas: 5000 }), 0)
  assert.equal(await own.run('', calls, handler, { gas: 2_000_000_000 }), 2)
  assert.deepEqual(spent, [2_000_000_000, 2_000_000_000])
})

/** Runs a script in a process of its own; it may print the pids of its children. */
function program(t: { after(fn: () => void): void }, script: string) {
  const url = (name: string) => JSON.stringify(new URL(`../../lib/sandbox/${name}.js`, import.meta.url).href)
  const prelude = `
    import { Executor } from ${url('executor')}
    import { sharedPool } from ${url('pool')}
    const call = { ...${JSON.stringify(toCall({ method: 'run' }, 0))}, args: new Uint8Array([8, 0]) }
    const handler = { system: async () => ({ ok: true, value: null }), again: () => {}, end: async () => {} }
    const print = () => console.log(JSON.stringify(sharedPool().pids))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', prelude + script], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.after(() => child.kill('SIGKILL'))
  const pids = new Promise<number[]>(resolve => {
    child.stdout.once('data', data => resolve(JSON.parse(String(data)) as number[]))
  })
  const exited = new Promise<number | null>(resolve => child.once('exit', resolve))
  const none = exited.then<never>(() => Promise.reject(new Error('it ended before it said anything')))
  none.catch(() => {})
  return { child, pids: Promise.race([pids, none]), exited }
}

async function gone(pids: number[]) {
  const end = performance.now() + 5000
  while (pids.some(isAlive) && performance.now() < end) await turn()
  assert.deepEqual(pids.filter(isAlive), [])
}

test('no child outlives its parent, neither one that loops nor one that rests', { skip: !linux }, async t => {
  const loops = JSON.stringify(contract(`await System.files.stat('/'); ${SPIN}`))
  const { child, pids, exited } = program(
    t,
    `
    const idle = new Executor()
    const busy = new Executor({ watchdog: 60000 })
    await Promise.all([idle.inspect(''), busy.inspect('')])
    const system = () => {
      setImmediate(print)
      return handler.system()
    }
    await busy.run(${loops}, [call], { ...handler, system }, { gas: ${MOST_GAS} })`
  )
  const before = await pids
  assert.equal(before.length, 2)
  assert.deepEqual(before.filter(isAlive), before)
  child.kill('SIGKILL')
  await exited
  await gone(before)
})

test('a program that closes nothing ends by itself, and its children with it', { skip: !linux }, async t => {
  const { pids, exited } = program(
    t,
    `
    await new Executor().run('exports.run = async () => 1', [call], handler)
    print()`
  )
  const before = await pids
  assert.equal(before.length, 1)
  assert.equal(await exited, 0)
  await gone(before)
})
