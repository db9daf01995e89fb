// When everything is announced anew: with a DHT that answers as it is told, and time that passes as it is told.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type DHT from 'hyperdht'
import type Hyperswarm from 'hyperswarm'
import { Watchdog, type Reach } from '../../lib/swarm/watchdog.js'

interface Address {
  host: string
  port: number
}

const node = (n: number): Address => ({ host: `10.0.0.${n}`, port: 1 })

/** What a server stands on, and what was asked of it. */
class Fake {
  relays = [node(1), node(2), node(3)]
  readonly silent = new Set<string>()
  /** where the nodes see us */
  at = { host: '192.0.2.1', port: 1000 }
  announced = 0
  readonly told: Reach[] = []
  readonly watchdog: Watchdog

  constructor(private readonly t: TestContext) {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const server = { refresh() {}, notifyOnline() {} }
    Object.defineProperty(server, 'relayAddresses', { get: () => this.relays })
    const topic = { refresh: () => Promise.resolve(this.announced++) }
    const swarm = { server, topics: () => [topic] }
    const dht = {
      firewalled: true,
      randomized: false,
      host: this.at.host,
      refresh() {},
      toArray: () => [node(9)],
      remoteAddress: () => null, // it is behind a router
      ping: ({ host }: Address) =>
        this.silent.has(host) ? Promise.reject(new Error('timeout')) : Promise.resolve({ to: { ...this.at } })
    }
    const onchange = (reach: Reach) => this.told.push(reach)
    this.watchdog = new Watchdog(swarm as unknown as Hyperswarm, dht as unknown as DHT, onchange)
    t.after(() => this.watchdog.stop())
    this.watchdog.start()
  }

  /** Lets a check pass. @returns how often everything was announced by it */
  async check(ms = 2000): Promise<number> {
    const { announced } = this
    this.t.mock.timers.tick(ms)
    await new Promise<void>(resolve => setImmediate(resolve))
    return this.announced - announced
  }
}

test('nothing is announced again while nothing changes', async t => {
  const fake = new Fake(t)
  assert.deepEqual([await fake.check(0), await fake.check(), await fake.check()], [0, 0, 0])
  assert.deepEqual(fake.told, [{ online: true, relays: 3, nat: 'cone' }])
})

test('another public address is announced, once', async t => {
  const fake = new Fake(t)
  await fake.check(0)
  fake.at = { host: '192.0.2.2', port: 1000 }
  assert.deepEqual([await fake.check(), await fake.check()], [1, 0])
})

test('a node that introduces us and does not answer is replaced, and the new one is announced', async t => {
  const fake = new Fake(t)
  await fake.check(0)
  fake.silent.add(node(2).host)
  assert.deepEqual([await fake.check(), await fake.check()], [1, 1])
  assert.deepEqual(fake.told.at(-1), { online: true, relays: 2, nat: 'cone' })
  fake.relays = [node(1), node(4), node(3)]
  assert.deepEqual([await fake.check(), await fake.check()], [1, 0])
  assert.deepEqual(fake.told.at(-1), { online: true, relays: 3, nat: 'cone' })
})

test('while the network is away nothing is announced, and everything as soon as it is back', async t => {
  const fake = new Fake(t)
  await fake.check(0)
  for (const n of [1, 2, 3, 9]) fake.silent.add(node(n).host)
  assert.deepEqual([await fake.check(), await fake.check(500)], [0, 0])
  assert.deepEqual(fake.told.at(-1), { online: false, relays: 0, nat: 'cone' })
  fake.relays = []
  fake.silent.delete(node(3).host)
  assert.equal(await fake.check(500), 1)
  assert.deepEqual(fake.told.at(-1), { online: true, relays: 0, nat: 'cone' })
  fake.silent.clear()
  fake.relays = [node(5), node(6), node(7)]
  assert.deepEqual([await fake.check(), await fake.check()], [1, 0])
})

test('once stopped it asks nobody', async t => {
  const fake = new Fake(t)
  await fake.check(0)
  fake.watchdog.stop()
  fake.at = { host: '192.0.2.2', port: 1000 }
  assert.equal(await fake.check(), 0)
})
