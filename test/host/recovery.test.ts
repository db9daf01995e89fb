// A host whose disk has lost the end of a log, or was restored from a backup: it takes back what it has signed, and signs no
// second history.

import assert from 'node:assert/strict'
import { cp, rm } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import b4a from 'b4a'
import type { CoreOptions } from 'corestore'
import { Client } from '../../lib/client/client.js'
import type { VMSError } from '../../lib/errors.js'
import { Host, type HostOptions } from '../../lib/host/host.js'
import { recover } from '../../lib/host/recovery.js'
import type { HostStatus } from '../../lib/host/status.js'
import { backUp } from '../../lib/host/vault.js'
import crypto from '../../lib/ledger/crypto.js'
import { encodeKey } from '../../lib/ledger/keys.js'
import { Durability } from '../../lib/machine/durable.js'
import { FullCopy } from '../../lib/replica/full-copy.js'
import { openOwnStore } from '../../lib/replica/slot.js'
import { ALICE } from '../helpers/forger.js'
import { Ground } from '../helpers/ground.js'
import { SOURCE } from '../helpers/story.js'
import { until } from '../helpers/until.js'

/** Longer than a peer needs to come again. */
const SLOW_DISK_MS = 2500

const ground = await Ground.open()

interface Setting {
  key: Uint8Array
  id: string
  /** the storage with all calls, and the one that lacks the last */
  whole: string
  older: string
  mirror: FullCopy
  /** blocks of the log with all calls, and its tree hash */
  length: number
  hash: Uint8Array
}

/** A VM of which a mirror has all calls, and a copy of its storage only the first. */
async function setting(first: number[], later: number[]): Promise<Setting> {
  const [whole, older] = [ground.folder(), ground.folder()]
  let host = await ground.host(whole)
  const { key } = await host.deploy({ source: SOURCE, title: 'recovered', owner: ALICE })
  await add(key, first)
  await host.close()
  await copyStorage(whole, older)
  host = await ground.host(whole)
  const mirror = await mirrorOf(key)
  await add(key, later)
  const { head } = host.services.get(encodeKey(key))!.machine
  await until(
    () => mirror.synced?.length === head.length,
    () => 'the mirror has not everything'
  )
  await host.close()
  return { key, id: encodeKey(key), whole, older, mirror, ...head }
}

async function copyStorage(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true })
  await rm(path.join(to, 'cores', 'CORESTORE'))
}

async function mirrorOf(key: Uint8Array): Promise<FullCopy> {
  const mirror = ground.keep(new FullCopy(ground.replica(key, ground.folder(), { announce: true })))
  await mirror.ready()
  return mirror
}

async function add(key: Uint8Array, numbers: number[]): Promise<void> {
  process.env.XDG_DATA_HOME = ground.folder()
  const client = new Client(key, { bootstrap: ground.bootstrap, identity: ALICE, timeout: 20_000 })
  for (const n of numbers) await client.call('add', n)
  await client.close()
}

/** Opens a host, with what it tells its operator. */
async function open(
  storage: string,
  options: Partial<HostOptions> = {}
): Promise<{ host: Host; told: string[] }> {
  const told: string[] = []
  const host = await ground.host(storage, { onproblem: problem => told.push(problem), ...options })
  return { host, told }
}

interface Request {
  block: { index: number } | null
}

/** The end of a core's channel that answers requests, as hypercore keeps it. */
interface Sender {
  _handleRequest(request: Request): Promise<void>
}

/**
 * From here on a copy sends a block every `ms`, of those that it is asked for the first by this order.
 * @returns the blocks of the log that it is asked for
 */
async function sendSlowly(
  copy: FullCopy,
  ms: number,
  order: (a: number, b: number) => number
): Promise<Set<number>> {
  const asked = new Set<number>()
  const waiting: { index: number; send: () => Promise<void> }[] = []
  const timer = setInterval(() => {
    waiting.sort((a, b) => order(a.index, b.index))
    void waiting.shift()?.send()
  }, ms)
  ground.keep({ close: () => Promise.resolve(clearInterval(timer)) })
  const { log, db, blobs } = await copy.replica.cores()
  for (const core of [log, db, blobs]) {
    core.on('peer-add', (peer: Sender) => {
      const send = peer._handleRequest.bind(peer)
      peer._handleRequest = request => {
        if (request.block === null) return send(request)
        const { index } = request.block
        if (core === log) asked.add(index)
        waiting.push({ index, send: () => send(request).catch(() => {}) })
        return Promise.resolve()
      }
    })
  }
  return asked
}

const headOf = (host: Host, id: string) => host.services.get(id)!.machine.head

test('a host that lost the end of its log takes it back, and goes on with the same history', async () => {
  const { key, id, older, length, hash } = await setting([1, 2], [3, 4, 5])
  const { host, told } = await open(older)
  assert.equal(headOf(host, id).length, length)
  assert.ok(b4a.equals(headOf(host, id).hash, hash))
  assert.match(told.join('\n'), new RegExp(`${id} has 4 blocks here, and ${length} that its host has signed`))
  await add(key, [6])
  const { verdict, length: audited } = await ground.audit(key)
  assert.deepEqual([verdict, audited], ['verified', length + 1])
  await host.close()
})

test('what was taken back is there when the host is started again, with nobody else online', async () => {
  const { id, older, length, mirror } = await setting([1], [2, 3])
  const { host } = await open(older)
  await host.close()
  await mirror.close()
  const again = await open(older)
  assert.equal(headOf(again.host, id).length, length)
  assert.deepEqual(again.told, [])
  await again.host.close()
})

test('a peer that is back before a slow disk has opened the log is fetched from all the same', async () => {
  const { whole, length } = await setting([1], [2, 3])
  const [{ seed }] = (await backUp(whole)).vms
  const opened = await openOwnStore(ground.folder())
  const { store } = opened
  const get = store.get.bind(store)
  store.get = (options: CoreOptions) => {
    const core = get(options)
    const ready = core.ready.bind(core)
    core.ready = () => sleep(SLOW_DISK_MS).then(ready)
    return core
  }
  const durability = new Durability(store)
  const { publicKey: own } = await store.createKeyPair('swarm')
  const recovered = await recover([{ keyPair: crypto.keyPair(seed), length }], {
    store,
    durability,
    own,
    network: { bootstrap: ground.bootstrap },
    folder: ground.folder(),
    stall: 10_000,
    onprogress: () => {}
  })
  assert.deepEqual(
    recovered.map(({ error }) => error),
    [null]
  )
  await durability.close()
  await opened.close()
})

test('a mirror that is slow, and sends what came last first, is waited for, and asked for what is lost', async () => {
  const { id, older, mirror, length } = await setting([1], [...Array(20).keys()])
  const asked = await sendSlowly(mirror, 100, (a, b) => b - a)
  const { host } = await open(older, { stall: 3000 }) // who was dropped may take that long to come again
  assert.deepEqual(host.refused, [])
  assert.equal(headOf(host, id).length, length)
  // of those that are here at most one, for its place in the tree
  assert.ok([...asked].filter(n => n < 3).length <= 1, [...asked].join())
  await host.close()
})

test('somebody who sends a block now and then does not keep a host waiting', async () => {
  const { id, older, mirror } = await setting([1], [...Array(6).keys()])
  await sendSlowly(mirror, 800, (a, b) => a - b)
  const meanwhile: Promise<HostStatus>[] = []
  const onproblem = () => void meanwhile.push(host.status())
  const host = ground.keep(new Host({ storage: older, bootstrap: ground.bootstrap, stall: 1000, onproblem }))
  await host.ready()
  const problems = await Promise.all([...meanwhile, host.status()].map(async one => (await one).problems))
  assert.deepEqual(problems, [
    ['the host is starting: it serves nothing yet'],
    [`${id} is not served (NOT_AVAILABLE)`]
  ])
  await host.close()
})

test('after a clean stop nobody is asked', async () => {
  const { id, whole } = await setting([1], [2])
  const { host } = await open(whole)
  const before = headOf(host, id).length
  await host.close()
  // nobody could be
  const { host: again, told } = await open(whole, { bootstrap: [] })
  assert.equal(headOf(again, id).length, before)
  assert.deepEqual(told, [])
  await again.close()
})

test('where nobody is online the host serves what it has', async () => {
  const { id, older, mirror } = await setting([1], [2])
  await mirror.close()
  const { host } = await open(older)
  assert.equal(headOf(host, id).length, 3)
  await host.close()
})

test('with --no-wait it serves what it has, and warns', async () => {
  const { id, older } = await setting([1], [2])
  const { host, told } = await open(older, { wait: false })
  assert.equal(headOf(host, id).length, 3)
  assert.match(told.join(), /two histories/)
  await host.close()
})

test('a VM whose end is known, and that nobody sends, is not served; others are', async () => {
  const { key, id, older, whole, mirror, length } = await setting([1], [2])
  const other = await open(older, { wait: false })
  const service = await other.host.deploy({ source: SOURCE, title: 'other', owner: ALICE })
  const another = encodeKey(service.key)
  // killed, as far as its storage knows
  await other.host.close()
  await rm(path.join(older, 'stopped'))
  await mirror.close()
  // somebody who has seen the head, and has no blocks
  const witness = ground.replica(key, ground.folder(), { announce: true })
  const { host: first } = await open(whole)
  await witness.sync(20_000)
  await first.close()

  const { host } = await open(older, { stall: 300 })
  assert.deepEqual(
    host.refused.map(({ id, error }) => [id, error.code]),
    [[id, 'NOT_AVAILABLE']]
  )
  assert.ok(host.services.has(another))
  await host.close()

  // it stays in doubt after a clean stop, until somebody has the rest
  const back = await mirrorOf(key)
  const { host: online } = await open(whole)
  await until(
    () => back.synced?.length === length,
    () => 'the mirror has not everything'
  )
  await online.close()
  const { host: again } = await open(older)
  assert.equal(headOf(again, id).length, length)
  await again.close()
})

test('a VM that another host serves is not served', async () => {
  const { id, whole, older } = await setting([1], [2])
  const { host: first } = await open(whole)
  const { host } = await open(older)
  assert.deepEqual(
    host.refused.map(({ id, error }) => [id, error.code]),
    [[id, 'STORAGE_IN_USE']]
  )
  await host.close()
  await first.close()
})

test('a host that meets somebody who has seen more takes no calls from then on', async () => {
  const { key, id, older, length } = await setting([1], [2, 3])
  process.env.XDG_DATA_HOME = ground.folder()
  const { host, told } = await open(older, { wait: false })
  const witness = new Client(key, { bootstrap: ground.bootstrap, identity: ALICE, timeout: 3000 })
  await until(
    () => host.services.get(id)!.failure !== null || told.length > 1,
    () => 'the host was told of no newer head'
  )
  await assert.rejects(witness.call('add', 9), (error: VMSError) =>
    ['HOST_FAILED', 'REWOUND', 'UNREACHABLE', 'TIMEOUT'].includes(error.code)
  )
  assert.equal(headOf(host, id).length, 3, 'nothing was signed')
  assert.equal((await host.status()).problems.length, 1)
  await witness.close()
  await host.close()
  const { host: again } = await open(older)
  assert.deepEqual(again.refused, [])
  assert.equal(headOf(again, id).length, length)
  await again.close()
})

test('what peers hold of another history is not taken over', async () => {
  const { key, id, older, whole, mirror } = await setting([1, 2], [3])
  await mirror.close()
  const { host } = await open(older, { wait: false })
  await add(key, [7])
  await host.close()
  // what the whole storage holds, and one call more: it is longer than the other
  const { host: longer } = await open(whole)
  await add(key, [8])
  const witness = await mirrorOf(key)
  await until(
    () => witness.synced?.length === headOf(longer, id).length,
    () => 'the mirror has not everything'
  )
  await longer.close()
  await rm(path.join(older, 'stopped'))
  const { host: again } = await open(older)
  assert.deepEqual(
    again.refused.map(({ id, error }) => [id, error.code]),
    [[id, 'FRAUD']]
  )
  await again.close()
})
