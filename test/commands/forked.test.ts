// Commands on a VM whose storage was copied and served twice: they end, with a sentence that says where the proof is.

import assert from 'node:assert/strict'
import { cp, rm } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { fixture, World, type Line } from '../helpers/cli.js'

test('who has seen both histories is told by every command', async t => {
  const world = await World.make(t)
  const counter = fixture('counter.js')
  const first = await world.serve([counter])
  const { key } = first
  await first.running.stop()
  const storage = path.join(await world.home('host'), 'data', 'vms', 'host')
  const copy = path.join(world.folder, 'copy')
  await cp(storage, copy, { recursive: true })

  const second = await world.serve([counter])
  assert.equal((await world.run('alice', 'call', key, 'increment', '1')).status, 0)
  await second.running.stop()
  await rm(storage, { recursive: true })
  await cp(copy, storage, { recursive: true })
  await rm(path.join(storage, 'cores', 'CORESTORE'))
  const third = await world.serve([counter])
  assert.equal((await world.run('bob', 'call', key, 'increment', '2')).status, 0)
  assert.equal((await world.run('bob', 'call', key, 'increment', '3')).status, 0)

  for (const args of [
    ['call', key, 'increment'],
    ['info', key],
    ['files', key, 'ls'],
    ['log', key, '--follow']
  ]) {
    const { status, stdout, stderr } = await world.run('alice', ...args)
    assert.deepEqual([status, stdout], [1, ''], `${args[0]}: ${stdout}${stderr}`)
    assert.match(stderr, /^vms: the host of \w+ has contradicted itself: .*"vms verify \S+" checks it$/m)
    assert.doesNotMatch(stderr, /unexpected error/)
  }
  const audit = await world.run('alice', 'audit', key, '--json')
  assert.equal(audit.status, 1, audit.stderr)
  const [{ verdict, findings, proof }] = audit.lines as [{ verdict: string; findings: Line[]; proof: string }]
  assert.deepEqual([verdict, findings.map(({ kind }) => kind)], ['fraud', ['forked']])
  assert.match(
    audit.stderr,
    /^the proof that the host has contradicted itself is in \S+: "vms verify \S+" checks it$/m
  )
  assert.equal((await world.run('alice', 'verify', proof)).status, 0)
  const watch = await world.run('alice', 'audit', '--watch', key, '--json')
  assert.equal(watch.status, 1, watch.stderr)
  const told = watch.lines.find(({ event }) => event === 'fraud')!
  assert.deepEqual([told.kind, told.block, told.proof], ['forked', findings[0].block, proof])

  const json = await world.run('alice', 'call', key, 'increment', '--json')
  assert.deepEqual([json.lines.length, json.lines[0].ok], [1, false])

  // the host has met its own other history: it says so, and nobody waits for it without end
  await third.running.until(({ stderr }) => stderr.includes('its storage was copied and served twice'))
  const carol = await world.run('carol', 'call', key, 'increment', '--timeout', '3')
  assert.ok(carol.status === 1 || carol.status === 2, `${carol.status}`)
  assert.match(carol.stderr, /^vms: /m)
})
