// A copy that is closed while something is waited for: whoever waits is told that, and not how Hypercore calls it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VMSError } from '../../lib/errors.js'
import type { Replica } from '../../lib/replica/replica.js'
import { Ground } from '../helpers/ground.js'
import { SOURCE } from '../helpers/story.js'

const ground = await Ground.open()

/** More than what is waited for takes, if it comes. */
const TIMEOUT = 20_000

const isClosed = (error: unknown) => error instanceof VMSError && error.code === 'CLOSED'

const WAITING: [string, (replica: Replica) => Promise<unknown>][] = [
  ['for a block', replica => replica.bytes(2, TIMEOUT)],
  ['until the copy was compared with what the host has signed', replica => replica.sync(TIMEOUT)]
]

for (const [what, wait] of WAITING) {
  test(`closed while one waits ${what}`, async () => {
    const forger = await ground.forger()
    const vm = await forger.vm({ source: SOURCE })
    await vm.init()
    for (const n of [1, 2, 3]) await vm.call('add', [n])
    vm.shown = await vm.head(3)
    await vm.publish()
    await forger.withhold(vm, 'log', 2)
    const replica = ground.replica(vm.key)
    await replica.ready()
    assert.ok(await replica.until(() => replica.host !== null && replica.log.length === 5, TIMEOUT))

    const log = replica.log as typeof replica.log & { onwait: () => void }
    const asked = new Promise<void>(resolve => (log.onwait = resolve))
    const waiting = assert.rejects(wait(replica), isClosed)
    await asked
    await new Promise(resolve => setImmediate(resolve))
    await replica.close()
    await waiting
    await forger.close()
  })
}
