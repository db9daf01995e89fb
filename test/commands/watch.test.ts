// vms audit --watch: events as lines, progress that survives any end, several VMs in one process, and what it ends with.

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { encodeKey } from '../../lib/ledger/keys.js'
import { encodeValue } from '../../lib/ledger/values.js'
import type { Progress } from '../../lib/audit/progress.js'
import { World, type Line, type Running } from '../helpers/cli.js'
import { deployed } from '../helpers/contract.js'
import { Forger, type Lies } from '../helpers/forger.js'
import { SOURCE, tell } from '../helpers/story.js'

const events = (running: Running): Line[] =>
  running.stdout.split('\n').flatMap(line => (line.endsWith('}') ? [JSON.parse(line) as Line] : []))

const verifiedTo = (length: number) => (running: Running) =>
  events(running).some(line => line.event === 'verified' && Number(line.length) >= length)

async function progressOf(world: World, user: string, key: string): Promise<Progress> {
  const home = await world.home(user)
  const files = await readdir(home, { recursive: true })
  const file = files.find(name => name.endsWith(path.join('audits', `${key}.json`)))!
  return JSON.parse(await readFile(path.join(home, file), 'utf8')) as Progress
}

test('a watch tells of commits as they come, is killed, and goes on', async t => {
  const { world, key } = await deployed(t)
  const say = async (text: string) => (await world.run('alice', 'call', key, 'say', text)).status
  const first = await world.start('eve', 'audit', '--watch', '--json', key)
  await first.until(verifiedTo(2))
  assert.equal(await say('one'), 0)
  await first.until(verifiedTo(3))
  const lines = events(first)
  assert.deepEqual(lines[0], { event: 'online', key })
  const { hash, ...last } = lines.at(-1)!
  assert.deepEqual(last, { event: 'verified', key, length: 3, calls: 2 })
  assert.match(String(hash), /^[0-9a-f]{64}$/)
  assert.equal((await first.stop('SIGKILL')).status, null)
  assert.deepEqual(await progressOf(world, 'eve', key), {
    ...(await progressOf(world, 'eve', key)),
    length: 3,
    hash,
    calls: 2,
    findings: [],
    doubts: []
  })

  assert.equal(await say('two'), 0)
  const second = await world.start('eve', 'audit', '--watch', '--json', key)
  await second.until(verifiedTo(4))
  const { status, lines: told, stderr } = await second.stop('SIGINT')
  assert.equal(status, 0)
  assert.match(stderr, /verified: 4 blocks, 3 calls/)
  assert.deepEqual([told.at(-1)!.event, told.at(-1)!.length, told.at(-1)!.calls], ['verified', 4, 3])
  assert.equal((await progressOf(world, 'eve', key)).length, 4)
})

/** A host that lies about some VMs, in the network of a world. */
async function lying(world: World, lies: { [block: number]: Lies }[], v8: (string | null)[] = []) {
  const forger = world.use(new Forger(await world.home('forger'), world.bootstrap.split(',')))
  await forger.ready()
  const keys: string[] = []
  for (const [i, one] of lies.entries()) {
    const genesis = v8[i]
      ? { genesis: (of: { runtime: { v8: string } }) => void (of.runtime.v8 = v8[i]!) }
      : {}
    const vm = await forger.vm({ source: SOURCE, ...genesis })
    await tell(vm, { lies: one })
    await vm.publish()
    keys.push(encodeKey(vm.key))
  }
  return keys
}

const wrong: Lies = {
  records: records => void (records[0].outcome = { ok: true, value: encodeValue('forged') })
}

test('one process watches several VMs, and any fraud is what it ends with', async t => {
  const world = await World.make(t)
  const [honest, doubtful, forged] = await lying(
    world,
    [{}, { 3: wrong }, { 3: wrong }],
    [null, '1.2.3', null]
  )
  const told = (running: Running, event: string, key: string) =>
    events(running).filter(line => line.event === event && line.key === key)

  const both = await world.start('eve', 'audit', '--watch', '--json', honest, doubtful, forged)
  await both.until(running => told(running, 'verified', honest).length > 0)
  await both.until(running => told(running, 'inconclusive', doubtful).length > 0)
  await both.until(running => told(running, 'fraud', forged).length > 0)
  const { event, key, ...finding } = told(both, 'fraud', forged)[0]
  assert.deepEqual([event, key], ['fraud', forged])
  assert.deepEqual({ ...finding, detail: '' }, { kind: 'wrong-outcome', block: 3, index: 4, detail: '' })
  assert.deepEqual([told(both, 'fraud', honest), told(both, 'fraud', doubtful)], [[], []])
  assert.equal((await both.stop('SIGINT')).status, 1)

  const doubting = await world.start('eve', 'audit', '--watch', '--json', honest, doubtful)
  await doubting.until(running => told(running, 'verified', honest).length > 0)
  await doubting.until(running => told(running, 'inconclusive', doubtful).length > 0)
  assert.equal((await doubting.stop('SIGINT')).status, 2)

  const trusting = await world.start('eve', 'audit', '--watch', '--json', honest)
  await trusting.until(running => told(running, 'verified', honest).length > 0)
  assert.equal((await trusting.stop('SIGINT')).status, 0)
})

test('who has seen nothing has verified nothing', async t => {
  const world = await World.make(t)
  const nobody = encodeKey(new Uint8Array(32).fill(3))
  const running = await world.start('eve', 'audit', '--watch', nobody, '--timeout', '1')
  await running.until(({ stderr }) => stderr.includes('no host was found yet'))
  assert.equal((await running.stop('SIGINT')).status, 2)
})
