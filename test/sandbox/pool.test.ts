// How executors share the children of a process.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Executor, type ExecutorOptions } from '../../lib/sandbox/executor.js'
import { Pool, type PoolOptions } from '../../lib/sandbox/pool.js'
import { Sources } from '../../lib/sandbox/slots.js'
import type { SystemAnswer } from '../../lib/sandbox/types.js'
import { until } from '../helpers/until.js'
import {
  contract,
  executor,
  HASTY,
  MOST_GAS,
  once,
  SPIN,
  spinner,
  toCall,
  World,
  type TestCall
} from './helper.js'

const PATIENT = 60_000
const ASK = contract("await System.files.mkdir('/'); await System.files.mkdir('/')")
const turn = () => new Promise(setImmediate)

function poolOf(t: TestContext, options: PoolOptions) {
  const pool = new Pool(options)
  return { pool, join: (more?: ExecutorOptions) => executor(t, { pool, watchdog: PATIENT, ...more }) }
}

/** An executor of the pool whose child is in an endless loop by now. */
async function spinning(join: () => Executor) {
  const executor = join()
  let run = Promise.resolve(0)
  await new Promise<void>(resolve => {
    run = spinner(executor, resolve).batch({ method: 'run' })
    run.catch(() => {}) // it is closed before it ends
  })
  return { executor, run }
}

test('a pool that is kept warm has a child before anybody comes, keeps it, and starts another if it dies', async t => {
  const { pool, join } = poolOf(t, { size: 2, extra: 0 })
  const keeper = join()
  keeper.keepWarm()
  await until(
    () => pool.pids.length === 1,
    () => 'there is no child'
  )
  const [first] = pool.pids
  const cold = poolOf(t, { size: 2, extra: 0 })
  for (const pool of [join, cold.join]) await once(pool({ idle: 1 }), 'return 1')
  await until(
    () => cold.pool.pids.length === 0,
    () => 'a child is not ended'
  )
  assert.deepEqual(pool.pids, [first])
  process.kill(first, 'SIGKILL')
  await until(
    () => pool.pids.length === 1 && pool.pids[0] !== first,
    () => 'there is no other child'
  )
  await keeper.close()
})

test('a batch has its child for itself, and there are no more children than there should be', async t => {
  const { pool, join } = poolOf(t, { size: 2, extra: 0 })
  const busy = new Map<number, Executor>()
  let most = 0
  let parallel = false
  const runs = Array.from({ length: 12 }, async (_, i) => {
    const own = join()
    const world = new World(own, ASK + `//${i}`)
    const system = world.system.bind(world)
    world.system = async (...args) => {
      assert.equal(busy.get(own.pid!) ?? own, own)
      busy.set(own.pid!, own)
      do {
        parallel ||= busy.size === 2
        most = Math.max(most, pool.pids.length)
        await turn()
      } while (!parallel)
      return system(...args)
    }
    world.end = () => Promise.resolve(void busy.delete(own.pid!))
    for (let round = 0; round < 3; round++)
      assert.equal(await world.batch({ method: 'run' }, { method: 'run' }), 2)
  })
  await Promise.all(runs)
  assert.equal(most, 2)
})

test('many batches of one VM do not hold up the one of another', async t => {
  const { join } = poolOf(t, { size: 1, extra: 0 })
  const [many, few] = [join(), join()]
  const order: string[] = []
  const note = (name: string) => () => order.push(name)
  const runs = Array.from({ length: 5 }, () => once(many, 'return 1').then(note('many')))
  runs.push(once(few, 'return 1').then(note('few')))
  await Promise.all(runs)
  assert.deepEqual(order, ['many', 'few', 'many', 'many', 'many', 'many'])
})

test('an executor whose batches go well does not wait behind all those that nobody knows', async t => {
  const { pool, join } = poolOf(t, { size: 1, extra: 0 })
  const good = join()
  await once(good, 'return 1')
  const order: string[] = []
  const { executor: hostile } = await spinning(join)
  const strangers = [1, 2, 3].map(n => once(join(), 'return 1').then(() => order.push(`stranger ${n}`)))
  const known = once(good, 'return 1').then(() => order.push('good'))
  await hostile.close()
  await Promise.all([...strangers, known])
  assert.deepEqual(order, ['good', 'stranger 1', 'stranger 2', 'stranger 3'])
  assert.equal(pool.pids.length, 1)
})

test('contracts that are killed again and again wait for each other, the others do not', async t => {
  const { pool, join } = poolOf(t, { size: 2, extra: 0 })
  const [first, second] = [join({ watchdog: HASTY }), join({ watchdog: HASTY })]
  for (const hostile of [first, second]) {
    assert.equal(await new World(hostile, contract(SPIN), { gas: MOST_GAS }).batch({ method: 'run' }), 0)
  }
  // the two of them have no more than one child together from now on, and would have it for long
  let asked = 0
  const world = new World(first, contract("await System.files.mkdir('/')"), { gas: MOST_GAS })
  const system = async (): Promise<SystemAnswer> => {
    asked++
    while (honest < 20) await turn()
    return { ok: true, value: null }
  }
  let honest = 0
  world.system = system
  const other = new World(second, world.source, world.options)
  other.system = system
  const runs = [world.batch({ method: 'run' }), other.batch({ method: 'run' })]
  while (asked === 0) await turn()
  const innocent = join()
  for (; honest < 20; honest++) assert.deepEqual(await once(innocent, 'return 1'), { value: 1 })
  assert.equal(asked, 1)
  assert.deepEqual(await Promise.all(runs), [1, 1])
  assert.equal(pool.pids.length, 2)
})

test('a child more is started for a batch that waits for long, and ended after it', async t => {
  const { pool, join } = poolOf(t, { size: 1, extra: 1 })
  const { executor: hostile } = await spinning(join)
  const innocent = join()
  assert.deepEqual(await once(innocent, 'return 1'), { value: 1 })
  const [spins] = pool.pids
  assert.deepEqual(pool.pids, [spins])
  assert.equal(hostile.pid, spins)
  await hostile.close()
  assert.deepEqual(await once(innocent, 'return 2'), { value: 2 })
})

test('closing an executor ends nothing but its own batch', async t => {
  const { pool, join } = poolOf(t, { size: 2, extra: 0 })
  const { executor: hostile, run } = await spinning(join)
  const lasting = await spinning(join)
  const before = pool.pids
  assert.equal(before.length, 2)
  const waiting = once(hostile, 'return 1')
  waiting.catch(() => {})
  await hostile.close()
  await assert.rejects(run, { code: 'CLOSED' })
  await assert.rejects(waiting, { code: 'CLOSED' })
  assert.equal(lasting.executor.pid, before[1])
  assert.deepEqual(await once(join(), 'return 1'), { value: 1 })
  assert.equal(pool.pids.includes(before[1]), true)
})

test('a child that was killed is replaced before anybody asks', async t => {
  const { pool, join } = poolOf(t, { size: 2, extra: 0 })
  const own = join({ watchdog: HASTY })
  let killed: number | null = null
  const world = spinner(own, () => (killed = own.pid))
  assert.equal(await world.batch({ method: 'run' }), 0)
  assert.notEqual(killed, null)
  while (pool.pids.length === 0) await turn()
  assert.equal(pool.pids.length, 1)
  assert.notEqual(pool.pids[0], killed)
})

test('a thousand idle executors have no children and hold nothing', async () => {
  const before = process.getActiveResourcesInfo()
  const pool = new Pool()
  const executors = Array.from({ length: 1000 }, () => new Executor({ pool }))
  assert.deepEqual(pool.pids, [])
  assert.ok(process.getActiveResourcesInfo().length <= before.length)
  await Promise.all(executors.map(executor => executor.close()))
})

test('the last executor to close takes the children with it', async () => {
  const pool = new Pool({ size: 1, extra: 0 })
  const [first, second] = [new Executor({ pool }), new Executor({ pool })]
  for (const own of [first, second]) await once(own, 'return 1')
  await first.close()
  assert.equal(pool.pids.length, 1)
  await second.close()
  assert.equal(pool.pids.length, 0)
})

test('a batch gets a child that has its source already', async t => {
  const { pool, join } = poolOf(t, { size: 2, extra: 0 })
  const seen = new Map<string, number>()
  const worlds = [1, 2].map(n => {
    const own = join()
    const world = new World(own, ASK + `//${n}`)
    world.system = async () => {
      seen.set(world.source, own.pid!)
      while (seen.size < 2) await turn()
      return { ok: true, value: null }
    }
    return world
  })
  await Promise.all(worlds.map(world => world.batch({ method: 'run' })))
  assert.equal(new Set(seen.values()).size, 2)
  assert.equal(pool.pids.length, 2)
  const before = new Map(seen)
  for (const world of [...worlds, ...worlds.reverse()]) await world.batch({ method: 'run' })
  assert.deepEqual(seen, before)
})

test('the sources that a child has are the last ones, and not too much together', () => {
  const sources = new Sources()
  for (let i = 0; i < 32; i++) assert.deepEqual(sources.add(`s${i}`), { slot: i, dropped: [] })
  assert.equal(sources.find('s0'), 0)
  assert.deepEqual(sources.add('more'), { slot: 1, dropped: [] }) // s1 was used longest ago
  assert.deepEqual([sources.find('s0'), sources.find('s1'), sources.find('more')], [0, null, 1])
  const large = 'x'.repeat(1024 * 1024 - 10)
  const { slot, dropped } = sources.add(large)
  assert.equal(dropped.length, 28)
  assert.equal(sources.find(large), slot)
  assert.equal(sources.find('more'), 1)
  assert.deepEqual(sources.add(large + '!'.repeat(9)).dropped.length, 3)
  assert.equal(sources.has('more'), false)
})

const COUNT = `
exports.run = async n => { await System.files.mkdir('/'); return [n, System.vm.index] }
exports.fast = async n => n
exports.spin = async () => { ${SPIN} }`

test('a batch that is cut between two calls, or in one, leaves its child as it was', async t => {
  const { join } = poolOf(t, { size: 1, extra: 0 })
  const own = join()
  const calls = (method: string) => Array.from({ length: 200 }, (_, n) => toCall({ method, args: [n] }, n))
  let pid: number | null = null
  for (const [method, position] of [
    ['fast', 0],
    ['fast', 3],
    ['fast', 77],
    ['run', 5],
    ['run', 199]
  ] as const) {
    const world = new World(own, COUNT)
    const end = world.end.bind(world)
    world.end = async (at, result) => {
      pid ??= own.pid
      assert.equal(own.pid, pid)
      await end(at, result)
      if (at === position) throw new Error('enough')
    }
    await assert.rejects(own.run(COUNT, calls(method), world), /enough/)
    assert.equal(world.ended.length, position + 1)
  }
  for (const at of [0, 4, 9]) {
    const world = new World(own, COUNT)
    world.system = position => {
      if (position === at) return Promise.reject(new Error('disk on fire'))
      return Promise.resolve({ ok: true, value: null })
    }
    await assert.rejects(own.run(COUNT, calls('run'), world), /disk on fire/)
    assert.equal(world.ended.length, at)
  }
  const world = new World(own, COUNT)
  world.system = () => {
    assert.equal(own.pid, pid)
    return Promise.resolve({ ok: true, value: null })
  }
  assert.equal(await own.run(COUNT, calls('run'), world), 200)
  assert.deepEqual(world.ended[199], { value: [199, 199] })
})

test('a batch that is cut while the next call spins costs its child, and nobody else', async t => {
  const { pool, join } = poolOf(t, { size: 1, extra: 0 })
  const own = join()
  const world = new World(own, COUNT, { gas: MOST_GAS })
  // after so many fast ones, several calls are in the child at once; what the last one returns it says right away
  const calls: TestCall[] = Array.from({ length: 99 }, () => ({ method: 'fast' }))
  const last = { method: 'fast', args: ['x'.repeat(2 ** 17)] }
  world.end = position => (position === 99 ? Promise.reject(new Error('enough')) : Promise.resolve())
  await assert.rejects(world.batch(...calls, last, ...calls.map(() => ({ method: 'spin' }))), /enough/)
  assert.deepEqual(await once(own, 'return 1'), { value: 1 })
  assert.equal(pool.pids.length, 1)
})
