// A proof of each kind of fraud that a block can show: it holds what it takes and no more, and convinces a process that has
// nothing but its file. Of an honest commit there is none.

import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { verifyProof, writeProof, type Verification } from '../../../lib/audit/proof/index.js'
import { LiveEvidence } from '../../../lib/audit/live.js'
import { KINDS } from '../../../lib/audit/findings.js'
import crypto from '../../../lib/ledger/crypto.js'
import { encodeKey } from '../../../lib/ledger/keys.js'
import { encodeValue } from '../../../lib/ledger/values.js'
import type { Genesis } from '../../../lib/ledger/blocks.js'
import { endsOf } from '../../../lib/ledger/merkle.js'
import type { Parts } from '../../../lib/audit/proof/write.js'
import { run } from '../../helpers/alone.js'
import { fixture } from '../../helpers/cli.js'
import { sourceOf } from '../../helpers/copy.js'
import { ALICE, type Forgery, type Lies } from '../../helpers/forger.js'
import { Ground } from '../../helpers/ground.js'
import { forge, FRAUDS } from './frauds.js'
import { openProof, partsOf, proofWith } from './open.js'

const ground = await Ground.open()
const forger = await ground.forger()

/** Verifies a proof in a process that has no more than its file. */
async function verifyAlone(bytes: Uint8Array): Promise<Verification & { status: number }> {
  const home = ground.folder()
  await mkdir(home, { recursive: true })
  await writeFile(path.join(home, 'fraud.proof'), bytes)
  const { status, lines } = await run(home, 'verify', 'fraud.proof', '--json')
  assert.deepEqual(await readdir(home), ['fraud.proof'])
  return { ...(lines[0] as unknown as Verification), status }
}

async function proofOf(vm: Forgery, block: number): Promise<Uint8Array> {
  const bytes = await writeProof(sourceOf(vm.cores), block)
  assert.ok(bytes, `nothing is wrong with block ${block}`)
  return bytes
}

for (const { name, finds, also = [], blocks = 3, ...fraud } of FRAUDS) {
  test(name, async () => {
    const vm = await forge(forger, fraud)
    const [kind, block, index] = finds
    const bytes = await proofOf(vm, block)
    const { status, verdict, key, findings, reason } = await verifyAlone(bytes)
    assert.deepEqual([status, verdict, key, reason], [0, 'proven', encodeKey(vm.key), null])
    assert.deepEqual(
      findings.map(one => [one.kind, one.block]),
      [kind, ...also].map(kind => [kind, block])
    )
    assert.equal(findings[0].index, index)
    const { log } = openProof(bytes)
    assert.equal(log.core.blocks.length, blocks)
    assert.deepEqual(log.lengths.length > 0, /another log|end of its window/.test(name))
  })
}

test('there is a fraud of each kind that a block can show', () => {
  const others = ['unlogged-write', 'forked', 'answer-not-logged']
  const shown = new Set(FRAUDS.map(({ finds: [kind] }) => kind))
  assert.deepEqual([...KINDS].filter(kind => !shown.has(kind)).sort(), others.sort())
})

test('it says of whom the VM is, and who asked', async () => {
  const vm = await forge(forger, { genesis: one => void (one.title = 'a\u001bb'), ...FRAUDS[16] })
  const { title, owner, findings } = await verifyProof(await proofOf(vm, 2))
  const alice = encodeKey(ALICE.publicKey)
  assert.deepEqual([title, owner, findings[0].caller], ['a\u001bb', alice, alice])
})

test('a proof written from a sparse copy', async () => {
  const vm = await forge(forger, { lies: FRAUDS[16].lies })
  await vm.publish()
  const replica = ground.replica(vm.key)
  await replica.sync(20_000)
  const cores = await replica.cores()
  const evidence = await LiveEvidence.open(replica, 20_000)
  const bytes = await writeProof({ cores, evidence }, 2)
  assert.deepEqual(bytes, await proofOf(vm, 2))
  assert.ok(!(await cores.log.has(4)))
  await replica.close()
})

// nobody is accused wrongly

test('an honest history proves nothing, block for block', async () => {
  const vm = await forge(forger, {})
  for (let block = 0; block < 6; block++) assert.equal(await writeProof(sourceOf(vm.cores), block), null)
})

test('the honest blocks beside a wrong one prove nothing', async () => {
  const vm = await forge(forger, { lies: FRAUDS[16].lies })
  for (const block of [0, 1, 3, 4, 5]) assert.equal(await writeProof(sourceOf(vm.cores), block), null)
})

test('a proof about an honest commit is none, whatever it leaves out', async () => {
  const vm = await forge(forger, {})
  const source = sourceOf(vm.cores)
  for (const block of [0, 1, 2, 4]) {
    const all = await partsOf(source, block)
    const { verdict, reason } = await verifyProof(await proofWith(source, block, all))
    assert.deepEqual([verdict, reason?.split(':')[0]], ['unproven', 'nothing is wrong in it'])
    for (const { what, parts } of without(all)) {
      const { verdict, reason } = await verifyProof(await proofWith(source, block, parts))
      assert.equal(verdict, 'unproven', what)
      assert.match(reason!, /^incomplete: /, what)
    }
  }
})

/** The same without one thing. */
function without(all: Parts): { what: string; parts: Parts }[] {
  const { blocks, lengths, files } = { ...all, blocks: [...all.blocks], lengths: [...all.lengths] }
  return [
    // the last block of a length comes with it
    ...blocks
      .filter(n => !endsOf(lengths).includes(n))
      .map(n => ({ what: `block ${n}`, parts: { ...all, blocks: blocks.filter(one => one !== n) } })),
    ...lengths.map(n => ({
      what: `length ${n}`,
      parts: { ...all, lengths: lengths.filter(one => one !== n) }
    })),
    ...files.flatMap((state, i) => [
      { what: `files ${i}`, parts: { ...all, files: files.filter(one => one !== state) } },
      ...(['db', 'blobs'] as const).flatMap(core =>
        [...state[core].keys()].map(n => {
          const rest = new Map([...state[core]].filter(([number]) => number !== n))
          return {
            what: `block ${n} of ${core}`,
            parts: { ...all, files: files.map(one => (one === state ? { ...one, [core]: rest } : one)) }
          }
        })
      )
    ])
  ]
}

// other runtimes

const other = (one: Genesis) => void (one.runtime.v8 = '1.2.3')

test('another runtime: what the log shows is proven', async () => {
  for (const { finds, also = [], executed, genesis, ...fraud } of FRAUDS) {
    if (executed || fraud.block) continue
    const both = (one: Genesis) => {
      other(one)
      genesis?.(one)
    }
    const bytes = await proofOf(await forge(forger, { ...fraud, genesis: both }), finds[1])
    const { verdict, findings } = await verifyProof(bytes)
    assert.equal(verdict, 'proven', fraud.name)
    assert.ok([finds[0], ...also].includes(findings[0].kind), fraud.name)
  }
})

for (const { name, finds, executed, genesis, ...fraud } of FRAUDS.filter(one => one.executed)) {
  test(`another runtime cannot tell: ${name}`, async () => {
    const both = (one: Genesis) => {
      other(one)
      genesis?.(one)
    }
    const vm = await forge(forger, { ...fraud, genesis: both })
    const source = sourceOf(vm.cores)
    assert.equal(await writeProof(source, finds[1]), null)
    const { verdict, reason, key } = await verifyProof(
      await proofWith(source, finds[1], await partsOf(source, finds[1]))
    )
    assert.deepEqual([verdict, executed, key], ['undecided', true, encodeKey(vm.key)])
    assert.match(reason!, /the runtime differs/)
  })
}

test('an honest host on another runtime, where it gives something else, whatever is left out', async () => {
  const hash = crypto.hash(Buffer.from('1000'))
  const elsewhere: Lies = {
    records: ([one]) => {
      one.outcome = { ok: true, value: encodeValue(1000) }
      one.writes = [{ path: '/n', content: { byteLength: 4, hash } }]
    },
    changes: changes => void changes.set('/n', Buffer.from('1000'))
  }
  const vm = await forge(forger, { genesis: other, lies: { 2: elsewhere } })
  const source = sourceOf(vm.cores)
  const all = await partsOf(source, 2)
  assert.equal(all.files.length, 2) // what follows from the log is read where the host has it
  assert.equal((await verifyProof(await proofWith(source, 2, all))).verdict, 'undecided')
  for (const { what, parts } of without(all)) {
    const { verdict } = await verifyProof(await proofWith(source, 2, parts))
    assert.notEqual(verdict, 'proven', what)
  }
})

test('an engine that is unknown cannot tell', async () => {
  const vm = await forge(forger, { genesis: one => void one.engine++, lies: FRAUDS[16].lies })
  const source = sourceOf(vm.cores)
  const { verdict, reason } = await verifyProof(await proofWith(source, 2, await partsOf(source, 2)))
  assert.equal(verdict, 'undecided')
  assert.match(reason!, /runs under engine/)
})

test('what takes too long is undecided', async () => {
  const bytes = await proofOf(await forge(forger, { lies: FRAUDS[16].lies }), 2)
  const { verdict, reason } = await verifyProof(bytes, { timeout: 1 })
  assert.deepEqual([verdict, reason], ['undecided', 'replaying it takes more than 0.001 s'])
})

// sizes

test('a proof about one rsvp call has at most 16 KiB, with hundreds of files', async () => {
  const source = await readFile(fixture('rsvp.js'), 'utf8')
  const vm = await forger.vm({ source })
  await vm.init()
  const rsvps = await Promise.all(
    Array.from({ length: 300 }, (_, i) => vm.request('RSVP', [true, `guest ${i}`], { by: guest(i) }))
  )
  for (let i = 0; i < 300; i += 50) await vm.commit(rsvps.slice(i, i + 50))
  const filler = await vm.request('RSVP', [true, 'as ever'], { by: guest(7) })
  await vm.commit([filler])
  for (const lie of [
    record => void record.gas++,
    record => void (record.outcome = { ok: true, value: encodeValue('forged') })
  ] as ((record: { gas: number; outcome: unknown }) => void)[]) {
    const request = await vm.request('RSVP', [false, 'an excuse'], { by: guest(250) })
    await vm.commit([request], { records: ([one]) => lie(one) })
    const bytes = await proofOf(vm, vm.cores.log.length - 1)
    assert.ok(bytes.byteLength <= 16 * 1024, `${bytes.byteLength} bytes`)
    assert.equal((await verifyProof(bytes)).verdict, 'proven')
  }
})

test('a proof about a full batch of rsvp calls has at most 256 KiB', async () => {
  const source = await readFile(fixture('rsvp.js'), 'utf8')
  const vm = await forger.vm({ source })
  await vm.init()
  const batch = (by: number, count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, i) =>
        vm.request('RSVP', [true, `guest ${by + i}`], { by: guest(by + i) })
      )
    )
  for (let i = 0; i < 4; i++) await vm.commit(await batch(100 * i, 100))
  await vm.commit(await batch(0, FULL))
  const lie: Lies = { records: records => void records[FULL - 1].gas++ }
  await vm.commit(await batch(50, FULL), lie)
  const last = vm.cores.log.length - 1
  const size = (await vm.cores.log.get(last))!.byteLength
  assert.ok(size > 59 * 1024 && size <= 60 * 1024, `a block of ${size} bytes`)
  const bytes = await proofOf(vm, last)
  assert.ok(bytes.byteLength <= 256 * 1024, `${bytes.byteLength} bytes`)
  assert.equal((await verifyProof(bytes)).verdict, 'proven')
})

/** rsvp calls that fill a block */
const FULL = 198

function guest(i: number) {
  return crypto.keyPair(crypto.hash(Buffer.from(`guest ${i}`)))
}
