// What becomes of contradictions that are found at once: whichever can be proved first is the proof.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { claimOfHead, type Claim } from '../../lib/ledger/claims.js'
import { deriveKeys } from '../../lib/ledger/keys.js'
import { headMessage } from '../../lib/ledger/statements.js'
import { Forks } from '../../lib/replica/forks.js'
import { Memory } from '../../lib/replica/memory.js'
import { hashOf, keyPairOf } from '../ledger/helper.js'

const vm = keyPairOf(1)
const keys = deriveKeys(vm.publicKey)

const head = (length: number, name: string): Claim =>
  claimOfHead(headMessage.sign({ vm: keys.log, length, hash: hashOf(name), time: 1 }, vm))

/** Proves itself. */
const PROVEN: [Claim, Claim] = [head(5, 'one'), head(5, 'two')]

/** Takes the path from one to the other. */
const APART: [Claim, Claim] = [head(6, 'one'), head(5, 'two')]

const none = () => assert.fail()

async function forksOf(t: TestContext): Promise<{ forks: Forks; found: () => number }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'vms-proofs-'))
  t.after(() => rm(folder, { recursive: true }))
  let count = 0
  const forks = new Forks(keys.log, new Memory(folder, keys.log), () => count++)
  return { forks, found: () => count }
}

/** A path that is not to be had, as that of a core that closes meanwhile. */
function lost() {
  let lose!: () => void
  const path = () => new Promise<never>((_, reject) => (lose = () => reject(new Error('closed'))))
  return { path, lose: () => lose() }
}

test('one that can be proved counts, also while another is looked into', async t => {
  const { forks, found } = await forksOf(t)
  const { path, lose } = lost()
  forks.accuse(keys, { core: 'log', claims: APART }, path)
  forks.accuse(keys, { core: 'log', claims: PROVEN }, none)
  lose()
  await forks.settled
  assert.ok(forks.known)
  assert.match(forks.error!.message, /contradicted itself: .*The proof is in/)
  assert.equal(found(), 1)
})

test('one that is lost is told once nothing else can be proved', async t => {
  const { forks, found } = await forksOf(t)
  const [first, second] = [lost(), lost()]
  for (const { path } of [first, second]) forks.accuse(keys, { core: 'log', claims: APART }, path)
  first.lose()
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(forks.error, null)
  second.lose()
  await forks.settled
  assert.equal(forks.known, null)
  assert.match(forks.error!.message, /two histories of its log: do not rely on it/)
  assert.equal(found(), 1)

  // it can still be proved
  forks.accuse(keys, { core: 'log', claims: PROVEN }, none)
  await forks.settled
  assert.match(forks.error!.message, /The proof is in/)
})

test('a flood of contradictions is not followed', async t => {
  const { forks } = await forksOf(t)
  let asked = 0
  const path = () => new Promise<never>(() => asked++)
  for (let i = 0; i < 50; i++) forks.accuse(keys, { core: 'log', claims: APART }, path)
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(asked, 4)
})
