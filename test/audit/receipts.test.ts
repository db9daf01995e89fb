// Signed answers that a client has kept because the log did not confirm them. They are shown to the auditor by way of the
// user's data folder.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import b4a from 'b4a'
import type { AuditResult } from '../../lib/audit/findings.js'
import { verifyProof } from '../../lib/audit/proof/index.js'
import crypto from '../../lib/ledger/crypto.js'
import { receipt, type Receipt, type Signed } from '../../lib/ledger/statements.js'
import { Memory } from '../../lib/replica/memory.js'
import type { Forgery } from '../helpers/forger.js'
import { Ground } from '../helpers/ground.js'
import { SOURCE, tell } from '../helpers/story.js'

const ground = await Ground.open()
const forger = await ground.forger()
const nothing = b4a.alloc(32, 7)

type Kept = (vm: Forgery) => Promise<Signed<Receipt>>

/** Audits with one answer kept; the log has a batch of two in block 2, and one call in block 3. */
async function keeping(kept: Kept): Promise<{ result: AuditResult; left: number }> {
  const vm = await forger.vm({ source: SOURCE })
  await vm.init()
  await vm.commit([await vm.request('add', [1]), await vm.request('add', [2])])
  await vm.call('add', [3])
  await vm.publish()
  const data = ground.folder()
  const memory = new Memory(`${data}/known`, vm.key)
  await memory.rememberReceipt(await kept(vm))
  const replica = ground.replica(vm.key, data)
  try {
    const result = await ground.auditCopy(replica, { timeout: 1500 })
    return { result, left: (await memory.receipts()).length }
  } finally {
    await replica.close()
  }
}

const answer =
  (i: number, lie: Partial<Receipt> = {}): Kept =>
  async vm =>
    vm.receipt(await vm.commitAt(2), 2, i, lie)

const wrong: [name: string, kept: Kept, place: [number, number]][] = [
  ['another record', answer(1, { record: nothing }), [2, 2]],
  ['another log', answer(1, { hash: nothing }), [2, 2]],
  ['another request', answer(1, { request: nothing }), [2, 2]],
  ['another index', answer(1, { index: 1 }), [2, 1]],
  ['an index before the first of the block', answer(1, { index: 0 }), [2, 0]],
  ['an index after the last of the block', answer(1, { index: 9 }), [2, 9]],
  ['another block', answer(1, { block: 3 }), [3, 2]],
  ['the genesis', answer(1, { block: 0 }), [0, 2]]
]

for (const [name, kept, [block, index]] of wrong) {
  test(`an answer that names ${name}`, async () => {
    const { result, left } = await keeping(kept)
    assert.deepEqual(
      result.findings.map(({ kind, block, index }) => [kind, block, index]),
      [['answer-not-logged', block, index]]
    )
    assert.equal(left, 1, 'evidence is kept')
  })
}

test('an answer that the log holds is forgotten', async () => {
  const { result, left } = await keeping(answer(1))
  assert.deepEqual([result.verdict, left], ['verified', 0])
})

test('an answer that nobody has signed says nothing', async () => {
  const { result } = await keeping(async vm => {
    const one = await answer(1, { record: nothing })(vm)
    one.signature[0] ^= 1
    return one
  })
  assert.equal(result.verdict, 'verified')
})

test('an answer that somebody else has signed says nothing', async () => {
  const { result } = await keeping(async vm =>
    receipt.sign(await answer(1, { record: nothing })(vm), crypto.keyPair())
  )
  assert.equal(result.verdict, 'verified')
})

test('an answer of another VM says nothing', async () => {
  const { result } = await keeping(answer(1, { vm: nothing, record: nothing }))
  assert.equal(result.verdict, 'verified')
})

test('an answer in a block that is not there yet', async () => {
  const { result, left } = await keeping(async vm => {
    vm.confirmed = null
    return answer(1, { block: 12 })(vm)
  })
  assert.deepEqual([result.verdict, result.doubts[0].block, left], ['inconclusive', 12, 1])
})

test('an answer in a block that the host, asked for it, knows nothing of', async () => {
  const { result, left } = await keeping(answer(1, { block: 12 }))
  const [{ kind, block, index, proof }] = result.findings
  assert.deepEqual([kind, block, index, left], ['answer-not-logged', 12, 2, 1])
  assert.equal((await verifyProof(proof!)).verdict, 'proven')
})

test('an answer in a block that nobody sends', async () => {
  const host = await ground.forger()
  const vm = await host.vm({ source: SOURCE })
  await tell(vm)
  await host.withhold(vm, 'log', 3)
  await vm.publish()
  const data = ground.folder()
  const memory = new Memory(`${data}/known`, vm.key)
  await memory.rememberReceipt(await vm.receipt(await vm.commitAt(3), 3))
  const replica = ground.replica(vm.key, data)
  const { verdict, findings } = await ground.auditCopy(replica, { timeout: 1500 })
  await replica.close()
  await host.close()
  assert.deepEqual([verdict, findings, (await memory.receipts()).length], ['inconclusive', [], 1])
})

test('an answer in a block that cannot be read', async () => {
  const vm = await forger.vm({ source: SOURCE })
  await tell(vm, { lies: { 5: { block: () => b4a.alloc(3) } } })
  const last = await vm.commitAt(4)
  await vm.publish()
  const data = ground.folder()
  await new Memory(`${data}/known`, vm.key).rememberReceipt(await vm.receipt(last, 5))
  const replica = ground.replica(vm.key, data)
  const { findings } = await ground.auditCopy(replica, { timeout: 1500 })
  await replica.close()
  assert.deepEqual(
    findings.map(({ kind, block }) => [kind, block]),
    [
      ['bad-record', 5],
      ['answer-not-logged', 5]
    ]
  )
})

test('an answer in a block that the host says it has, and does not send', async () => {
  const vm = await forger.vm({ source: SOURCE })
  await tell(vm)
  vm.confirmed = { length: 20, hash: nothing }
  await vm.publish()
  const data = ground.folder()
  const memory = new Memory(`${data}/known`, vm.key)
  await memory.rememberReceipt(await vm.receipt(await vm.commitAt(5), 12))
  const replica = ground.replica(vm.key, data)
  const { verdict, findings } = await ground.auditCopy(replica, { timeout: 1500 })
  await replica.close()
  assert.deepEqual([verdict, findings, (await memory.receipts()).length], ['inconclusive', [], 1])
})

test('an answer in a block that is on its way', async () => {
  const host = await ground.forger()
  const vm = await host.vm({ source: SOURCE })
  await tell(vm)
  await host.withhold(vm, 'log', 6) // which is not there yet, and is not served when it is
  vm.shown = await vm.head()
  const one = await vm.receipt(await vm.call('add', [1]), 6)
  await vm.publish()
  const data = ground.folder()
  const memory = new Memory(`${data}/known`, vm.key)
  await memory.rememberReceipt(one)
  const replica = ground.replica(vm.key, data)
  const delivered: Promise<void>[] = []
  const get = () => {
    if (delivered.length === 0) delivered.push(host.deliver(vm)) // the host is asked for its head, and does not answer
    return null
  }
  Object.defineProperty(vm, 'confirmed', { get })
  const { verdict, findings } = await ground.auditCopy(replica, { timeout: 1500 })
  await Promise.all(delivered)
  await replica.close()
  await host.close()
  assert.deepEqual([verdict, findings, await memory.receipts()], ['verified', [], []])
})
