// A peer on the topic of a VM that sends what nobody should.

import { once } from 'node:events'
import b4a from 'b4a'
import c from 'compact-encoding'
import type { NoiseStream } from 'hyperswarm'
import Protomux from 'protomux'
import crypto from '../../lib/ledger/crypto.js'
import { Channel, MESSAGES } from '../../lib/swarm/channel.js'
import { Swarm } from '../../lib/swarm/swarm.js'
import type { Random } from '../helpers/random.js'

/** How often peers are searched, ms. */
const SEARCH_MS = 5000

const HANDLERS = { onopen() {}, onmessage() {}, onclose() {} }

/** Connects to whoever is found first, misbehaves, and leaves. */
export async function visit(key: Uint8Array, bootstrap: string[], random: Random): Promise<void> {
  const swarm = new Swarm({ bootstrap })
  const discovery = swarm.lookup(key)
  // as clients do: those who are found at first may be gone
  const again = setInterval(
    () => void discovery.refresh({ client: true, server: false }).catch(() => {}),
    SEARCH_MS
  )
  try {
    await swarm.ready()
    const [stream] = (await once(swarm, 'connection', { signal: AbortSignal.timeout(60_000) })) as [
      NoiseStream
    ]
    stream.on('error', () => {})
    random.of([frames, messages, replication])(stream, key, random)
    await stream.flush() // false if it was closed already
  } finally {
    clearInterval(again)
    await swarm.close()
  }
}

function bytes(random: Random, length: number): Uint8Array {
  return b4a.from(Array.from({ length }, () => random.below(256)))
}

function frames(stream: NoiseStream, _key: Uint8Array, random: Random): void {
  for (let i = 0; i < 10; i++) stream.write(bytes(random, 1 + random.below(300)))
}

function messages(stream: NoiseStream, key: Uint8Array, random: Random): void {
  const channel = Channel.open(stream, key, HANDLERS)
  for (const name of MESSAGES) channel?.send(name, bytes(random, random.below(200)))
}

function replication(stream: NoiseStream, key: Uint8Array, random: Random): void {
  const channel = Protomux.from(stream).createChannel({
    protocol: 'hypercore/alpha',
    id: crypto.discoveryKey(key),
    handshake: c.raw
  })!
  const all = Array.from({ length: 12 }, () => channel.addMessage({ encoding: c.raw, onmessage() {} }))
  channel.open(b4a.concat([b4a.from([0]), bytes(random, 32)]))
  for (let i = 0; i < 20; i++) random.of(all).send(bytes(random, random.below(120)))
}
