// Runs that wait for each other, the child's comings and goings, and the order in which the handler is called.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Executor } from '../../lib/sandbox/executor.js'
import { contract, executor, once, toCall, World } from './helper.js'

const shared = new Executor()
after(() => shared.close())

test('runs wait for each other, and many sources take turns', async () => {
  const worlds = Array.from({ length: 20 }, (_, i) => new World(shared, contract(`return ${i}`)))
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
    await new Promise(setImmediate)
    events.push(`${event} ends`)
  }
  const source = contract("System.files.stat('/'); System.files.stat('/')")
  await own.run(source, [toCall({ method: 'run' }, 0), toCall({ method: 'run' }, 1)], {
    system: async position => {
      await step(`system ${position}`)
      return { ok: true, value: null }
    },
    end: position => step(`end ${position}`)
  })
  const order = ['system 0', 'system 0', 'end 0', 'system 1', 'system 1', 'end 1']
  assert.deepEqual(
    events,
    order.flatMap(event => [`${event} begins`, `${event} ends`])
  )
})

test('an idle child is ended and comes back', async t => {
  const own = executor(t, { idle: 0 })
  assert.equal(own.pid, null)
  await once(own, 'return 1')
  while (own.pid !== null) await new Promise(setImmediate)
  assert.deepEqual(await once(own, 'return 2'), { value: 2 })
})

test('close ends what runs', async () => {
  const own = new Executor({ watchdog: 60_000, onconsole: () => void own.close() })
  await assert.rejects(new World(own, contract("console.log('x'); for (;;);")).batch({ method: 'run' }), {
    code: 'CLOSED'
  })
  await own.close()
  await assert.rejects(own.inspect(''), { code: 'CLOSED' })
  await new Executor().close()
})
