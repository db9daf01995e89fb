// Two histories of one VM: what a host rewrites after it has signed it, and what it signs twice.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import b4a from 'b4a'
import type Hypercore from 'hypercore'
import { audit } from '../../lib/audit/auditor.js'
import type { AuditResult } from '../../lib/audit/findings.js'
import crypto from '../../lib/ledger/crypto.js'
import { RUNTIME } from '../../lib/machine/runtime.js'
import type { Forgery } from '../helpers/forger.js'
import { Ground } from '../helpers/ground.js'
import { SOURCE, tell } from '../helpers/story.js'

const ground = await Ground.open()
const TIMEOUT = 1500

const found = ({ findings }: AuditResult) => findings.map(({ kind, block, index }) => [kind, block, index])

/** Cuts a core, with the fork number that it is to have, and fills it up again with other blocks. */
async function rewrite(
  core: Hypercore,
  from: number,
  fork: number,
  blocks = core.length - from
): Promise<void> {
  await core.truncate(from, fork)
  for (let i = 0; i < blocks; i++) await core.append(b4a.from(`forged ${i}`))
}

async function published(lie: (vm: Forgery) => Promise<void> | void): Promise<Forgery> {
  const forger = await ground.forger()
  const vm = await forger.vm({ source: SOURCE })
  await tell(vm)
  await lie(vm)
  await vm.publish()
  return vm
}

for (const name of ['db', 'blobs'] as const) {
  test(`the ${name} differs from the log, at equal length`, async () => {
    const vm = await published(vm => rewrite(vm.cores[name], 2, 0))
    const result = await ground.audit(vm.key)
    // block 1 leaves 2 blocks of the database and 1 of the blobs
    assert.deepEqual(found(result), [['forked', 2, null]], JSON.stringify(result))
    assert.equal(result.checked, 8)
  })

  test(`the ${name} differs from the log, and is longer`, async () => {
    const vm = await published(vm => rewrite(vm.cores[name], 2, 0, 20))
    assert.deepEqual(found(await ground.audit(vm.key)), [['forked', 2, null]])
  })

  test(`the ${name} is shorter than the log says`, async () => {
    const vm = await published(({ cores }) => cores[name].truncate(2, 0))
    const result = await ground.audit(vm.key, { timeout: TIMEOUT })
    // block 1 leaves 1 block of the blobs and 2 of the database, block 2 leaves more
    const passed = name === 'db' ? [] : [['unlogged-write', 1, null]]
    assert.deepEqual(found(result), passed)
    assert.match(result.doubts[0].reason, /files are not available/)
  })

  test(`the ${name} was truncated`, async () => {
    const vm = await published(vm => rewrite(vm.cores[name], 2, 1))
    const result = await ground.audit(vm.key, { timeout: TIMEOUT })
    assert.deepEqual(found(result), [['forked', 5, null]])
  })
}

test('the log was truncated before anybody saw it', async () => {
  const vm = await published(async vm => {
    const last = await vm.cores.log.get(5)
    await vm.cores.log.truncate(5, 1)
    await vm.append(last!)
  })
  const result = await ground.audit(vm.key, { timeout: TIMEOUT })
  assert.deepEqual([result.verdict, found(result)], ['fraud', [['forked', 5, null]]])
})

/** Two hosts with one key: the reader has copied what the first shows, then meets the second. */
async function twice(
  first: (vm: Forgery) => Promise<void>,
  second: (vm: Forgery) => Promise<void>
): Promise<AuditResult> {
  const keyPair = crypto.keyPair()
  const data = ground.folder()
  const results: AuditResult[] = []
  // the deployment is the same to the byte, what follows is not
  const blocks: Uint8Array[] = []
  for (const story of [first, second]) {
    const forger = await ground.forger()
    const vm = await forger.vm({ source: SOURCE, keyPair })
    if (blocks.length === 0) {
      await vm.init()
      blocks.push((await vm.cores.log.get(1))!)
    } else {
      await vm.tamper([['/n', '0']])
      await vm.append(blocks[0])
      vm.position = { ...vm.position, index: 1 }
    }
    await story(vm)
    await vm.publish()
    const replica = ground.replica(vm.key, data)
    results.push(await ground.auditCopy(replica, { timeout: 3000 }))
    await replica.close()
    await forger.close()
  }
  assert.equal(results[0].verdict, 'verified', JSON.stringify(results[0]))
  return results[1]
}

const calls = (...numbers: number[]) => {
  return async (vm: Forgery) => {
    for (const n of numbers) await vm.call('add', [n])
  }
}

test('a history goes on as it was', async () => {
  const vm = await published(() => {})
  const data = ground.folder()
  for (let i = 0; i < 2; i++) {
    const replica = ground.replica(vm.key, data)
    assert.equal((await audit(replica, { timeout: 20_000 })).verdict, 'verified')
    await replica.close()
  }
})

test('another history of equal length', async () => {
  const result = await twice(calls(1, 2), calls(1, 3))
  assert.deepEqual(found(result), [['forked', 3, null]], JSON.stringify(result))
})

test('another history that is longer', async () => {
  const result = await twice(calls(1, 2), calls(3, 4, 5))
  assert.deepEqual(found(result), [['forked', 3, null]], JSON.stringify(result))
})

test('another history that is shorter', async () => {
  const result = await twice(calls(1, 2), calls(3))
  assert.deepEqual(found(result), [['forked', 2, null]], JSON.stringify(result))
})

test('the same history, cut', async () => {
  const result = await twice(calls(1, 2), async () => {})
  assert.deepEqual(found(result), [['forked', 1, null]], JSON.stringify(result))
})

test('two heads of one length', async () => {
  const vm = await published(async vm => {
    vm.heads = [{ ...(await vm.head()), hash: b4a.alloc(32, 7) }]
  })
  const result = await ground.audit(vm.key)
  assert.deepEqual(found(result), [['forked', 5, null]], JSON.stringify(result))
})

test('a head that is not that of the log', async () => {
  const vm = await published(async vm => {
    vm.shown = { ...(await vm.head()), hash: b4a.alloc(32, 7) }
  })
  const result = await ground.audit(vm.key)
  assert.deepEqual(found(result), [['forked', 5, null]], JSON.stringify(result))
})

test('a head beyond the log', async () => {
  const vm = await published(vm => {
    vm.shown = { length: 9, hash: b4a.alloc(32, 7) }
  })
  const result = await ground.audit(vm.key, { timeout: TIMEOUT })
  assert.deepEqual([result.verdict, found(result)], ['inconclusive', []])
  assert.match(result.doubts[0].reason, /signed 9 blocks, 6 of them are available/)
})

test('a contradiction that comes while the audit runs', async () => {
  const vm = await published(() => {})
  const replica = ground.replica(vm.key)
  vm.confirmed = null
  // an answer in a block that is not there: the audit waits for it
  await replica.memory.rememberReceipt(await vm.receipt(await vm.commitAt(5), 12))
  let said = false
  const onprogress = () => {
    if (!said) vm.say({ ...replica.head!, hash: b4a.alloc(32, 7) })
    said = true
  }
  const result = await audit(replica, { timeout: 20_000, onprogress })
  await replica.close()
  assert.deepEqual(found(result), [['forked', 5, null]], JSON.stringify(result))
})

test('files that are signed otherwise, of which no record needs the bytes', async () => {
  // the replay gives all bytes by itself: what is published is compared nevertheless
  const vm = await published(async vm => {
    await vm.changeRuntime(RUNTIME)
    await rewrite(vm.cores.db, vm.cores.db.length - 1, 0)
  })
  const result = await ground.audit(vm.key)
  assert.deepEqual(found(result), [['forked', 5, null]], JSON.stringify(result))
})
