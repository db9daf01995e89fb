// --trust and --min-auditors: what auditors that the user trusts have attested, and what relies on it.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import b4a from 'b4a'
import type { KeyPair } from 'hypercore'
import crypto from '../../lib/ledger/crypto.js'
import { decodeKey, encodeKey } from '../../lib/ledger/keys.js'
import type { Verdict } from '../../lib/ledger/attestation.js'
import { Replica } from '../../lib/replica/replica.js'
import { fixture, World } from '../helpers/cli.js'

const [ANN, BEN, EVE] = [11, 12, 13].map(seed => crypto.keyPair(b4a.alloc(32, seed)))
const idOf = ({ publicKey }: KeyPair) => encodeKey(publicKey)

/** An auditor of a VM; it attests to the whole log when it is told to. */
async function auditor(world: World, key: string, keyPair: KeyPair) {
  const bootstrap = world.bootstrap.split(',')
  const data = await world.home(idOf(keyPair))
  const replica = world.use(new Replica(decodeKey(key), { bootstrap, data, announce: true }))
  await replica.ready()
  return async (length: number, verdict: Verdict = 'verified') => {
    await replica.until(() => replica.log.length >= length, 20_000)
    replica.attest(keyPair, { length, hash: await replica.log.treeHash(length), verdict })
  }
}

test('every command shows how far trusted auditors have verified the log', async t => {
  const world = await World.make(t)
  const { key } = await world.serve([fixture('counter.js')])
  await world.run('alice', 'call', key, 'increment', '2')
  const [ann, ben] = [await auditor(world, key, ANN), await auditor(world, key, BEN)]
  await ann(3)
  await ben(3)
  const both = ['--trust', `${idOf(ANN)},${idOf(BEN)}`]
  const lines = (text: string) => text.split('\n').filter(Boolean)

  const files = await world.run('alice', 'files', key, 'cat', '/counter.json', ...both)
  assert.deepEqual([files.stdout, files.stderr], ['2', 'verified to block 2 by 2 auditors\n'])
  const audit = await world.run('alice', 'audit', key, '--trust', idOf(ANN))
  assert.deepEqual(lines(audit.stderr), ['verified to block 2 by 1 auditor'])
  const info = await world.run('alice', 'info', key, '--trust', idOf(ANN), '--trust', idOf(BEN))
  assert.match(info.stdout, /^audited +verified to block 2 by 2 auditors$/m)
  const untrusted = await world.run('alice', 'info', key, '--trust', idOf(EVE))
  assert.match(untrusted.stdout, /^audited +verified by none of 1 auditor$/m)
  const session = await world.session('alice', [key, ...both], ['.info'])
  assert.match(session.stderr, /verified to block 2 by 2 auditors/)
  assert.match(session.stdout, /^audited +verified to block 2 by 2 auditors$/m)

  for (const command of [
    ['info', key],
    ['audit', key]
  ]) {
    const [line] = (await world.run('alice', ...command, ...both, '--json')).lines
    assert.deepEqual(line.verified, { length: 3, auditors: 2 })
    const said = line.attestations as { auditor: string; verdict: string; agrees: boolean }[]
    assert.deepEqual(
      said.map(one => [one.auditor, one.verdict, one.agrees]).sort(),
      [
        [idOf(ANN), 'verified', true],
        [idOf(BEN), 'verified', true]
      ].sort()
    )
  }

  const local = await world.run('alice', 'call', '--local', ...both, key, 'get')
  assert.match(local.stderr, new RegExp(`audited by .*${idOf(BEN)}`))
  const call = await world.run('alice', 'call', ...both, key, 'increment', '--json')
  assert.deepEqual([call.lines[0].value, call.lines[0].verified], [3, { length: 3, auditors: 2 }])
})

test('--min-auditors: nothing is relied on that too few have verified', async t => {
  const world = await World.make(t)
  const { key } = await world.serve([fixture('counter.js')])
  await world.run('alice', 'call', key, 'increment', '2')
  const list = path.join(await world.home('alice'), 'auditors')
  await writeFile(list, `# whom I trust\n${idOf(ANN)} # Ann\n\n  ${idOf(BEN)}\n`)
  const [ann, ben] = [await auditor(world, key, ANN), await auditor(world, key, BEN)]
  await ann(3)
  await ben(2)
  const need = (count: string) => ['--trust', 'auditors', '--min-auditors', count]
  const refused =
    /^vms: .*verified to block 2 by 1 of the 2 trusted auditors, and 2 are required up to block 2/
  // all at once: each waits as long as it may, and has to find the host and both auditors before
  const short = [...need('2'), '--timeout', '8']
  const [session, json, ...ended] = await Promise.all([
    world.session('alice', [key, ...short], ['increment()', 'local.get()', '.cat /counter.json']),
    world.run('alice', 'call', ...short, key, 'increment', '--json'),
    world.run('alice', 'call', ...short, key, 'increment'),
    world.run('alice', 'call', '--local', ...short, key, 'get'),
    world.run('alice', 'files', key, 'cat', '/counter.json', ...short)
  ])
  for (const { status, stdout, stderr } of ended) {
    assert.deepEqual([status, stdout], [2, ''], stderr)
    assert.match(stderr, refused)
  }
  assert.equal(session.stdout.match(/2 are required/g)?.length, 3)
  assert.equal((json.lines[0].error as { code: string }).code, 'NOT_AUDITED')
  assert.equal((await world.run('alice', 'log', key, '--json')).lines.length, 2)

  assert.equal((await world.run('alice', 'call', '--local', ...need('1'), key, 'get')).stdout, '2\n')
  await ben(3)
  assert.equal((await world.run('alice', 'call', ...need('2'), key, 'increment')).stdout, '3\n')
})

test('a trusted auditor that attests fraud is reported by every command', async t => {
  const world = await World.make(t)
  const { key } = await world.serve([fixture('counter.js')])
  const ann = await auditor(world, key, ANN)
  await ann(2, 'fraud')
  const trust = ['--trust', idOf(ANN)]
  const alarm = new RegExp(`^vms: the auditor ${idOf(ANN)} attests that the host of ${key} cheats`, 'm')
  for (const args of [
    ['info', key, ...trust],
    ['files', key, 'ls', ...trust],
    ['audit', key, ...trust],
    ['call', ...trust, key, 'get'],
    ['call', '--local', ...trust, key, 'get', '--json']
  ]) {
    assert.match((await world.run('alice', ...args)).stderr, alarm)
  }
})

test('--trust and --min-auditors that make no sense are usage errors', async t => {
  const world = await World.make(t)
  const key = 'y'.repeat(52)
  await writeFile(path.join(await world.home('alice'), 'broken'), 'not an id\n')
  for (const [args, says] of [
    [['--trust', 'nobody'], /"nobody" is no id/],
    [['--trust', 'broken'], /one id a line/],
    [['--trust', idOf(ANN), '--min-auditors', '2'], /--trust names 1/],
    [['--min-auditors', '1'], /--trust names none/],
    [['--trust', idOf(ANN), '--min-auditors', '0'], /a whole number from 1/]
  ] as [string[], RegExp][]) {
    for (const command of [
      ['call', ...args, key, 'get'],
      ['files', key, 'ls', ...args]
    ]) {
      const { status, stderr } = await world.run('alice', ...command)
      assert.equal(status, 64, stderr)
      assert.match(stderr, says)
    }
  }
})
