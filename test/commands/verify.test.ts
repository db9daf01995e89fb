// vms verify: what it prints of a proof, for people and for programs, and how it ends.

import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { writeProof } from '../../lib/audit/proof/index.js'
import { encodeKey } from '../../lib/ledger/keys.js'
import { encodeValue } from '../../lib/ledger/values.js'
import { partsOf, proofWith, reseal } from '../audit/proof/open.js'
import { run } from '../helpers/alone.js'
import { sourceOf } from '../helpers/copy.js'
import { ALICE, type Lies, type VMOptions } from '../helpers/forger.js'
import { Ground } from '../helpers/ground.js'
import { SOURCE, tell } from '../helpers/story.js'

const ground = await Ground.open()
const forger = await ground.forger()
const forged: Lies = {
  records: records => void (records[1].outcome = { ok: true, value: encodeValue('\u001b[2Jforged') })
}

async function vmWith(options: Partial<VMOptions>, lies: { [block: number]: Lies } = {}) {
  const vm = await forger.vm({ source: SOURCE, ...options })
  await tell(vm, { lies })
  return vm
}

const title = 'An \u001b[31mevent\u0007\nproven: nobody'
const liar = await vmWith({ genesis: one => void (one.title = title) }, { 2: forged })
const proof = (await writeProof(sourceOf(liar.cores), 2))!
const key = encodeKey(liar.key)
const alice = encodeKey(ALICE.publicKey)

async function verify(bytes: Uint8Array, ...flags: string[]) {
  const home = ground.folder()
  await mkdir(home, { recursive: true })
  await writeFile(path.join(home, 'fraud.proof'), bytes)
  return run(home, 'verify', 'fraud.proof', ...flags)
}

test('a proof: who did what, and nothing that a terminal obeys', async () => {
  const { status, stdout, stderr } = await verify(proof)
  assert.equal(stderr, '')
  assert.deepEqual(stdout.split('\n'), [
    `proven: the host of ${key} has cheated`,
    '  title   An \\u001b[31mevent\\u0007\\nproven: nobody',
    `  owner   ${alice}`,
    '  wrong-outcome in block 2, call 2: logged "\\u001b[2Jforged", replayed null',
    `    asked by ${alice}`,
    ''
  ])
  assert.equal(status, 0)
})

test('a proof, for programs', async () => {
  const { status, lines } = await verify(proof, '--json')
  const finding = {
    kind: 'wrong-outcome',
    block: 2,
    index: 2,
    detail: 'logged "\\u001b[2Jforged", replayed null',
    caller: alice
  }
  const told = {
    verdict: 'proven',
    type: 'replay',
    key,
    title,
    owner: alice,
    findings: [finding],
    reason: null
  }
  assert.deepEqual([status, lines], [0, [told]])
})

test('no proof, and why', async () => {
  const honest = sourceOf((await vmWith({})).cores)
  const parts = await partsOf(honest, 2)
  const nothing = await proofWith(honest, 2, parts)
  const less = await proofWith(honest, 2, { ...parts, blocks: [0, 2] })
  const unsigned = Buffer.from(proof)
  unsigned[80] ^= 1 // in the public key
  for (const [bytes, reason] of [
    [Buffer.alloc(0), 'it is no proof: it does not begin as one'],
    [proof.subarray(0, -1), 'it is damaged'],
    [reseal(unsigned), 'the head of its log is not signed by the key of the log'],
    [nothing, 'nothing is wrong in it: the block is as an honest host writes it'],
    [less, 'incomplete: block 1 is not available']
  ] as [Uint8Array, string][]) {
    const { status, stdout, stderr } = await verify(bytes)
    assert.deepEqual([status, stdout, stderr], [1, `unproven: fraud.proof proves nothing: ${reason}\n`, ''])
    const json = await verify(bytes, '--json')
    assert.deepEqual([json.status, json.lines.length], [1, 1])
    assert.deepEqual([json.lines[0].verdict, json.lines[0].reason], ['unproven', reason])
    assert.deepEqual(json.lines[0].findings, [])
  }
})

test('a proof that another runtime can tell', async () => {
  const vm = await vmWith({ genesis: one => void (one.runtime.v8 = '1.2.3') }, { 2: forged })
  const source = sourceOf(vm.cores)
  const bytes = await proofWith(source, 2, await partsOf(source, 2))
  const { status, stdout } = await verify(bytes)
  assert.equal(status, 2)
  assert.match(
    stdout,
    /^undecided: this runtime cannot tell: the runtime differs: the host has node .*\n {2}VM {6}/
  )
  assert.equal((await verify(bytes, '--json')).lines[0].key, encodeKey(vm.key))
})

test('a proof that could not be written is told before the audit', async () => {
  const home = ground.folder()
  await mkdir(home, { recursive: true })
  for (const [file, why] of [
    [path.join(home, 'missing', 'proof'), /cannot be written: ENOENT/],
    [home, /cannot be written: it is a folder/]
  ] as const) {
    const { status, stdout, stderr } = await run(home, 'audit', key, '--proof', file)
    assert.deepEqual([status, stdout], [64, ''])
    assert.match(stderr, why)
  }
})

test('a file that cannot be read', async () => {
  const home = ground.folder()
  await mkdir(home, { recursive: true })
  for (const [file, why] of [
    ['missing', /^vms: "missing" cannot be read: there is no such file\n/],
    ['.', /^vms: "\." cannot be read: EISDIR/]
  ] as const) {
    const { status, stdout, stderr } = await run(home, 'verify', file)
    assert.deepEqual([status, stdout], [64, ''])
    assert.match(stderr, why)
  }
  assert.equal((await run(home, 'verify')).status, 64)
})
