// Files that a host signs outside of its log, and answers that it signs and does not log: also where its log ends before.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Findings, type AuditResult } from '../../lib/audit/findings.js'
import { verifyProof } from '../../lib/audit/proof/index.js'
import type { Evidence } from '../../lib/audit/evidence.js'
import { LiveEvidence } from '../../lib/audit/live.js'
import { UnloggedFiles } from '../../lib/audit/unlogged.js'
import type { Cores } from '../../lib/machine/cores.js'
import type { Replica } from '../../lib/replica/replica.js'
import type { Forgery } from '../helpers/forger.js'
import { Ground } from '../helpers/ground.js'
import { SOURCE, tell } from '../helpers/story.js'

const ground = await Ground.open()
const TIMEOUT = 1500

const found = ({ findings }: AuditResult) => findings.map(({ kind, block, index }) => [kind, block, index])

async function told() {
  const forger = await ground.forger()
  const vm = await forger.vm({ source: SOURCE })
  await tell(vm)
  return { forger, vm }
}

/** As `told`, and the files have what no commit says. */
async function toldMore() {
  const { vm } = await told()
  await vm.tamper([['/x', 'unlogged']])
  await vm.publish()
  return vm
}

const kindsOf = ({ findings }: Findings) => findings.map(({ kind }) => kind)

async function proven({ findings }: AuditResult): Promise<unknown> {
  const { verdict, findings: shown } = await verifyProof(findings[0].proof!)
  return [verdict, shown.map(({ kind, block }) => [kind, block])]
}

for (const [name, changes, core] of [
  ['a file', [['/x', 'unlogged']], 'database'],
  ['a file that is empty', [['/x', '']], 'database'],
  ['a deletion', [['/n', null]], 'database']
] as const) {
  test(`${name} is written after the last commit, and the host confirms its log`, async () => {
    const { vm } = await told()
    await vm.tamper(changes.map(([path, text]) => [path, text]))
    await vm.publish()
    const result = await ground.audit(vm.key, { timeout: TIMEOUT })
    assert.equal(result.verdict, 'fraud', JSON.stringify(result))
    assert.deepEqual(found(result)[0], ['unlogged-write', 5, null])
    assert.match(result.findings[0].detail, new RegExp(core))
    assert.deepEqual(await proven(result), ['proven', [['unlogged-write', 5]]])
  })
}

test('files that run ahead of the log are nothing while the host confirms nothing', async () => {
  const { vm } = await told()
  await vm.tamper([['/x', 'unlogged']])
  vm.confirmed = null
  await vm.publish()
  assert.equal((await ground.audit(vm.key, { timeout: TIMEOUT })).verdict, 'verified')
})

test('a copy has seen files that the log passes over', async () => {
  const { vm } = await told()
  await vm.tamper([['/x', 'unlogged']])
  vm.confirmed = null
  await vm.publish()
  const { replica, unlogged } = await copied(vm)
  await unlogged.note('db')
  const findings = new Findings()
  await unlogged.check(findings, TIMEOUT)
  assert.deepEqual(findings.findings, [], 'the host confirms nothing yet')
  // the host goes on from these files, and says that its log always did
  await vm.call('add', [1])
  vm.say(await vm.head())
  await replica.until(() => replica.log.length === vm.cores.log.length, 20_000)
  await unlogged.check(findings, TIMEOUT)
  const [{ kind, block, proof }] = findings.findings
  assert.deepEqual([kind, block], ['unlogged-write', 5])
  assert.equal((await verifyProof(proof)).verdict, 'proven')
})

test('a head that has just come is looked into the next time: its commit may be on its way', async () => {
  const vm = await toldMore()
  const { unlogged } = await copied(vm)
  await unlogged.note('db')
  const findings = new Findings()
  await unlogged.check(findings, TIMEOUT, true)
  assert.deepEqual(findings.findings, [])
  await unlogged.check(findings, TIMEOUT, true)
  assert.deepEqual(kindsOf(findings), ['unlogged-write'])
})

test('heads are looked into one by one, whatever came before them', async () => {
  const { vm } = await told()
  await vm.publish()
  const { replica, unlogged } = await copied(vm)
  await unlogged.note('db')
  await vm.tamper([['/x', 'unlogged']])
  await whole(replica, vm)
  await unlogged.note('db')
  const findings = new Findings()
  await unlogged.check(findings, TIMEOUT)
  assert.deepEqual(kindsOf(findings), ['unlogged-write'])
})

test('a head whose blocks are not to be had is looked into later', async () => {
  const vm = await toldMore()
  let missing = true
  const { unlogged } = await copied(vm, live => ({
    keys: live.keys,
    hash: length => live.hash(length),
    files: state => live.files(state),
    block: number => (missing ? Promise.resolve(null) : live.block(number))
  }))
  await unlogged.note('db')
  const findings = new Findings()
  await unlogged.check(findings, TIMEOUT)
  assert.deepEqual(findings.found, new Findings().found)
  missing = false
  await unlogged.check(findings, TIMEOUT)
  assert.deepEqual(kindsOf(findings), ['unlogged-write'])
})

test('nothing is said of a host whose blocks are not to be had for the proof', async () => {
  const vm = await toldMore()
  const { replica, cores, evidence } = await copied(vm)
  const get = () => Promise.reject(new Error('the block is gone'))
  const log = Object.create(cores.log, { get: { value: get } }) as Cores['log']
  const unlogged = new UnloggedFiles(replica, { ...cores, log }, evidence)
  await unlogged.note('db')
  const findings = new Findings()
  await unlogged.check(findings, TIMEOUT)
  assert.deepEqual(findings.findings, [])
  assert.match(JSON.stringify(findings.found), /not available/)
})

/** What looks into the files of a copy that has all. @param through what it reads through */
async function copied(vm: Forgery, through: (live: Evidence) => Evidence = live => live) {
  const replica = ground.replica(vm.key)
  await replica.sync(20_000)
  const cores = await whole(replica, vm)
  const evidence = through(await LiveEvidence.open(replica, TIMEOUT))
  return { replica, cores, evidence, unlogged: new UnloggedFiles(replica, cores, evidence) }
}

/** Waits until a copy has all that a host has. */
async function whole(replica: Replica, { cores }: Forgery): Promise<Cores> {
  await replica.until(() => replica.log.length === cores.log.length, 20_000)
  const copies = await replica.cores()
  for (const name of ['db', 'blobs'] as const)
    while (copies[name].length < cores[name].length) await once(copies[name], 'append')
  return copies
}
