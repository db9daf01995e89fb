// A copy with every block asks for room before it fetches any.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import b4a from 'b4a'
import type { NoiseStream } from 'hyperswarm'
import crypto from '../../lib/ledger/crypto.js'
import { closeCores, openOwnCores } from '../../lib/machine/cores.js'
import { BLOCK_BYTES, FullCopy } from '../../lib/replica/full-copy.js'
import { openStore } from '../../lib/replica/slot.js'
import { Swarm } from '../../lib/swarm/swarm.js'
import { Ground } from '../helpers/ground.js'
import { until } from '../helpers/until.js'

const BLOCKS = 1000

const ground = await Ground.open()

test('blocks without a byte take room too, and nothing is fetched without it', async () => {
  const opened = await openStore(ground.folder())
  const { store } = opened
  const cores = await openOwnCores(store, crypto.keyPair())
  await cores.log.append(Array.from({ length: BLOCKS }, () => b4a.alloc(0)))
  const swarm = new Swarm({ bootstrap: ground.bootstrap })
  swarm.on('connection', (stream: NoiseStream) => store.replicate(stream))
  await swarm.announce(cores.log.key).flushed()

  const asked: number[] = []
  const reserve = (bytes: number) => Promise.resolve(asked.push(bytes) === 0)
  const copy = ground.keep(new FullCopy(ground.replica(cores.log.key), { reserve }))
  await copy.ready()
  await until(
    () => copy.full,
    () => 'nobody has asked for room'
  )
  await copy.close()
  await swarm.close()
  await closeCores(cores)
  await opened.close()
  assert.deepEqual([asked[0], copy.received.blocks], [BLOCKS * BLOCK_BYTES, 0])
})
