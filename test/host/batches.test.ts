// Long batches: a host answers while it works, it closes without working off its queue, and what a call may cost it in
// looking up files has a bound that the auditor meets at the same place.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { audit } from '../../lib/audit/auditor.js'
import { CallError } from '../../lib/client/errors.js'
import type { VMSClient } from '../../lib/client/client.js'
import { MAX_STEPS } from '../../lib/files/bounded.js'
import type { Refusal } from '../../lib/ledger/messages.js'
import { Replica } from '../../lib/replica/replica.js'
import { local, type Local } from '../helpers/local.js'

const CALLS = 24

/** About how long a call computes, ms. */
const LONG_MS = 200

/** So that a call can be long. */
const MUCH = { gas: 2 ** 31 - 1 }

const SOURCE = `
exports.count = async steps => {
  let sum = 0
  for (let i = 0; i < steps; i++) sum += i
  const count = Number(await System.files.readFile('/count').catch(() => '0')) + 1
  await System.files.writeFile('/count', String(count))
  return count
}
exports.single = () => 'done'
`

interface Contract {
  count(steps: number): number
  single(): string
}

const FOLDERS = 3
const FILES = 900

const LISTING = `
exports.fill = async folder => {
  for (let i = 0; i < ${FILES}; i++) await System.files.writeFile('/many/' + folder + '/' + i, 'x')
}
const again = async (times, work) => {
  let failed = 0
  for (let i = 0; i < times; i++) await work().catch(() => failed++)
  return failed
}
exports.list = times => again(times, () => System.files.readdir('/many', { recursive: true }))
exports.remove = times => again(times, async () => {
  await System.files.rmdir('/many/0', { recursive: true })
  await System.files.writeFile('/many/0/0', 'x')
})
exports.removed = async times => {
  await System.files.rmdir('/many/0', { recursive: true })
  return again(times, () => System.files.readdir('/many/0'))
}
exports.single = () => 'done'
`

interface Listing {
  fill(folder: number): void
  list(times: number): number
  remove(times: number): number
  removed(times: number): number
  single(): string
}

describe('long batches', () => {
  let net: Local
  before(async () => (net = await local()))
  after(() => net.close())

  /** How far a contract has to count to be busy for LONG_MS on this machine, once its process is warm. */
  async function longCount(client: VMSClient<Contract>): Promise<number> {
    const took = async (steps: number) => {
      const times: number[] = []
      for (let i = 0; i < 3; i++) {
        const start = performance.now()
        await client.count(steps)
        times.push(performance.now() - start)
      }
      return Math.min(...times)
    }
    for (let steps = 1e6; ; steps *= 2) {
      const ms = (await took(steps)) - (await took(0)) // what a call takes beside counting is not its own
      if (ms >= LONG_MS / 2) return Math.ceil((steps * LONG_MS) / ms)
    }
  }

  test('are answered block by block, and whoever comes after them need not wait for all of them', async () => {
    const service = await net.deploy(await net.host('blocks'), SOURCE, MUCH)
    const [a, b] = [net.client<Contract>(service.key), net.client<Contract>(service.key)]
    await b.single()
    const steps = await longCount(a)
    const before = service.machine.calls
    const order: string[] = []
    const noted = async <T>(name: string, call: Promise<T>) => {
      const result = await call
      order.push(name)
      return result
    }
    const many = Array.from({ length: CALLS }, () => noted('a', a.request('count', [steps])))
    const [first] = (await once(service, 'commit')) as [unknown[]]
    const single = noted('b', b.request('single', []))
    assert.ok(first.length < CALLS, `the first block holds all ${CALLS} calls`)
    await many[0]
    assert.ok(service.machine.calls < before + CALLS, 'the first answer came after the last call')

    const results = await Promise.all(many)
    const blocks = new Set(results.map(({ block }) => block))
    assert.ok(blocks.size >= 3, `${CALLS} calls of ${LONG_MS} ms stand in ${blocks.size} blocks`)
    const counts = results.map(({ value }) => value as number).sort((a, b) => a - b)
    assert.deepEqual(
      counts,
      Array.from({ length: CALLS }, (_, i) => counts[0] + i)
    )
    // callers have turns, whatever the others have asked for before
    const last = Math.max(...results.map(({ index }) => index))
    assert.ok((await single).index < last)
    assert.equal(order.length, CALLS + 1)
    assert.notEqual(order.at(-1), 'b')
  })

  test('do not keep a host from closing: what waits is refused, and runs once where it is sent again', async () => {
    const host = await net.host('closing')
    const service = await net.deploy(host, SOURCE, MUCH)
    const client = net.plain(service.key, { timeout: 60_000 })
    const steps = await longCount(net.client<Contract>(service.key))
    const refused: string[] = []
    const { replica } = client as unknown as { replica: Replica }
    replica.on('refusal', ({ code }: Refusal) => refused.push(code))
    const before = service.machine.calls
    const calls = Promise.all(
      Array.from({ length: CALLS }, () => client.call('count', steps) as Promise<number>)
    )
    await once(service, 'commit')
    let blocks = 0
    const closed = host.close()
    service.on('commit', () => blocks++)
    await closed
    // what was executed while the first block was written, and what may have been begun by then
    assert.ok(blocks <= 2, `${blocks} more blocks were written after the host was told to close`)
    assert.ok(service.machine.calls < before + CALLS, 'all calls ran before the host was closed')

    const again = await net.host('closing')
    const counts = (await calls).sort((a, b) => a - b) // what is sent again need not come in the same order
    assert.deepEqual(
      counts,
      Array.from({ length: CALLS }, (_, i) => counts[0] + i)
    )
    assert.ok(refused.length > 0)
    assert.deepEqual([...new Set(refused)], ['HOST_CLOSING'])
    const [resumed] = again.services.values()
    assert.equal(resumed.machine.calls, before + CALLS)
  })

  test('of files that are looked up again and again end, with the same outcome in the audit', async () => {
    // the steps end the calls, not the time that they take here
    const host = await net.host('listing', { watchdog: 120_000 })
    const service = await net.deploy(host, LISTING)
    const client = net.client<Listing>(service.key, { timeout: 120_000 })
    for (let folder = 0; folder < FOLDERS; folder++) await client.fill(folder)
    const limited = (error: unknown) => {
      assert.ok(error instanceof CallError, String(error))
      assert.equal(error.thrown.code, 'LIMIT')
      assert.equal(error.thrown.message, `more than ${MAX_STEPS} steps of reading files`)
      return true
    }
    // a few times are no matter
    assert.equal(await client.list(3), 0)
    assert.equal(await client.removed(10), 0)
    await client.fill(0)
    // so often that the sandbox does not run for too long after the limit, where each time fails at once
    await assert.rejects(client.remove(1000), limited)
    await assert.rejects(client.removed(1000), limited)
    // the others, right behind: the same for them as if they came alone
    const [list, single] = await Promise.allSettled([client.list(100), client.single()])
    assert.ok(list.status === 'rejected' && limited(list.reason))
    assert.deepEqual(single, { status: 'fulfilled', value: 'done' })
    assert.equal((await client.files.readdir('/many/0')).length, FILES) // nothing of what they did was kept

    const replica = new Replica(service.key, { bootstrap: net.bootstrap, data: `${net.folder}/auditor` })
    try {
      const { verdict, findings, doubts } = await audit(replica, { timeout: 20_000 })
      assert.deepEqual([verdict, findings, doubts], ['verified', [], []])
    } finally {
      await replica.close()
    }
  })
})
