// What a host says about its log: what contradicts what it has signed, and what an honest one may say at any time.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import b4a from 'b4a'
import type Hypercore from 'hypercore'
import type { NoiseStream } from 'hyperswarm'
import { VMSError, type ErrorCode } from '../../lib/errors.js'
import crypto from '../../lib/ledger/crypto.js'
import { confirmation, headMessage } from '../../lib/ledger/statements.js'
import { latestSnapshot } from '../../lib/replica/snapshot.js'
import { Memory } from '../../lib/replica/memory.js'
import type { Replica } from '../../lib/replica/replica.js'
import { ALICE, type Forgery } from '../helpers/forger.js'
import { Ground } from '../helpers/ground.js'
import { SOURCE, tell } from '../helpers/story.js'
import { add } from '../helpers/twins.js'

const ground = await Ground.open()
const TIMEOUT = 20_000
const OTHER = b4a.alloc(32, 7)

const is = (code: ErrorCode) => (error: unknown) => {
  assert.ok(error instanceof VMSError, String(error))
  assert.equal(error.code, code, error.message)
  return true
}

/** the log of each VM after genesis, as its calls have left it */
const blocks = new WeakMap<Forgery, Uint8Array[]>()

async function published(lie: (vm: Forgery) => Promise<void> | void = () => {}): Promise<Forgery> {
  const forger = await ground.forger()
  const vm = await forger.vm({ source: SOURCE })
  await tell(vm)
  blocks.set(vm, await Promise.all([1, 2, 3, 4, 5].map(async n => (await vm.cores.log.get(n))!)))
  await lie(vm)
  await vm.publish()
  return vm
}

const signed = (vm: Forgery, { length, hash }: { length: number; hash: Uint8Array }, time = Date.now()) =>
  headMessage.sign({ vm: vm.key, length, hash, time }, vm.keyPair)

/** What a user has seen before. */
async function remembering(vm: Forgery, head: { length: number; hash: Uint8Array }): Promise<string> {
  const data = ground.folder()
  await new Memory(`${data}/known`, vm.key).rememberHead(signed(vm, head))
  return data
}

async function findsFork(replica: Replica): Promise<void> {
  await replica.ready()
  await assert.rejects(
    replica.until(() => false, TIMEOUT),
    is('FRAUD')
  )
  assert.ok(replica.fork, 'there is no proof')
}

/** Nothing is wrong, and what was said so far has been looked at: the host answers after it. */
async function isFine(replica: Replica): Promise<void> {
  await replica.sync(TIMEOUT)
  assert.ok(await replica.confirm(crypto.randomBytes(32), TIMEOUT))
  await replica.sync(TIMEOUT)
  assert.equal(replica.contradiction, null)
}

test('a host says what its head is, with the challenge that it was asked with', async () => {
  const host = await ground.host(ground.folder())
  const { key, machine } = await host.deploy({ source: SOURCE, title: 'asked', owner: ALICE })
  const replica = ground.replica(key)
  await replica.sync(TIMEOUT)
  const challenge = crypto.randomBytes(32)
  const answer = await replica.confirm(challenge, TIMEOUT)
  assert.ok(answer && confirmation.verify(answer, replica.keys!.signer))
  assert.ok(b4a.equals(answer.challenge, challenge) && b4a.equals(answer.vm, key))
  assert.deepEqual(answer.head, { ...machine.head, hash: answer.head.hash })
  assert.ok(b4a.equals(answer.head.hash, machine.head.hash))

  // who asks too often is not answered, and nothing else happens
  const many = await Promise.all(
    Array.from({ length: 40 }, () => replica.confirm(crypto.randomBytes(32), 500))
  )
  assert.ok(many.filter(one => one !== null).length < 40)
  await replica.close()
  await host.close()
  assert.equal(await replica.confirm(challenge, 100), null)
})

test('a shorter log that the host confirms, after it has signed a longer one', async () => {
  const vm = await published(async vm => {
    vm.shown = await vm.head(4)
  })
  const replica = ground.replica(vm.key, await remembering(vm, await vm.head()))
  await replica.ready()
  await findsFork(replica)
  assert.deepEqual(replica.fork!.lengths, [4, 6])
  await replica.close()
})

test('a shorter log of a host that does not say which it stands by', async () => {
  const vm = await published(async vm => {
    vm.shown = await vm.head(4)
    vm.confirmed = null
  })
  const data = await remembering(vm, await vm.head())
  const replica = ground.replica(vm.key, data)
  await assert.rejects(replica.sync(TIMEOUT), is('REWOUND'))
  assert.deepEqual([replica.host, replica.contradiction, replica.fork], [null, null, null])
  await replica.close()
  assert.equal(await new Memory(`${data}/known`, vm.key).fork(), null)
})

test('a shorter log of a host that goes away before it has said which it stands by', async () => {
  const vm = await published(async vm => {
    vm.shown = await vm.head(4)
    vm.confirmed = null
  })
  vm.forger.swarm.on('connection', (stream: NoiseStream) => stream.setKeepAlive(0)) // as if its machine were held
  const replica = ground.replica(vm.key, await remembering(vm, await vm.head()))
  await replica.ready()
  const isThere = () => replica.online
  assert.ok(await replica.until(isThere, TIMEOUT))
  assert.ok(await replica.until(() => !isThere(), TIMEOUT)) // and is not rejected before
  await replica.close()
})

test('an older head of a host that confirms the newer one', async () => {
  const vm = await published(async vm => {
    vm.shown = await vm.head(4)
    vm.confirmed = await vm.head()
  })
  const replica = ground.replica(vm.key, await remembering(vm, await vm.head()))
  await isFine(replica)
  await replica.close()
})

test('a host whose log gets shorter while it is connected', async () => {
  const vm = await published()
  const replica = ground.replica(vm.key)
  await replica.sync(TIMEOUT)
  vm.confirmed = await vm.head(4)
  vm.say(await vm.head(4))
  await findsFork(replica)
  await replica.close()
})

test('heads of every age, with clocks that go back', async () => {
  const vm = await published()
  vm.confirmed = await vm.head()
  const replica = ground.replica(vm.key)
  await replica.sync(TIMEOUT)
  for (const [length, time] of [
    [6, 5000],
    [6, 1000],
    [5, Date.now() + 1e9],
    [6, 1]
  ])
    vm.say(await vm.head(length), time)
  await isFine(replica)
  await replica.close()
})

test('a shorter head of another log', async () => {
  const vm = await published()
  const replica = ground.replica(vm.key)
  await replica.sync(TIMEOUT)
  vm.say({ length: 4, hash: OTHER })
  await findsFork(replica)
  assert.deepEqual(replica.fork!.lengths, [4, 6])
  await replica.close()
})

test('a flood of heads hides none that stays', async () => {
  const vm = await published()
  vm.confirmed = await vm.head()
  const replica = ground.replica(vm.key)
  await replica.sync(TIMEOUT)
  for (let i = 0; i < 500; i++) vm.say(await vm.head(1 + (i % 6)))
  await isFine(replica)
  for (let i = 0; i < 100; i++) vm.say(await vm.head(1 + (i % 6)))
  vm.say({ length: 4, hash: OTHER })
  await findsFork(replica)
  await replica.close()
})

test('an answer for another log', async () => {
  const vm = await published()
  const replica = ground.replica(vm.key)
  await replica.sync(TIMEOUT)
  const commit = await vm.commitAt(3)
  vm.answer(await vm.receipt(commit, 3, 0, { hash: OTHER }))
  await findsFork(replica)
  assert.deepEqual(replica.fork!.lengths, [4, 6])
  await replica.close()
})

test('another command has seen another log meanwhile', async () => {
  const vm = await published()
  const data = ground.folder()
  const replica = ground.replica(vm.key, data)
  await replica.sync(TIMEOUT)
  await new Memory(`${data}/known`, vm.key).rememberHead(signed(vm, { length: 7, hash: OTHER }))
  await vm.call('add', [1])
  vm.say(await vm.head())
  await findsFork(replica)
  await replica.close()
})

test('a head that was damaged on disk accuses nobody', async () => {
  const vm = await published()
  const data = ground.folder()
  const damaged = { ...signed(vm, { length: 9, hash: OTHER }), time: 1 }
  await new Memory(`${data}/known`, vm.key).rememberHead(damaged)
  const replica = ground.replica(vm.key, data)
  await isFine(replica)
  assert.equal(replica.head?.length, 6)
  await replica.close()
})

/** A host with the same log, whose files' cores are filled by hand. */
async function withOtherFiles(
  vm: Forgery,
  fill: (again: Forgery, theirs: { db: Uint8Array[]; blobs: Uint8Array[] }) => Promise<unknown>
): Promise<Forgery> {
  const all = async (core: Hypercore) => {
    const content = Array.from({ length: core.length }, async (_, n) => (await core.get(n))!)
    return Promise.all(content)
  }
  const theirs = { db: await all(vm.cores.db), blobs: await all(vm.cores.blobs) }
  await vm.forger.close()
  const forger = await ground.forger()
  const again = await forger.vm({ source: SOURCE, keyPair: vm.keyPair })
  for (const block of blocks.get(vm)!) await again.append(block)
  await fill(again, theirs)
  await again.publish()
  return again
}

for (const name of ['db', 'blobs'] as const) {
  test(`the ${name} is signed otherwise than the log says`, async () => {
    const honest = await published()
    const vm = await withOtherFiles(honest, async ({ cores }, theirs) => {
      theirs[name].splice(-1, 1, b4a.from('forged'), b4a.from('more'))
      await cores.db.append(theirs.db)
      await cores.blobs.append(theirs.blobs)
    })
    const data = ground.folder()
    const replica = ground.replica(vm.key, data)
    await replica.sync(TIMEOUT)
    await assert.rejects(latestSnapshot(replica, TIMEOUT), is('FRAUD'))
    assert.equal(replica.fork?.core, name)
    await replica.close()
    assert.equal((await new Memory(`${data}/known`, vm.key).fork())?.core, name)
  })
}

test('the files are others than before', async () => {
  const vm = await published()
  const data = ground.folder()
  const before = ground.replica(vm.key, data)
  await before.sync(TIMEOUT)
  await latestSnapshot(before, TIMEOUT)
  await before.close()

  // the same log, with other files, which are longer
  await withOtherFiles(vm, async again => {
    for (let i = 0; i < 12; i++) await again.tamper([[`/${i}`, `forged ${i}`]])
  })

  const replica = ground.replica(vm.key, data)
  const found = findsFork(replica)
  await replica.sync(TIMEOUT)
  await assert.rejects(async () => {
    await latestSnapshot(replica, TIMEOUT)
    await replica.until(() => false, TIMEOUT)
  }, is('FRAUD'))
  await found
  assert.equal(replica.fork?.core === 'log', false)
  await replica.close()
})

for (const name of ['log', 'db', 'blobs'] as const) {
  test(`the ${name} was cut before anybody saw it`, async () => {
    const vm = await published(async ({ cores }) => {
      const core = cores[name]
      const last = await core.get(core.length - 1)
      await core.truncate(core.length - 1, 1)
      await core.append(last!)
    })
    const replica = ground.replica(vm.key)
    const found = findsFork(replica)
    if (name !== 'log') {
      await replica.sync(TIMEOUT)
      await replica.cores()
    }
    await found
    assert.equal(replica.truncated, true)
    assert.deepEqual([replica.fork!.core, replica.fork!.lengths.length], [name, 1])
    await replica.close()
  })
}

test('an honest host that restarts, again and again', async () => {
  const storage = ground.folder()
  let host = await ground.host(storage)
  const { key } = await host.deploy({ source: SOURCE, title: 'honest', owner: ALICE })
  const data = ground.folder()
  const watching = ground.replica(key, ground.folder(), { announce: true })
  await watching.ready()
  for (let i = 0; i < 3; i++) {
    await add(ground, key, [1, 2])
    const replica = ground.replica(key, data)
    await replica.ready()
    assert.ok(await replica.until(() => replica.host !== null, TIMEOUT))
    assert.equal(await replica.sync(TIMEOUT), true)
    await latestSnapshot(replica, TIMEOUT)
    await replica.close()
    await host.close()
    host = await ground.host(storage)
    await watching.sync(TIMEOUT)
    assert.deepEqual([replica.contradiction, watching.contradiction], [null, null])
  }
  await watching.close()
  await host.close()
})

test('a copy that announces itself is read when the host is gone', async () => {
  const vm = await published()
  const mirror = ground.replica(vm.key, ground.folder(), { announce: true })
  await mirror.sync(TIMEOUT)
  await latestSnapshot(mirror, TIMEOUT)
  for (let n = 0; n < mirror.log.length; n++) await mirror.block(n)
  await vm.forger.close()
  await mirror.until(() => mirror.host === null, TIMEOUT)

  const reader = ground.replica(vm.key)
  assert.equal(await reader.sync(TIMEOUT), false)
  assert.equal(reader.head?.length, 6)
  assert.ok(reader.age !== null)
  assert.equal((await reader.block(5)).type, 'commit')
  assert.equal(await reader.confirm(crypto.randomBytes(32), 1000), null)
  await reader.close()
  await mirror.close()
})

test('what a peer calls a fork is refused unless it is one', async () => {
  const vm = await published()
  const mirror = ground.replica(vm.key, ground.folder(), { announce: true })
  await mirror.sync(TIMEOUT)
  const reader = ground.replica(vm.key)
  await reader.sync(TIMEOUT)
  const toReaders = () => [...mirror.links].filter(link => !link.isHost)
  for (let n = 0; n < 600 && (reader.links.size < 2 || toReaders().length === 0); n++) {
    await reader.lookAgain() // the mirror may not have been announced before
    await sleep(100)
  }
  const [toReader] = toReaders()
  const closed = once(reader, 'link')
  toReader.sendFork(b4a.from('nonsense'))
  await closed
  assert.equal(reader.contradiction, null)
  await reader.close()
  await mirror.close()
})
