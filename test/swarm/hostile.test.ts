// Peers that send anything but what they should: the host closes the connection at most, and goes on serving.

import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { after, before, describe, test } from 'node:test'
import b4a from 'b4a'
import c, { type Encoder } from 'compact-encoding'
import Hyperswarm, { type NoiseStream } from 'hyperswarm'
import Protomux from 'protomux'
import type { Service } from '../../lib/host/service.js'
import crypto from '../../lib/ledger/crypto.js'
import { encodeSignedRequest } from '../../lib/ledger/messages.js'
import { signRequest } from '../../lib/ledger/request.js'
import { headMessage } from '../../lib/ledger/statements.js'
import { encodeValue } from '../../lib/ledger/values.js'
import { createDHT } from '../../lib/swarm/network.js'
import { Channel, MESSAGES } from '../../lib/swarm/channel.js'
import { local, type Local } from '../helpers/local.js'

// hypercore does not export what it sends
const require = createRequire(import.meta.url)
const { wire } = require('hypercore/lib/messages.js') as {
  wire: { [message in 'handshake' | 'data' | 'sync' | 'request']: Encoder<object> }
}
const caps = require('hypercore/lib/caps.js') as {
  replicate(isInitiator: boolean, key: Uint8Array, handshakeHash: Uint8Array): Uint8Array
}

const ROUNDS = process.env.VMS_TEST_FULL ? 100 : 3

/** Random bytes that a seed repeats. */
function generator(seed: number): (max: number) => number {
  let state = seed >>> 0
  return max => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * max)
  }
}

describe('hostile peers', () => {
  let net: Local
  let service: Service
  before(async () => {
    net = await local()
    service = await net.deploy(await net.host(), 'exports.echo = x => x')
  })
  after(() => net.close())

  /** Connects, lets the peer misbehave, and leaves once all of it has arrived. */
  async function visit(misbehave: (stream: NoiseStream) => unknown): Promise<void> {
    const dht = createDHT({ bootstrap: net.bootstrap })
    const swarm = new Hyperswarm({ dht })
    const [stream] = await Promise.all([
      once(swarm, 'connection') as Promise<[NoiseStream]>,
      swarm.join(crypto.discoveryKey(service.key), { server: false, client: true }).flushed()
    ]).then(([connection]) => connection)
    stream.on('error', () => {})
    const closed = new Promise<void>(resolve => stream.once('close', () => resolve()))
    await misbehave(stream)
    await stream.flush() // false if the host has closed it already
    stream.destroy()
    await closed
    await swarm.destroy()
    await dht.destroy()
  }

  async function assertServing(): Promise<void> {
    const client = net.client<{ echo(x: string): string }>(service.key)
    assert.equal(await client.echo('still here'), 'still here')
    await client.close()
  }

  const bytes = (random: (max: number) => number, n: number) =>
    b4a.from(Array.from({ length: n }, () => random(256)))

  const handlers = { onopen() {}, onmessage() {}, onclose() {} }

  test('random bytes instead of frames', async () => {
    for (let seed = 0; seed < ROUNDS; seed++) {
      const random = generator(seed)
      await visit(stream => {
        for (let i = 0; i < 10; i++) stream.write(bytes(random, 1 + random(300)))
      })
    }
    await assertServing()
  })

  test('control frames of every kind with random bodies', async () => {
    for (let seed = 0; seed < ROUNDS; seed++) {
      const random = generator(seed)
      await visit(stream => {
        for (let i = 0; i < 20; i++)
          stream.write(b4a.concat([b4a.from([0, random(6)]), bytes(random, random(60))]))
      })
    }
    await assertServing()
  })

  test('every message of the channel with random and truncated bodies, and with a wrong number', async () => {
    const caller = crypto.keyPair()
    const seen = service.machine.head
    const args = encodeValue(['x'])
    const request = {
      vm: service.key,
      caller: caller.publicKey,
      method: 'echo',
      args,
      id: crypto.randomBytes(16),
      seen
    }
    const good = encodeSignedRequest(signRequest(request, caller))
    for (let seed = 0; seed < ROUNDS; seed++) {
      const random = generator(seed)
      await visit(stream => {
        const channel = Channel.open(stream, service.key, handlers)!
        for (const name of MESSAGES) channel.send(name, bytes(random, random(200)))
        channel.send('request', good.subarray(0, random(good.byteLength)))
        stream.write(b4a.from([1, 5 + random(100), ...bytes(random, 20)]))
      })
    }
    await assertServing()
  })

  test('heads that nobody has signed, and those of others, end the channel, and are not believed', async () => {
    const other = crypto.keyPair()
    const long = { length: 1000, hash: b4a.alloc(32, 1), time: Date.now() }
    for (const [vm, signer] of [
      [service.key, other],
      [other.publicKey, other]
    ] as const) {
      const head = headMessage.encode(headMessage.sign({ vm, ...long }, signer))
      await visit(async stream => {
        const ended = new Promise<void>(resolve => {
          const channel = Channel.open(stream, service.key, { ...handlers, onclose: () => resolve() })!
          channel.send('head', head)
        })
        await ended
      })
    }
    await assertServing()
    assert.equal(service.failure, null)
  })

  test('messages before the handshake, after the close, and for channels that are not there', async () => {
    const open = (id: number) => {
      const state = c.state(0, 0, b4a.alloc(200))
      c.uint.encode(state, 0)
      c.uint.encode(state, 1)
      c.uint.encode(state, id)
      c.string.encode(state, 'vms/1')
      c.buffer.encode(state, crypto.discoveryKey(service.key))
      return b4a.concat([state.buffer!.subarray(0, state.start), b4a.alloc(32)])
    }
    await visit(stream => {
      for (const frame of [
        open(1),
        [0, 3, 1],
        [1, 1, 5],
        open(1),
        [1, 0, 3],
        open(2),
        [0, 2, 1],
        [2, 9],
        [9, 9, 9]
      ]) {
        stream.write(b4a.from(frame))
      }
    })
    await assertServing()
  })

  test('a handshake of any length, or of one who knows the topic but not the key', async () => {
    for (const length of [0, 1, 31, 32, 64]) {
      await visit(stream => {
        const channel = Protomux.from(stream).createChannel({
          protocol: 'vms/1',
          id: crypto.discoveryKey(service.key),
          handshake: c.raw
        })!
        const message = channel.addMessage({ encoding: c.raw, onmessage() {} })
        channel.open(b4a.alloc(length))
        message.send(b4a.alloc(10))
      })
    }
    await assertServing()
  })

  test('replication messages of random content', async () => {
    for (let seed = 0; seed < ROUNDS; seed++) {
      const random = generator(seed)
      await visit(stream => {
        const channel = Protomux.from(stream).createChannel({
          protocol: 'hypercore/alpha',
          id: crypto.discoveryKey(service.key),
          handshake: c.raw
        })!
        const messages = Array.from({ length: 12 }, () =>
          channel.addMessage({ encoding: c.raw, onmessage() {} })
        )
        channel.open(b4a.concat([b4a.from([0]), bytes(random, 32)]))
        for (let i = 0; i < 20; i++) messages[random(12)].send(bytes(random, random(120)))
      })
    }
    await assertServing()
  })

  test('batches inside each other, thousands deep', async () => {
    const parts: Uint8Array[] = []
    let size = 1
    for (let depth = 0; depth < 6000; depth++) {
      const length = c.encode(c.uint, size)
      parts.push(b4a.concat([b4a.from([0, 0]), length]))
      size += 2 + length.byteLength
    }
    await visit(stream => stream.write(b4a.concat([b4a.from([0]), ...parts.reverse(), b4a.from([9])])))
    await assertServing()
  })

  test('replication messages that make hypercore look into a proof that it does not have', async () => {
    await visit(async stream => {
      const channel = Protomux.from(stream).createChannel({
        protocol: 'hypercore/alpha',
        id: crypto.discoveryKey(service.key),
        handshake: wire.handshake
      })!
      const messages = Array.from({ length: 10 }, () =>
        channel.addMessage({ encoding: c.raw, onmessage() {} })
      )
      const capability = caps.replicate(stream.isInitiator, service.key, stream.handshakeHash)
      channel.open({ seeks: true, capability })
      await channel.fullyOpened()
      const node = { index: 0, size: 8, hash: b4a.alloc(32, 7) }
      const upgrade = { start: 3, length: 4, nodes: [node], additionalNodes: [], signature: b4a.alloc(64, 7) }
      const none = { block: null, hash: null, seek: null, upgrade: null, manifest: null }
      const send = (type: number, name: 'data' | 'sync' | 'request', message: object) =>
        messages[type].send(c.encode(wire[name], message))
      send(3, 'data', { ...none, request: 0, fork: 1, upgrade })
      const flags = {
        canUpgrade: true,
        uploading: true,
        downloading: false,
        hasManifest: true,
        allowPush: true
      }
      send(0, 'sync', { fork: 2, length: 2 ** 31, remoteLength: 3, ...flags })
      const ask = {
        ...none,
        block: { index: 0, nodes: 0 },
        hash: { index: 1, nodes: 5 },
        seek: { bytes: 0, padding: 1 }
      }
      send(1, 'request', {
        ...ask,
        id: 3,
        fork: 0,
        upgrade: { start: 8, length: 2 },
        manifest: false,
        priority: 0
      })
      const other = { ...none, hash: { index: 0, nodes: 3 }, upgrade: { start: 65535, length: 8 } }
      send(1, 'request', { ...other, id: 65535, fork: 2, manifest: true, priority: 1 })
    })
    await assertServing()
  })

  test('datagrams that are none of the DHT', async () => {
    const socket = createSocket('udp4')
    const random = generator(1)
    const [host, port] = net.bootstrap[0].split(':')
    for (let i = 0; i < 200; i++) {
      await new Promise(resolve => socket.send(bytes(random, random(1200)), Number(port), host, resolve))
    }
    socket.close()
    await assertServing()
  })

  test('a peer that connects and says nothing', async () => {
    const dht = createDHT({ bootstrap: net.bootstrap })
    const swarm = new Hyperswarm({ dht })
    swarm.join(crypto.discoveryKey(service.key), { server: false, client: true })
    const [stream] = (await once(swarm, 'connection')) as [NoiseStream]
    stream.on('error', () => {})
    await assertServing()
    await swarm.destroy()
    await dht.destroy()
  })
})
