// The blocks that calls wait for: whoever calls says how long, so they come for as long as the call is not given up.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoggedCommits } from '../../lib/client/logged.js'
import { Ground } from '../helpers/ground.js'
import { SOURCE } from '../helpers/story.js'

const ground = await Ground.open()

/** Longer than anything but a call waits for a block, ms. */
const HOUR = 3_600_000

test('a block that nobody has for a long time is there once a peer has it', async t => {
  const forger = await ground.forger()
  const vm = await forger.vm({ source: SOURCE })
  await vm.init()
  for (const n of [1, 2]) await vm.call('add', [n])
  await vm.publish()
  await forger.withhold(vm, 'log', 3)
  const replica = ground.replica(vm.key)
  await replica.ready()
  assert.ok(await replica.until(() => replica.host !== null && replica.log.length === 4, 20_000))

  t.mock.timers.enable({ apis: ['setTimeout'] })
  const waiting = new LoggedCommits(replica).at(3)
  t.mock.timers.tick(HOUR)
  t.mock.timers.reset() // at once: only what was begun in between has the other clock
  await forger.deliver(vm)
  const { commit } = await waiting
  assert.deepEqual([commit?.first, commit?.records.length], [2, 1])
  await forger.close()
})
