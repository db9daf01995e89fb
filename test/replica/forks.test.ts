// Two hosts with copies of one storage: whoever meets both, at once or one after the other, ends with the proof.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import b4a from 'b4a'
import { audit } from '../../lib/audit/auditor.js'
import { Client } from '../../lib/client/client.js'
import { VMSError } from '../../lib/errors.js'
import { verifyFork } from '../../lib/ledger/fork.js'
import { unsealProof } from '../../lib/ledger/sealed.js'
import { Memory } from '../../lib/replica/memory.js'
import type { Replica } from '../../lib/replica/replica.js'
import { ALICE } from '../helpers/forger.js'
import { Ground } from '../helpers/ground.js'
import { twins } from '../helpers/twins.js'
import { until } from '../helpers/until.js'

const ground = await Ground.open()
const TIMEOUT = 20_000

const FORKS: [string, number[], [number[], number[]]][] = [
  ['of equal length', [1], [[2], [3]]],
  ['of different lengths', [1], [[2], [3, 4, 5]]],
  ['of different lengths, the first longer', [1, 2], [[2, 7, 8, 9], [3]]],
  ['right after the deployment', [], [[2], [3, 4]]]
]

/** The proof that a user has, checked as a stranger would. */
async function checkProof(key: Uint8Array, data: string): Promise<string> {
  const fork = await new Memory(`${data}/known`, key).fork()
  assert.ok(fork, 'there is no proof')
  const { type, body } = unsealProof(await readFile(fork.file))
  assert.equal(type, 'fork')
  const proven = verifyFork(body)
  assert.ok(b4a.equals(proven.key, key))
  return proven.core
}

function isFraud(error: unknown): true {
  assert.ok(error instanceof VMSError, String(error))
  assert.equal(error.code, 'FRAUD', error.message)
  return true
}

function isRewound(error: unknown): true {
  assert.ok(error instanceof VMSError, String(error))
  assert.equal(error.code, 'REWOUND', error.message)
  return true
}

/** Has the copy hold what it takes to tell that a shorter log is another one. */
async function readAll(replica: Replica): Promise<void> {
  for (let n = 0; n < replica.log.length; n++) await replica.block(n)
}

/** Resolves once the replica knows. */
const finds = (replica: Replica) =>
  assert.rejects(
    replica.until(() => false, TIMEOUT),
    isFraud
  )

// each takes a while: one of different lengths has most that can go wrong
for (const [name, common, own] of process.env.VMS_TEST_FULL ? FORKS : FORKS.slice(1, 2)) {
  test(`a fork ${name}: both hosts at once`, async () => {
    const { key, open } = await twins(ground, common, own)
    const hosts = [await open(0), await open(1)]
    const data = ground.folder()
    const replica = ground.replica(key, data)
    await replica.ready()
    await finds(replica)
    // it may be known before it can be shown
    await until(
      () => replica.fork !== null,
      () => 'there is no proof'
    )
    assert.match(replica.contradiction!.message, /vms verify \S+forks\/[0-9a-f]{64}/)
    await replica.close()
    assert.equal(await checkProof(key, data), 'log')

    // every later use says so, whoever is there
    for (const host of hosts) await host.close()
    const later = ground.replica(key, data)
    await assert.rejects(later.sync(TIMEOUT), isFraud)
    assert.ok(later.fork)
    await later.close()
  })

  for (const order of [
    [0, 1],
    [1, 0]
  ] as const) {
    test(`a fork ${name}: one host after the other, ${order[0]} first`, async () => {
      const { key, open } = await twins(ground, common, own)
      const data = ground.folder()
      const first = await open(order[0])
      const replica = ground.replica(key, data)
      await replica.sync(TIMEOUT)
      await readAll(replica)
      await replica.close()
      await first.close()
      const second = await open(order[1])
      const again = ground.replica(key, data)
      await again.ready()
      await finds(again)
      await again.close()
      await second.close()
      assert.equal(await checkProof(key, data), 'log')
    })
  }

  test(`a fork ${name}: two readers of one copy`, async () => {
    const { key, open } = await twins(ground, common, own)
    const readers: [Replica, string][] = []
    for (const which of [0, 1] as const) {
      const host = await open(which)
      const data = ground.folder()
      const reader = ground.replica(key, data)
      await reader.sync(TIMEOUT)
      await readAll(reader)
      readers.push([reader, data])
      await host.close()
    }
    const data = ground.folder()
    const middle = ground.replica(key, data, { announce: true })
    await middle.ready()
    await Promise.all([middle, ...readers.map(([reader]) => reader)].map(finds))
    for (const [reader] of readers) await reader.close()
    await middle.close()
    for (const folder of [data, ...readers.map(([, folder]) => folder)]) await checkProof(key, folder)
  })

  test(`a fork ${name}: a client`, async () => {
    const { key, open } = await twins(ground, common, own)
    const home = ground.folder()
    const client = () => {
      process.env.XDG_DATA_HOME = home
      return ground.keep(new Client(key, { bootstrap: ground.bootstrap, identity: ALICE, timeout: TIMEOUT }))
    }
    const first = await open(0)
    const before = client()
    await before.call('add', 1)
    await before.close()
    await first.close()
    const second = await open(1)
    const after = client()
    // who has seen a longer log, and not all of it, cannot tell one that was cut from another one: neither is called
    const isShorter = own[0].length > own[1].length
    const isRefused = isShorter ? isRewound : isFraud
    await assert.rejects(after.call('add', 1), isRefused)
    await assert.rejects(after.files.readFile('/n'), isRefused)
    await assert.rejects(after.info(), isRefused)
    await after.close()
    await second.close()
    if (!isShorter) await checkProof(key, `${home}/vms`)
  })

  test(`a fork ${name}: an auditor`, async () => {
    const { key, open } = await twins(ground, common, own)
    const data = ground.folder()
    for (const which of [0, 1] as const) {
      const host = await open(which)
      const replica = ground.replica(key, data)
      const { verdict, findings } = await audit(replica, { timeout: TIMEOUT })
      await replica.close()
      await host.close()
      if (which === 0) assert.equal(verdict, 'verified')
      else assert.deepEqual([verdict, findings.map(({ kind }) => kind)], ['fraud', ['forked']])
    }
    await checkProof(key, data)
  })
}
