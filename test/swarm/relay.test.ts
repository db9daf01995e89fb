// The relay passes on what two peers send each other, counts it, and ends what is more than an address may have.

import assert from 'node:assert/strict'
import { once, type EventEmitter } from 'node:events'
import { test, type TestContext } from 'node:test'
import { Client, token as newToken } from 'blind-relay'
import type DHT from 'hyperdht'
import type { RawStream } from 'hyperdht'
import crypto from '../../lib/ledger/crypto.js'
import { createDHT } from '../../lib/swarm/network.js'
import { Relay } from '../../lib/swarm/relay.js'
import { makeTestnet } from '../helpers/testnet.js'
import { until } from '../helpers/until.js'

const CHUNK = new Uint8Array(1000)

interface Relayed {
  relay: Relay
  /** its key */
  key: Uint8Array
  /** the peers, their ends, and the token that these have in common */
  nodes: DHT[]
  ends: RawStream[]
  token: Uint8Array
}

/** A relay, and the two ends of a connection through it. */
async function relayed(t: TestContext, bytesPerSecond: number): Promise<Relayed> {
  const testnet = await makeTestnet()
  const bootstrap = testnet.bootstrap.map(({ host, port }) => `${host}:${port}`)
  const keyPair = crypto.keyPair()
  const relay = new Relay({ bootstrap, keyPair, bytesPerSecond })
  await relay.ready()
  const nodes = [createDHT({ bootstrap }), createDHT({ bootstrap })]
  t.after(async () => {
    await Promise.all(nodes.map(node => node.destroy({ force: true })))
    await relay.close()
    await testnet.destroy()
  })
  const token = newToken()
  return {
    relay,
    key: keyPair.publicKey,
    nodes,
    token,
    ends: await Promise.all(nodes.map((node, i) => pair(node, keyPair.publicKey, i === 0, token)))
  }
}

/** Resolves when it has closed, however it came to that. */
function closing(stream: EventEmitter): Promise<void> {
  return new Promise(resolve => stream.once('close', () => resolve()))
}

function pair(dht: DHT, relay: Uint8Array, isInitiator: boolean, token: Uint8Array): Promise<RawStream> {
  const line = dht.connect(relay)
  line.on('error', () => {})
  const stream = dht.createRawStream({})
  stream.on('error', () => {})
  return new Promise((resolve, reject) => {
    Client.from(line, { id: line.publicKey })
      .pair(isInitiator, token, stream)
      .on('error', reject)
      .on('data', (remoteId: number) => {
        const { socket, remotePort, remoteHost } = line.rawStream
        stream.connect(socket, remoteId, remotePort, remoteHost)
        resolve(stream)
      })
  })
}

test('it passes on what peers send, both ways, and counts it', async t => {
  const { relay, ends } = await relayed(t, 1024 * 1024)
  const received = ends.map(() => 0)
  for (const [i, end] of ends.entries())
    end.on('data', bytes => (received[i] += (bytes as Uint8Array).length))
  for (let n = 0; n < 100; n++) for (const end of ends) end.write(CHUNK)
  const sent = 100 * CHUNK.length
  await until(
    () => received.every(bytes => bytes === sent),
    () => `${received.join(' and ')} of ${sent} bytes arrived`
  )
  await until(
    () => relay.bytes >= 2 * sent,
    () => `${relay.bytes} bytes were counted`
  )
  assert.ok(relay.bytes < 3 * sent, `${relay.bytes} bytes were counted`)
  assert.equal(relay.pairs, 1)
  ends[0].destroy()
  await until(
    () => relay.pairs === 0,
    () => `${relay.pairs} connections are relayed`
  )
})

test('an address that takes more than its rate is cut off', async t => {
  const { relay, ends } = await relayed(t, 1000) // and a minute's worth of that at once
  const closed = ends.map(end => new Promise<void>(resolve => end.once('close', () => resolve())))
  for (const end of ends) {
    end.resume()
    end.write(CHUNK) // the relay learns by that where each is
  }
  const timer = setInterval(() => ends[0].write(CHUNK), 1)
  await until(
    () => relay.pairs === 0,
    () => `${relay.bytes} bytes were passed on`
  )
  clearInterval(timer)
  assert.ok(relay.bytes >= 60_000, `${relay.bytes} bytes were passed on`)
  for (const end of ends) end.destroy()
  await Promise.all(closed)
})

test('a token that is in use is not paired again, and who tries is cut off', async t => {
  const { relay, key, nodes, ends, token } = await relayed(t, 1024 * 1024)
  const lines = nodes.map(node => node.connect(key))
  const closed = lines.map(closing)
  for (const [i, line] of lines.entries()) {
    line.on('error', () => {})
    const stream = nodes[i].createRawStream({})
    stream.on('error', () => {})
    Client.from(line, { id: line.publicKey })
      .pair(i === 0, token, stream)
      .on('error', () => {})
      .on('data', () => {}) // it asks for nothing before somebody listens
  }
  await Promise.all(closed)
  assert.equal(relay.pairs, 1)
  // those who use it notice nothing
  const arrived = once(ends[1], 'data')
  for (const end of ends) end.write(CHUNK)
  await arrived
})

test('a connection that wants nothing relayed any more is ended', async t => {
  const { key, nodes } = await relayed(t, 1024 * 1024)
  const line = nodes[0].connect(key)
  line.on('error', () => {})
  const closed = closing(line)
  await once(line, 'open')
  await Client.from(line, { id: line.publicKey }).end()
  await closed
})
