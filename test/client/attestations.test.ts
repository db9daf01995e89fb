// Clients that rely on what trusted auditors have verified: they wait for it, say how far it is, and raise the alarm.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import b4a from 'b4a'
import type { KeyPair } from 'hypercore'
import { VMSClient, type ClientOptions } from '../../lib/client/client.js'
import { VMSError } from '../../lib/errors.js'
import type { NoiseStream } from 'hyperswarm'
import { attestation } from '../../lib/ledger/attestation.js'
import crypto from '../../lib/ledger/crypto.js'
import { encodeKey } from '../../lib/ledger/keys.js'
import type { Attesting } from '../../lib/replica/attested.js'
import type { Replica } from '../../lib/replica/replica.js'
import { attestations } from '../../lib/replica/verified.js'
import { Swarm } from '../../lib/swarm/swarm.js'
import { Channel } from '../../lib/swarm/channel.js'
import { ALICE, type Forgery } from '../helpers/forger.js'
import { Ground } from '../helpers/ground.js'
import { SOURCE, tell } from '../helpers/story.js'
import { isCode } from '../machine/helper.js'

const ground = await Ground.open()
process.env.XDG_DATA_HOME = ground.folder() // not the user's own
const forger = await ground.forger()
const [ANN, BEN] = [crypto.keyPair(b4a.alloc(32, 11)), crypto.keyPair(b4a.alloc(32, 12))]
const idOf = ({ publicKey }: KeyPair) => encodeKey(publicKey)

async function published(): Promise<Forgery> {
  const vm = await forger.vm({ source: SOURCE })
  await tell(vm)
  await vm.publish()
  return vm
}

/** An auditor whom others find. */
async function auditor({ key }: Forgery): Promise<Replica> {
  const replica = ground.replica(key, ground.folder(), { announce: true })
  await replica.sync(20_000)
  return replica
}

async function at(
  vm: Forgery,
  length: number,
  verdict: Attesting['verdict'] = 'verified'
): Promise<Attesting> {
  return { ...(await vm.head(length)), verdict }
}

function client(key: Uint8Array, options: ClientOptions = {}): VMSClient {
  const { bootstrap } = ground
  const storage = ground.folder()
  return ground.keep(new VMSClient(key, { bootstrap, storage, identity: ALICE, timeout: 20_000, ...options }))
}

/** Waits until a client has heard so many of those whom it trusts. */
async function hear(reader: VMSClient, count: number): Promise<void> {
  while ((await reader.info()).attestations.length < count) await sleep(20)
}

test('reads and local calls wait until enough auditors have verified what they build on', async () => {
  const vm = await published()
  const [ann, ben] = [await auditor(vm), await auditor(vm)]
  ann.attest(ANN, await at(vm, 6))
  ben.attest(BEN, await at(vm, 3))
  const one = client(vm.key, { trust: [idOf(ANN), BEN.publicKey], minAuditors: 1 })
  assert.equal(await one.local.call('get', '/n'), '10')
  assert.equal(await one.files.readFile('/n'), '10')
  assert.deepEqual((await one.local.request('get', ['/n'])).auditors, [idOf(ANN)])
  assert.deepEqual((await one.info()).verified, { length: 6, auditors: 1 })

  const both = { trust: [ANN.publicKey, BEN.publicKey], minAuditors: 2 }
  const [two, hasty] = [client(vm.key, both), client(vm.key, { ...both, timeout: 5000 })]
  for (const reader of [two, hasty]) await hear(reader, 2)
  for (const action of [
    () => two.local.request('get', ['/n'], { timeout: 1500 }),
    () => hasty.files.readFile('/n'),
    () => two.request('get', ['/n'], { timeout: 1500 })
  ]) {
    await assert.rejects(action(), (error: unknown) => {
      assert.ok(isCode('NOT_AUDITED')(error) && error instanceof VMSError)
      assert.match(error.message, /verified to block 5 by 1 of the 2 .*, and 2 are required up to block 5/)
      return true
    })
  }
  const waiting = two.local.request('get', ['/n'], { timeout: 20_000 })
  ben.attest(BEN, await at(vm, 6))
  assert.deepEqual((await waiting).auditors.sort(), [idOf(ANN), idOf(BEN)].sort())
})

test('an auditor that comes later is found', async () => {
  const vm = await published()
  const reader = client(vm.key, { trust: [ANN.publicKey], minAuditors: 1 })
  const before = await reader.info() // it is connected to the host, and has no reason to look for others
  assert.deepEqual([before.online, before.verified.length], [true, 0])
  const reading = reader.files.readFile('/n')
  const ann = await auditor(vm)
  ann.attest(ANN, await at(vm, 6))
  assert.equal(await reading, '10')
})

test('who dials attests as well', async () => {
  const vm = await published()
  const reader = ground.replica(vm.key, ground.folder(), { announce: true })
  reader.trusted.add(idOf(ANN))
  await reader.ready()
  await reader.sync(20_000)
  const ann = ground.replica(vm.key)
  const heard = once(reader, 'attestation')
  ann.attest(ANN, await at(vm, 6))
  await ann.sync(20_000)
  await heard
  assert.deepEqual(
    (await attestations(reader)).map(({ auditor, agrees }) => [auditor, agrees]),
    [[idOf(ANN), true]]
  )
})

test('nobody counts whom the user does not trust, and without need nobody is waited for', async () => {
  const vm = await published()
  const ben = await auditor(vm)
  ben.attest(BEN, await at(vm, 6))
  const reader = client(vm.key, { trust: [ANN.publicKey], minAuditors: 1, timeout: 5000 })
  await reader.info()
  await assert.rejects(reader.files.readFile('/n'), isCode('NOT_AUDITED'))
  const free = client(vm.key)
  assert.equal(await free.files.readFile('/n'), '10')
  assert.deepEqual((await free.local.request('get', ['/n'])).auditors, [])
  assert.throws(() => client(vm.key, { trust: [ANN.publicKey], minAuditors: 2 }), isCode('USAGE'))
  assert.throws(() => client(vm.key, { trust: ['nobody'] }), isCode('INVALID_KEY'))
})

test('a signal ends the wait', async () => {
  const vm = await published()
  const reader = client(vm.key, { trust: [ANN.publicKey], minAuditors: 1 })
  for (const run of [reader.local, reader]) {
    const gone = new AbortController()
    const waiting = run.request('get', ['/n'], { signal: gone.signal })
    setTimeout(() => gone.abort(), 200)
    await assert.rejects(waiting, isCode('ABORTED'))
  }
})

test('an auditor that attests fraud, or another log, stops what relies on it at once', async () => {
  const vm = await published()
  const ann = await auditor(vm)
  ann.attest(ANN, await at(vm, 6, 'fraud'))
  const reader = client(vm.key, { trust: [ANN.publicKey], minAuditors: 1 })
  await assert.rejects(reader.files.readFile('/n'), /attests that the host of .* cheats/)
  const other = await published()
  const ben = await auditor(other)
  ben.attest(BEN, { length: 6, hash: b4a.alloc(32, 7), verdict: 'verified' })
  const second = client(other.key, { trust: [BEN.publicKey], minAuditors: 1 })
  await assert.rejects(second.files.readFile('/n'), /two histories, or the auditor lies/)
})

test('what an auditor said is remembered when it is gone', async () => {
  const vm = await published()
  const ann = ground.replica(vm.key, ground.folder(), { announce: true })
  await ann.ready()
  ann.attest(ANN, await at(vm, 6))
  const trust = [ANN.publicKey]
  const first = client(vm.key, { trust, minAuditors: 1 })
  await first.files.readFile('/n')
  await first.close()
  await ann.close()
  const second = client(vm.key, { trust, minAuditors: 1, timeout: 5000 })
  assert.equal(await second.files.readFile('/n'), '10')
})

test('a peer that hands over what its auditor did not sign loses its connection', async () => {
  const vm = await published()
  const reader = ground.replica(vm.key, ground.folder(), { announce: true })
  reader.trusted.add(idOf(ANN))
  await reader.ready()
  const forged = attestation.sign({ auditor: ANN.publicKey, vm: vm.key, ...(await at(vm, 6)), time: 1 }, BEN)
  let closing = () => {}
  const closed = new Promise<void>(resolve => {
    const swarm = ground.keep(new Swarm({ bootstrap: ground.bootstrap }))
    swarm.on('connection', (stream: NoiseStream) => {
      const channel = Channel.open(stream, vm.key, {
        onopen: () => void channel?.send('attestation', attestation.encode(forged)),
        onmessage() {},
        onclose: () => resolve()
      })
    })
    // the reader may not be announced yet
    const discovery = swarm.lookup(vm.key)
    const again = setInterval(() => void discovery.refresh({ client: true, server: false }), 300)
    closing = () => clearInterval(again)
  })
  await closed
  closing()
  assert.deepEqual(await attestations(reader), [])
})

test('with the host gone a method runs on what a mirror has', async () => {
  const own = await ground.forger()
  const vm = await own.vm({ source: SOURCE })
  await tell(vm)
  await vm.publish()
  const mirror = await auditor(vm)
  const { db, blobs } = await mirror.cores()
  await Promise.all(
    [mirror.log, db, blobs].map(async (core, i) => {
      const { length } = [vm.cores.log, vm.cores.db, vm.cores.blobs][i]
      for (let n = 0; n < length; n++) await core.get(n)
    })
  )
  await own.swarm.close()
  const { value, online, block } = await client(vm.key).local.request('add', [1])
  assert.deepEqual([value, online, block], [11, false, 5])
})
