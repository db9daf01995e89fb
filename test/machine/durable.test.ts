// Durable before visible, and all or nothing.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type Corestore from 'corestore'
import { sameState } from '../../lib/ledger/encoding.js'
import { hashRequest } from '../../lib/ledger/request.js'
import crypto from '../../lib/ledger/crypto.js'
import { FileTree } from '../../lib/files/filetree.js'
import { Machine, type Committed } from '../../lib/machine/machine.js'
import { until } from '../helpers/until.js'
import { hex, Random, temporary } from '../ledger/helper.js'
import {
  ask,
  commit,
  commitAt,
  commitWhole,
  deploy,
  filesOf,
  isCode,
  newMachine,
  newPlace,
  openMachine,
  openPlace,
  outcomeOf,
  VM,
  type Place
} from './helper.js'

test('syncs that are asked for while one runs share the next one', async t => {
  const { store, durability } = await newPlace(t)
  const runs = t.mock.method(store.storage.db, 'currentWalFile').mock
  await Promise.all(Array.from({ length: 100 }, () => durability.sync()))
  assert.equal(runs.callCount(), 2)
  await durability.sync()
  assert.equal(runs.callCount(), 3)
})

test('a sync begins after it was asked for', async t => {
  const { store, durability } = await newPlace(t)
  const order: string[] = []
  const real = store.storage.db.currentWalFile.bind(store.storage.db)
  t.mock.method(store.storage.db, 'currentWalFile', () => {
    order.push('sync')
    return real()
  })
  const first = durability.sync().then(() => order.push('first done'))
  order.push('a write')
  const second = durability.sync().then(() => order.push('second done'))
  const third = first.then(() => {
    order.push('another write')
    return durability.sync()
  })
  await Promise.all([first, second, third])
  assert.ok(order.lastIndexOf('sync') > order.indexOf('a write'))
  assert.ok(order.indexOf('second done') > order.indexOf('sync', order.indexOf('a write')))
  assert.ok(order.lastIndexOf('sync') > order.indexOf('another write'))
})

test('after a sync that failed none succeeds: what was lost stays lost', async t => {
  const { store, durability } = await newPlace(t)
  durability.checkRoom()
  breakDisk(t, store)
  const results = await Promise.allSettled([durability.sync(), durability.sync(), durability.sync()])
  assert.ok(results.every(({ status }) => status === 'rejected'))
  await assert.rejects(durability.sync(), /no disk/)
  assert.throws(() => durability.checkRoom(), isCode('DISK'))
})

test('syncs follow RocksDB to a new write-ahead log', async t => {
  const { machine, place } = await newMachine(t)
  const { db } = place.store.storage as unknown as { db: { flush(): Promise<void> } }
  const numbers = new Set<number>()
  for (let i = 0; i < 3; i++) {
    await commit(machine, ask(machine, 'append', '/log', 'x'))
    numbers.add((await place.store.storage.db.currentWalFile()).number)
    await db.flush()
    await place.durability.sync()
  }
  assert.equal(numbers.size, 3)
  assert.equal((await filesOf(machine))['/log'], 'xxx')
})

test('nobody sees a block before it is on the disk', async t => {
  const { machine, place } = await newMachine(t)
  const reader = place.store.get({ key: machine.key })
  await reader.ready()
  const { reached, release } = holdSyncs(t, place)
  let answered = false
  const committing = commitWhole(machine, [ask(machine, 'append', '/log', 'x')], () => (answered = true))
  await reached
  assert.deepEqual([answered, reader.length, machine.head.length], [false, 2, 2])
  assert.equal(machine.cores.log.length, 2)
  release()
  await committing
  assert.deepEqual([answered, reader.length, machine.head.length], [true, 3, 3])
})

/** Holds back the syncs of a store until they are released, with an error to fail them for good. */
function holdSyncs(
  t: TestContext,
  { store }: Place
): {
  reached: Promise<void>
  release: (error?: Error) => void
} {
  const { db } = store.storage
  const real = db.currentWalFile.bind(db)
  let release!: (error?: Error) => void
  let reached!: () => void
  const released = new Promise<Error | undefined>(resolve => (release = resolve))
  const isReached = new Promise<void>(resolve => (reached = resolve))
  t.mock.method(db, 'currentWalFile', async () => {
    reached()
    const error = await released
    if (error) throw error
    return real()
  })
  return { reached: isReached, release }
}

test('a batch is executed while the one before is written, and answered after it', async t => {
  const { machine, place } = await newMachine(t)
  const { reached, release } = holdSyncs(t, place)
  const answered: number[] = []
  const oncommit = (committed: Committed[]) => answered.push(...committed.map(({ index }) => index))
  const first = await machine.commit([ask(machine, 'append', '/log', 'a')], oncommit)
  await reached
  const second = machine.commit([ask(machine, 'append', '/log', 'b')], oncommit)
  const executed = t.mock.method(FileTree.prototype, 'get')
  await until(
    () => executed.mock.callCount() > 0,
    () => 'the second batch is not executed'
  )
  assert.deepEqual([answered, machine.head.length], [[], 2])
  release()
  await first.written
  assert.deepEqual([answered, machine.head.length], [[1], 3])
  await (
    await second
  ).written
  assert.deepEqual([answered, machine.head.length], [[1, 2], 4])
  assert.equal((await filesOf(machine))['/log'], 'ab')
})

test('where a batch cannot be written the one after it is not answered either', async t => {
  const { machine, place } = await newMachine(t)
  const { reached, release } = holdSyncs(t, place)
  const nothing = () => assert.fail('nothing is answered')
  const first = await machine.commit([ask(machine, 'append', '/log', 'a')], nothing)
  await reached
  const second = commitWhole(machine, [ask(machine, 'append', '/log', 'b')], nothing)
  release(new Error('the disk is gone'))
  await assert.rejects(first.written, isCode('HOST_FAILED'))
  await assert.rejects(second)
  await assert.rejects(machine.commit([ask(machine, 'append', '/log', 'c')], nothing), isCode('DISK'))
  assert.deepEqual([machine.head.length, machine.calls], [2, 1])
})

test('after a write that failed a host takes no calls until it is started again, and nothing is torn', async t => {
  const folder = await temporary(t)
  const place = await openPlace(folder)
  await deploy(place)
  const machine = new Machine(place, VM)
  await machine.ready()
  const [[answered]] = await commit(machine, ask(machine, 'append', '/log', 'a'))
  const unanswered = ask(machine, 'append', '/log', 'b'.repeat(200_000))
  const nothing = () => assert.fail('nothing is answered')
  breakDisk(t, place.store)
  await assert.rejects(commitWhole(machine, [unanswered], nothing), isCode('HOST_FAILED'))
  await assert.rejects(commitWhole(machine, [ask(machine, 'append', '/log', 'c')], nothing), isCode('DISK'))
  assert.equal(machine.head.length, 3)
  await machine.close()
  await place.close()

  const later = await openPlace(folder)
  t.after(() => later.close())
  const again = await openMachine(t, later)
  const calls = new Map([[1, hex(hashRequest(answered.request.signed))]])
  await verify(again, calls)
  await again.reachBack(unanswered.request)
  assert.ok(again.calls === 2 || again.find(unanswered.request))
  await commit(again, ask(again, 'append', '/log', 'd'))
  await verify(again, calls)
})

test('a handler that fails in the middle of a batch leaves nothing, and the VM goes on', async t => {
  const { machine, place } = await newMachine(t)
  const { head } = machine
  const append = t.mock.method(
    machine.cores.db.constructor.prototype as { append(): Promise<unknown> },
    'append',
    () => Promise.reject(new Error('no memory'))
  )
  await assert.rejects(
    commitWhole(machine, [ask(machine, 'append', '/log', 'a')], () => assert.fail('nothing is answered')),
    isCode('HOST_FAILED')
  )
  append.mock.restore()
  assert.deepEqual(machine.head, head)
  const [[one]] = await commit(machine, ask(machine, 'append', '/log', 'b'))
  assert.deepEqual([one.block, one.index, outcomeOf(one.record)], [2, 1, 1])
  await machine.close()
  const again = await openMachine(t, place)
  assert.equal((await filesOf(again))['/log'], 'b')
  await verify(again, new Map())
})

const HOSTS = 2
const KILLS = process.env.VMS_TEST_FULL ? 30 : 3 // of each

test('killed at random moments: log and files agree, and no answered call is lost', async t => {
  const folders = await Promise.all(Array.from({ length: HOSTS }, () => temporary(t)))
  await Promise.all(folders.map((folder, i) => killAndVerify(folder, new Random(i + 1))))
})

async function killAndVerify(folder: string, random: Random): Promise<void> {
  const answered = new Map<number, string>()
  for (let n = 0; n < KILLS; n++) {
    const calls = answered.size
    await killAtRandom(folder, random, answered)
    assert.ok(answered.size > calls)
    const place = await openPlace(folder)
    const machine = new Machine(place, VM)
    try {
      await machine.ready()
      await verify(machine, answered)
    } finally {
      await machine.close()
      await place.close()
    }
  }
}

// kills the host some milliseconds after it has answered some calls
async function killAtRandom(folder: string, random: Random, answered: Map<number, string>): Promise<void> {
  const script = fileURLToPath(new URL('./committer.js', import.meta.url))
  const child = spawn(process.execPath, [script, folder, String(random.int(1000))], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const ended = new Promise<unknown[]>(resolve => child.on('exit', (...how) => resolve(how)))
  let left = 1 + random.int(40)
  const delay = random.next() * 8
  for await (const line of createInterface({ input: child.stdout })) {
    const [index, request] = line.split(' ')
    answered.set(Number(index), request)
    if (--left === 0) void after(delay).then(() => child.kill('SIGKILL'))
  }
  assert.deepEqual(await ended, [null, 'SIGKILL'])
}

/** The log is whole, the files are what its writes say, and it holds the calls that were answered. */
async function verify(machine: Machine, answered: Map<number, string>): Promise<void> {
  const files = new Map<string, string>()
  const requests: string[] = []
  let before = null
  for (let n = 1; n < machine.head.length; n++) {
    const block = await commitAt(machine, n)
    assert.equal(block.first, requests.length)
    if (before) assert.ok(sameState(block.before, before))
    before = block.after
    for (const { request, signature, writes } of block.records) {
      requests.push(hex(hashRequest({ bytes: request, signature })))
      for (const { path, content } of writes) {
        if (content === null) files.delete(path)
        else files.set(path, hex(content.hash))
      }
    }
  }
  const found = await filesOf(machine)
  const hashes = Object.entries(found).map(
    ([path, text]) => [path, hex(crypto.hash(Buffer.from(text)))] as const
  )
  assert.deepEqual(new Map(hashes), files)
  for (const [index, request] of answered) assert.equal(requests[index], request)
}

// the next sync fails, those after it would succeed
function breakDisk(t: TestContext, store: Corestore): void {
  const once = t.mock.method(store.storage.db, 'currentWalFile', () => {
    once.mock.restore()
    return Promise.reject(new Error('no disk'))
  })
}
