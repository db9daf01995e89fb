// Proofs of answers that the log does not hold: the host's receipt against its log, or against its word that the log ends.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import b4a from 'b4a'
import c from 'compact-encoding'
import { answerProof, type AnswerProof } from '../../../lib/audit/proof/answer.js'
import {
  challengeOfAnswer,
  proveAnswer,
  proveAnswerBeyond,
  verifyProof
} from '../../../lib/audit/proof/index.js'
import { proveLog } from '../../../lib/audit/proof/log.js'
import crypto from '../../../lib/ledger/crypto.js'
import { decodeExactly, type Head } from '../../../lib/ledger/encoding.js'
import { encodeKey } from '../../../lib/ledger/keys.js'
import { sealProof, unsealProof } from '../../../lib/ledger/sealed.js'
import {
  confirmation,
  receipt,
  type Confirmation,
  type Receipt,
  type Signed
} from '../../../lib/ledger/statements.js'
import type { Forgery } from '../../helpers/forger.js'
import { Ground } from '../../helpers/ground.js'
import { forge } from './frauds.js'

const ground = await Ground.open()
const forger = await ground.forger()
const vm = await forge(forger, {})
const another = await forge(forger, {})
const keys = vm.cores.keys
const nothing = b4a.alloc(32, 7)

/** The answer to call 5, in block 4, or a lie about it. */
async function answer(lie: Partial<Receipt> = {}, of: Forgery = vm): Promise<Signed<Receipt>> {
  return of.receipt(await of.commitAt(4), 4, 0, lie)
}

function confirm(
  head: Head,
  one: Signed<Receipt>,
  of = vm,
  lie: Partial<Confirmation> = {}
): Signed<Confirmation> {
  return confirmation.sign({ vm: vm.key, challenge: challengeOfAnswer(one), head, ...lie }, of.keyPair)
}

async function refused(bytes: Uint8Array, reason: RegExp): Promise<void> {
  const { verdict, reason: why } = await verifyProof(bytes)
  assert.equal(verdict, 'unproven')
  assert.match(why!, reason)
}

function change(bytes: Uint8Array, lie: (proof: AnswerProof) => Partial<AnswerProof>): Uint8Array {
  const proof = decodeExactly(answerProof, unsealProof(bytes).body)
  return sealProof('answer', c.encode(answerProof, { ...proof, ...lie(proof) }))
}

for (const [name, lie, says] of [
  ['another record', { record: nothing }, /another record/],
  ['another request', { request: nothing }, /another request/],
  ['a call beyond the block', { index: 7 }, /no such call/],
  ['a call before the block', { index: 4 }, /no such call/],
  ['a call beyond all numbers', { index: 2 ** 52 }, /no such call/],
  ['another history', { hash: nothing }, /another history/]
] as [string, Partial<Receipt>, RegExp][]) {
  test(`an answer with ${name} than its log`, async () => {
    const bytes = await proveAnswer(vm.cores, await answer(lie))
    const { verdict, type, key, findings } = await verifyProof(bytes)
    assert.deepEqual([verdict, type, key], ['proven', 'answer', encodeKey(vm.key)])
    const [{ kind, block, index, detail }] = findings
    assert.deepEqual([findings.length, kind, block, index], [1, 'answer-not-logged', 4, lie.index ?? 5])
    assert.match(detail, says)
  })
}

test('an answer in a block that is no commit, or none at all', async () => {
  for (const block of [0, 4]) {
    const log = await forge(forger, { lies: { 4: { block: () => b4a.from('nothing') } } })
    const hash = (await log.head(block + 1)).hash
    const one = receipt.sign({ ...(await answer()), vm: log.key, block, hash }, log.keyPair)
    assert.equal((await verifyProof(await proveAnswer(log.cores, one))).verdict, 'proven')
  }
})

test('an answer in the last block', async () => {
  const one = await vm.receipt(await vm.commitAt(5), 5)
  await assert.rejects(proveAnswer(vm.cores, one), /nothing is wrong/)
  const lie = await vm.receipt(await vm.commitAt(5), 5, 0, { record: nothing })
  assert.equal((await verifyProof(await proveAnswer(vm.cores, lie))).verdict, 'proven')
})

test('an answer in a block beyond the copy is not proven by the copy', async () => {
  await assert.rejects(proveAnswer(vm.cores, await answer({ block: 6 })), { code: 'NOT_AVAILABLE' })
})

test('an answer that the log holds', async () => {
  await assert.rejects(
    proveAnswer(vm.cores, await answer()),
    /nothing is wrong in it: the log holds the answer/
  )
  const bytes = await proveAnswer(vm.cores, await answer({ record: nothing }))
  const honest = receipt.encode(await answer())
  await refused(
    change(bytes, () => ({ receipt: honest })),
    /nothing is wrong in it/
  )
})

test('an answer that somebody else signed, or for another VM', async () => {
  const one = await answer({ record: nothing })
  await assert.rejects(proveAnswer(vm.cores, receipt.sign(one, another.keyPair)), /not signed by the key/)
  await assert.rejects(proveAnswer(vm.cores, await answer({ vm: another.key })), /not signed by the key/)
  await assert.rejects(proveAnswer(another.cores, one), /not signed by the key/)
})

test('less than it takes, and more', async () => {
  const one = await answer({ record: nothing })
  const bytes = await proveAnswer(vm.cores, one)
  const content = async (n: number) => [n, (await vm.cores.log.get(n))!] as const
  const log = async (blocks: number[], lengths: number[]) => {
    const read = new Map(await Promise.all(blocks.map(content)))
    return { log: await proveLog(vm.cores.log, read, lengths) }
  }
  for (const [blocks, lengths, reason] of [
    [[], [], /incomplete/],
    [[4], [], /incomplete/],
    [[3, 4], [5], /more than the block/],
    [[4], [4, 5], /more than the block/]
  ] as [number[], number[], RegExp][]) {
    const lie = await log(blocks, lengths)
    await refused(
      change(bytes, () => lie),
      reason
    )
  }
})

test('an answer that the log holds, without the block in which it does', async () => {
  // the tree hash after block 3 follows without that block
  const lie = await vm.receipt(await vm.commitAt(3), 3, 0, { record: nothing })
  const bytes = await proveAnswer(vm.cores, lie)
  const honest = receipt.encode(await vm.receipt(await vm.commitAt(3), 3))
  const log = await proveLog(vm.cores.log, new Map(), [4])
  await refused(
    change(bytes, () => ({ receipt: honest, log })),
    /incomplete/
  )
})

// a log that ends before the answer

test('an answer beyond a log that the host stands by afterwards', async () => {
  const one = await answer()
  for (const length of [1, 3, 4]) {
    const bytes = proveAnswerBeyond(keys, one, confirm(await vm.head(length), one))
    const { verdict, findings } = await verifyProof(bytes)
    assert.deepEqual([verdict, findings[0].block, findings[0].index], ['proven', 4, 5])
    assert.match(findings[0].detail, new RegExp(`its log has ${length} blocks`))
  }
})

test('a confirmed log that is long enough', async () => {
  const one = await answer()
  for (const length of [5, 6]) {
    const confirmed = confirm(await vm.head(length), one)
    assert.throws(() => proveAnswerBeyond(keys, one, confirmed), /long enough/)
  }
})

test('a confirmation of something else, by somebody else, or for another VM', async () => {
  const one = await answer()
  const head = await vm.head(3)
  const refuses = (confirmed: Signed<Confirmation>, why: RegExp) =>
    assert.throws(() => proveAnswerBeyond(keys, one, confirmed), why)
  refuses(confirm(head, one, vm, { challenge: nothing }), /something else/)
  refuses(confirm(head, await answer({ record: nothing })), /something else/)
  refuses(confirm(head, one, vm, { challenge: crypto.hash(one.signature) }), /something else/)
  refuses(confirm(head, one, another), /not signed by the key/)
  refuses(confirm(head, one, vm, { vm: another.key }), /not signed by the key/)
})

test('a log and a confirmation, or neither', async () => {
  const one = await answer({ record: nothing })
  const bytes = await proveAnswer(vm.cores, one)
  const confirmed = confirmation.encode(confirm(await vm.head(3), one))
  await refused(
    change(bytes, () => ({ confirmation: confirmed })),
    /malformed/
  )
  await refused(
    change(bytes, () => ({ log: null })),
    /malformed/
  )
})
