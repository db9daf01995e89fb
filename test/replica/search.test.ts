// A copy that has lost its host looks for it until it is there again, whatever fails meanwhile.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NoiseStream } from 'hyperswarm'
import { Peers } from '../../lib/replica/peers.js'
import { Channel } from '../../lib/swarm/channel.js'
import { Swarm } from '../../lib/swarm/swarm.js'
import { ALICE } from '../helpers/forger.js'
import { Ground } from '../helpers/ground.js'
import { until } from '../helpers/until.js'

const ground = await Ground.open()

test('a copy goes on looking for its host, also where the network was away for a while', async t => {
  const storage = ground.folder()
  const host = await ground.host(storage)
  const { key } = await host.deploy({ source: 'exports.a = () => 1', title: 'a', owner: ALICE })
  const replica = ground.replica(key)
  await replica.sync(20_000)
  const again = Object.getOwnPropertyDescriptor(Peers.prototype, 'searchAgain')!.value as () => Promise<void>
  const search = t.mock.method(Peers.prototype, 'searchAgain', async function (this: Peers) {
    if (search.mock.callCount() < 2) throw new Error('no network')
    await again.call(this)
  })
  await host.close()
  await until(
    () => search.mock.callCount() >= 3,
    () => `it was looked for ${search.mock.callCount()} times`
  )
  await ground.host(storage)
  assert.equal(await replica.until(() => replica.host !== null, 20_000), true)
})

test('a peer that does not have the VM when it is asked first is asked again', async () => {
  const storage = ground.folder()
  const host = await ground.host(storage)
  const { key } = await host.deploy({ source: 'exports.a = () => 1', title: 'a', owner: ALICE })
  await host.close()
  let [connections, asked] = [0, 0]
  const swarm = ground.keep(new Swarm({ bootstrap: ground.bootstrap }))
  swarm.on('connection', (stream: NoiseStream) => {
    connections++
    Channel.accept(stream, key, () => asked++) // which does not open it
  })
  await swarm.ready()
  await swarm.announce(key).flushed()
  await ground.replica(key).ready()
  await until(
    () => asked === 2,
    () => `it was asked ${asked} times`
  )
  assert.equal(connections, 1)
})
