// Whatever is done to the file of a proof: it ends neither the process nor in a hang, and no honest host is accused by it.
// VMS_TEST_FULL asks for as many mutations as the project promises.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import b4a from 'b4a'
import { sign } from 'hypercore-crypto'
import caps from 'hypercore/lib/caps.js'
import {
  proveAnswer,
  proveUnlogged,
  signedFiles,
  verifyProof,
  writeProof,
  type SignedFiles
} from '../../../lib/audit/proof/index.js'
import type { CommitProof } from '../../../lib/audit/proof/commit.js'
import { encodeBlock } from '../../../lib/ledger/blocks.js'
import { encodeKey } from '../../../lib/ledger/keys.js'
import { hashOfRoots, openCoreProof, proveCore, type CoreProof } from '../../../lib/ledger/merkle.js'
import { sealProof } from '../../../lib/ledger/sealed.js'
import { receipt } from '../../../lib/ledger/statements.js'
import { keyEncoding } from '../../../lib/files/tree.js'
import { encodeValue } from '../../../lib/ledger/values.js'
import { headOf } from '../../../lib/machine/tree.js'
import * as messages from 'hyperbee/lib/messages.js'
import type { Level } from 'hyperbee/lib/messages.js'
import { SOURCE } from '../../helpers/story.js'
import { sourceOf } from '../../helpers/copy.js'
import { Ground } from '../../helpers/ground.js'
import { Random } from '../../helpers/random.js'
import { forge, FRAUDS } from './frauds.js'
import { unhex } from '../../ledger/helper.js'
import type { ProofVector } from './vectors.js'
import { openProof, partsOf, proofWith, reseal, sealReplay } from './open.js'

const { Node, YoloIndex } = messages as unknown as {
  Node: { encode(node: { index: Uint8Array; key: Uint8Array; value: Uint8Array }): Uint8Array }
  YoloIndex: { encode(index: { levels: Level[] }): Uint8Array }
}

const file = new URL('../../../../fixtures/vectors/proofs.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as ProofVector[]

const MUTATIONS = process.env.VMS_TEST_FULL ? 10_000 : 400

const ground = await Ground.open()
const forger = await ground.forger()

interface Made {
  name: string
  bytes: Uint8Array
}

const made: Made[] = []
for (const { name, finds, ...fraud } of FRAUDS) {
  const vm = await forge(forger, fraud)
  made.push({ name, bytes: (await writeProof(sourceOf(vm.cores), finds[1]))! })
}
const signed: SignedFiles[] = []
const unlogged = await forge(forger, {
  before: {
    4: async vm => {
      await vm.tamper([['/n', '50']])
      signed.push(await signedFiles(vm.cores, 'db'))
    }
  }
})
made.push({
  name: 'unlogged files',
  bytes: await proveUnlogged(unlogged.cores, signed[0], { from: 3, to: 4 })
})
const answered = await forge(forger, {})
const answer = await answered.receipt(await answered.commitAt(3), 3, 0, { record: b4a.alloc(32, 7) })
made.push({ name: 'an answer', bytes: await proveAnswer(answered.cores, answer) })
const [, together] = receipt.signAll([{ ...answer, index: 9 }, answer, answer], answered.keyPair)
made.push({ name: 'an answer of several', bytes: await proveAnswer(answered.cores, together) })
// forks and confirmations
for (const { name, type, bytes } of vectors) if (type !== 'replay') made.push({ name, bytes: unhex(bytes) })

const liar = await forge(forger, { lies: FRAUDS[16].lies })
const wrongValue = { vm: liar, bytes: (await writeProof(sourceOf(liar.cores), 2))! }
const honest = await forge(forger, {})

async function refused(bytes: Uint8Array, reason?: RegExp): Promise<void> {
  const { verdict, findings, reason: why } = await verifyProof(bytes)
  assert.equal(verdict, 'unproven', JSON.stringify({ why, findings }))
  if (reason) assert.match(why!, reason)
}

function changed(bytes: Uint8Array, at: number, by: number): Uint8Array {
  const copy = b4a.from(bytes)
  copy[at] ^= by
  return copy
}

test('every proof is proven before anything is done to it', async () => {
  for (const { bytes } of made) assert.equal((await verifyProof(bytes)).verdict, 'proven')
})

test('changed in any one byte, it is damaged', async () => {
  const { bytes } = wrongValue
  for (let at = 0; at < bytes.byteLength; at++) await refused(changed(bytes, at, 1 + (at % 255)))
  for (const { bytes } of made)
    await refused(changed(bytes, ((bytes.byteLength * 2) / 3) | 0, 128), /damaged/)
})

test('changed in any one byte, and the outer hash made right again, it is none', async () => {
  for (const { bytes } of [wrongValue, ...made.slice(FRAUDS.length)]) {
    for (let at = 0; at < bytes.byteLength - 32; at++)
      await refused(reseal(changed(bytes, at, 1 + (at % 255))))
  }
})

test(`${MUTATIONS} mutations, half of them sealed again`, async () => {
  const seed = Number(process.env.VMS_TEST_SEED ?? 1)
  const random = new Random(seed)
  for (let i = 0; i < MUTATIONS; i++) {
    const { bytes } = random.of(made)
    const mutated = mutate(bytes, random)
    const file = i % 2 === 0 ? mutated : reseal(mutated)
    if (b4a.equals(file, bytes)) continue
    await refused(file)
  }
})

function mutate(valid: Uint8Array, random: Random): Uint8Array {
  let bytes = valid
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(bytes.byteLength)
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
    switch (random.below(7)) {
      case 0:
        bytes = changed(bytes, at, 1 << random.below(8))
        break
      case 1:
        bytes = b4a.concat([before, b4a.from([random.of([0, 1, 0xfc, 0xfd, 0xfe, 0xff])]), after])
        break
      case 2:
        bytes = b4a.concat([before, after.subarray(1 + random.below(80))])
        break
      case 3:
        bytes = b4a.concat([before, after.subarray(0, random.below(80)), after])
        break
      case 4:
        bytes = before
        break
      case 5: {
        const other = random.of(made).bytes
        const from = random.below(other.byteLength)
        bytes = b4a.concat([before, other.subarray(from, from + random.below(400)), after])
        break
      }
      default:
        bytes = b4a.concat([
          before,
          b4a.from([0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0]),
          after.subarray(9)
        ])
    }
    if (bytes.byteLength === 0) return bytes
  }
  return bytes
}

// the outer form

test('no proof, or not of a kind that is known', async () => {
  const { bytes } = wrongValue
  await refused(b4a.alloc(0), /no proof/)
  await refused(b4a.alloc(100), /no proof/)
  await refused(b4a.from('{"verdict":"proven"}'), /no proof/)
  await refused(reseal(changed(bytes, 8, 3)), /version 2 of proofs is unknown/)
  await refused(reseal(changed(bytes, 9, 64)), /type 65 of proofs is unknown/)
  await refused(b4a.alloc(64 * 1024 * 1024 + 1), /more than 67108864 bytes/)
})

test('a body of another type', async () => {
  for (const { bytes } of made) {
    for (const type of [1, 2, 3, 4])
      if (bytes[9] !== type) await refused(reseal(changed(bytes, 9, bytes[9] ^ type)))
  }
})

test('cut short anywhere', async () => {
  const { bytes } = wrongValue
  for (let end = 0; end < bytes.byteLength; end++) {
    await refused(bytes.subarray(0, end))
    await refused(reseal(bytes.subarray(0, end)))
  }
})

test('lengths of a gigabyte and more, wherever a length may stand', async () => {
  const { bytes } = wrongValue
  const body = bytes.subarray(10, -32)
  for (const length of [b4a.from([0xfe, 0, 0, 0, 0x40]), b4a.from([0xff, 0, 0, 0, 0, 0, 0, 0x10, 0])]) {
    for (let at = 0; at < body.byteLength; at++) {
      const file = b4a.concat([body.subarray(0, at), length, body.subarray(at + 1)])
      await refused(sealProof('replay', file))
    }
  }
})

// what is signed by somebody else, or says something else

test('signed by another key', async () => {
  const proof = openProof(wrongValue.bytes)
  await refused(sealReplay({ ...proof, vm: openProof(made[15].bytes).vm }), /not signed by the key/)
  const signature = openProof(made[15].bytes).log.signature
  await refused(sealReplay({ ...proof, log: { ...proof.log, signature } }), /not signed by the key/)
})

test('the lie of one VM in the name of another', async () => {
  const lie = openProof(wrongValue.bytes)
  const source = sourceOf(honest.cores)
  const truth = openProof(await proofWith(source, 2, await partsOf(source, 2)))
  const blocks = truth.log.core.blocks.map(one => (one.index === 2 ? lie.log.core.blocks.at(-1)! : one))
  await refused(sealReplay({ ...truth, log: { ...truth.log, core: { ...truth.log.core, blocks } } }))
  await refused(sealReplay({ ...truth, log: lie.log }))
  await refused(sealReplay({ ...lie, vm: truth.vm }))
  const other = openProof(made.find(({ name }) => name === 'a wrong value in the last block')!.bytes)
  await refused(sealReplay({ ...truth, files: other.files }), /incomplete/)
})

test('about another block of the same log', async () => {
  const proof = openProof(wrongValue.bytes)
  for (const { index } of proof.log.core.blocks)
    if (index !== proof.block) await refused(sealReplay({ ...proof, block: index }))
  await refused(sealReplay({ ...proof, block: 3 }), /does not hold block 3/)
  await refused(sealReplay({ ...proof, block: 2 ** 52 }), /does not hold block/)
})

test('more than it takes', async () => {
  const vm = await forge(forger, { lies: { 4: { records: ([one]) => void one.gas-- } } })
  const source = sourceOf(vm.cores)
  const needed = await partsOf(source, 4)
  const blocks = [...needed.blocks]
  await refused(await proofWith(source, 4, { ...needed, blocks: [...blocks, 1] }), /more than it takes/)
  await refused(await proofWith(source, 4, { ...needed, lengths: [3] }), /more than it takes/)
  const [files] = needed.files
  for (const core of ['db', 'blobs'] as const) {
    const from = vm.cores[core]
    const unread = Array.from({ length: files.state[core].length }, (_, i) => i).filter(
      i => !files[core].has(i)
    )
    assert.ok(unread.length > 0)
    const more = new Map([...files[core], [unread[0], (await from.get(unread[0]))!]])
    await refused(
      await proofWith(source, 4, { ...needed, files: [{ ...files, [core]: more }] }),
      /more than it takes/
    )
  }
  const after = { state: (await vm.commitAt(4)).after, db: new Map(), blobs: new Map() }
  await refused(await proofWith(source, 4, { ...needed, files: [files, after] }), /more than it takes/)
})

test('files out of order, twice, or empty', async () => {
  const proof = openProof(wrongValue.bytes)
  const [files] = proof.files
  await refused(sealReplay({ ...proof, files: [files, files] }), /twice|out of order/)
  const nothing = { length: 0, blocks: [], nodes: [] }
  await refused(
    sealReplay({ ...proof, files: [{ db: nothing, blobs: nothing }, files] }),
    /more than it takes/
  )
  await refused(sealReplay({ ...proof, files: [files, { db: nothing, blobs: nothing }] }), /out of order/)
})

test('nodes too many, and too few', async () => {
  const proof = openProof(wrongValue.bytes)
  const { log, files } = proof
  const others = (core: CoreProof) => [
    {
      core: { ...core, nodes: [...core.nodes, { size: 1, hash: b4a.alloc(32) }] },
      reason: /a node too many/
    },
    { core: { ...core, nodes: core.nodes.slice(1) }, reason: /a node is missing/ }
  ]
  for (const { core, reason } of others(log.core)) {
    await refused(sealReplay({ ...proof, log: { ...log, core } }), reason)
  }
  for (const { core, reason } of others(files[0].db)) {
    await refused(sealReplay({ ...proof, files: [{ ...files[0], db: core }] }), reason)
  }
})

test('a block that no head covers', async () => {
  const source = sourceOf(honest.cores)
  const lie = openProof(wrongValue.bytes).log.core.blocks.at(-1)!
  const truth = openProof(await proofWith(source, 5, await partsOf(source, 5)))
  const { length, blocks } = truth.log.core
  assert.equal(length, 6)
  for (const index of [length, length + 1, 2 ** 50]) {
    const core = { ...truth.log.core, blocks: [...blocks, { ...lie, index }] }
    await refused(sealReplay({ ...truth, block: index, log: { ...truth.log, core } }), /blocks out of order/)
  }
})

test('more items than a proof can have', async () => {
  const proof = openProof(wrongValue.bytes)
  const lengths = Array.from({ length: 2 ** 17 + 1 }, () => 1)
  await refused(sealReplay({ ...proof, log: { ...proof.log, lengths } }), /too many items/)
  const blocks = lengths.map(index => ({ index, content: b4a.alloc(0) }))
  await refused(
    sealReplay({ ...proof, log: { ...proof.log, core: { ...proof.log.core, blocks } } }),
    /too many items/
  )
  await refused(
    sealReplay({ ...proof, files: Array.from({ length: 5 }, () => proof.files[0]) }),
    /too many items/
  )
})

test('lengths out of order, or of no use', async () => {
  const proof = openProof(made.find(({ name }) => name === 'a request that has seen another log')!.bytes)
  const told = (lengths: number[]): CommitProof => ({ ...proof, log: { ...proof.log, lengths } })
  assert.equal((await verifyProof(sealReplay(told([3])))).verdict, 'proven')
  for (const lengths of [[], [0, 3], [3, 3], [3, 6], [3, 2 ** 40]]) await refused(sealReplay(told(lengths)))
})

// what a stranger signs for a VM of his own is about that VM, and has to end

test('a log of billions of blocks, and a request that has to be looked for in all of them', async () => {
  for (const window of [1024, 65_536, 2 ** 50]) {
    const began = performance.now()
    const { verdict, key } = await verifyProof(await endless(window))
    assert.deepEqual([verdict, key], ['proven', encodeKey(honest.key)]) // such a request is older than its window
    assert.ok(performance.now() - began < 30_000)
  }
})

/** A log that nobody has written, of which the last two blocks and the first can be shown. */
async function endless(window: number): Promise<Uint8Array> {
  const length = 2 ** 32 - 1
  const genesis = { ...honest.genesis, limits: { ...honest.genesis.limits, window } }
  const commit = { ...(await honest.commitAt(2)), first: 1 }
  const again = { ...commit, first: 1 + commit.records.length, before: commit.after }
  const blocks = [
    { index: 0, content: encodeBlock(genesis) },
    { index: length - 2, content: encodeBlock(commit) },
    { index: length - 1, content: encodeBlock(again) }
  ]
  const node = (index: number) => Promise.resolve({ index, size: 100, hash: b4a.alloc(32, index % 251) })
  const core = await proveCore(length, blocks, [], node)
  const { keys } = honest.cores
  const signable = caps.treeSignable(keys.log, hashOfRoots(openCoreProof(core).roots), length, 0)
  const signature = sign(signable, honest.keyPair.secretKey)
  const proof = {
    vm: openProof(await honestProof()).vm,
    block: length - 1,
    log: { signature, lengths: [], core }
  }
  return sealReplay({ ...proof, files: [] })
}

async function honestProof(): Promise<Uint8Array> {
  const source = sourceOf(honest.cores)
  return proofWith(source, 2, await partsOf(source, 2))
}

for (const [name, level] of [
  ['a node that is its own child', (seq: number) => [{ keys: [seq], children: [seq, 0, seq, 0] }]],
  ['nodes without keys in a circle', (seq: number) => [{ keys: [], children: [seq, 0] }]],
  ['a child of the future', (seq: number) => [{ keys: [seq], children: [seq + 9, 0, seq + 9, 0] }]],
  ['no nodes', () => []]
] as [string, (seq: number) => Level[]][]) {
  test(`files that are no tree: ${name}`, async () => {
    const vm = await forger.vm({ source: SOURCE })
    await vm.init()
    const { db, blobs } = vm.cores
    const key = keyEncoding.encode('/n')
    await db.append(
      Node.encode({ index: YoloIndex.encode({ levels: level(db.length) }), key, value: b4a.from('{}') })
    )
    const files = { db: await headOf(db), blobs: await headOf(blobs) }
    for (const path of ['/n', '/n']) {
      const { signed } = await vm.request('get', [path])
      const outcome = { ok: true as const, value: encodeValue('forged') }
      const record = {
        request: signed.bytes,
        signature: signed.signature,
        outcome,
        gas: 0,
        writes: [],
        oracles: []
      }
      const { index: first } = vm.position
      await vm.append({
        type: 'commit',
        upgrade: null,
        first,
        base: 0,
        before: files,
        after: files,
        records: [record],
        time: 0
      })
      vm.position = { ...vm.position, index: first + 1 }
    }
    const source = sourceOf(vm.cores)
    const bytes = await proofWith(source, 3, await partsOf(source, 3))
    const { verdict, findings } = await verifyProof(bytes)
    assert.deepEqual([verdict, findings.map(({ kind }) => kind)], ['proven', ['wrong-state']])
    assert.match(findings[0].detail, /the files that it goes on from are none/)
  })
}
