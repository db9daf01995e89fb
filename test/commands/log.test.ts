// vms log and vms audit.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixture, World } from '../helpers/cli.js'
import { deployed } from '../helpers/contract.js'

test('log: a line a record', async t => {
  const { world, key } = await deployed(t)
  const id = (await world.run('alice', 'identity')).stdout.split('\n')[0]
  await world.run('alice', 'call', key, 'write', '/a', 'abc')
  await world.run('alice', 'call', key, 'remove', '/a')
  await world.run('alice', 'call', key, 'fail')
  await world.run('alice', 'call', key, 'echo', '{"$bytes":"aGk="}')

  const { status, lines } = await world.run('bob', 'log', key, '--json')
  assert.equal(status, 0)
  const hash = (lines[1].writes as { hash: string }[])[0].hash
  assert.match(hash, /^[0-9a-f]{64}$/)
  const { sourceHash: contract } = (await world.run('bob', 'info', key, '--json')).lines[0]
  const shown = lines.map(({ gas, ...line }) => (assert.equal(typeof gas, 'number'), line))
  const record = (index: number, method: string, args: unknown, outcome: unknown, writes: unknown) => ({
    index,
    block: index + 1,
    caller: id,
    method,
    args,
    outcome,
    writes,
    oracles: [],
    contract
  })
  const tooFar = { name: 'RangeError', message: 'too far', code: null }
  const bytes = { $bytes: 'aGk=' }
  assert.deepEqual(shown.slice(1), [
    record(1, 'write', ['/a', 'abc'], { value: null }, [{ path: '/a', bytes: 3, hash }]),
    record(2, 'remove', ['/a'], { value: null }, [{ path: '/a', deleted: true }]),
    record(3, 'fail', [], { error: tooFar }, []),
    record(4, 'echo', [bytes], { value: [bytes] }, [])
  ])
  for (const from of [0, 1, 3, 4, 5]) {
    const some = await world.run('bob', 'log', key, '--json', '--from', String(from))
    assert.deepEqual(
      some.lines.map(({ index }) => index),
      [0, 1, 2, 3, 4].slice(from)
    )
  }
  const forPeople = await world.run('bob', 'log', key)
  assert.match(forPeople.stdout, /^3 .*fail\(\) → RangeError: too far/m)
})

test('log --follow goes on until it is stopped; a closed pipe ends it quietly', async t => {
  const { world, key } = await deployed(t)
  const follow = await world.start('bob', 'log', key, '--json', '--follow')
  await follow.json(1)
  await world.run('alice', 'call', key, 'say', 'one')
  await world.run('alice', 'call', key, 'say', 'two')
  const lines = await follow.json(3)
  assert.deepEqual(
    lines.map(({ index }) => index),
    [0, 1, 2]
  )

  const piped = await world.start('bob', 'log', key, '--json', '--follow')
  await piped.json(3)
  piped.child.stdout!.destroy()
  await world.run('alice', 'call', key, 'say', 'three')
  const { status, stderr } = await piped.ended
  assert.deepEqual([status, stderr], [0, ''])

  await follow.json(4)
  assert.equal((await follow.stop('SIGINT')).status, 0)
})

test('audit: 0 and a line with the verdict of each VM', async t => {
  const world = await World.make(t)
  const { ready } = await world.serve([fixture('rsvp.js'), fixture('counter.js')])
  const keys = ready.map(({ key }) => String(key))
  await world.run('alice', 'call', keys[1], 'increment', '5')
  const { status, lines, stderr } = await world.run('bob', 'audit', ...keys, '--json')
  assert.deepEqual([status, stderr], [0, ''])
  const [, { hash, ...line }] = lines
  assert.match(String(hash), /^[0-9a-f]{64}$/)
  assert.deepEqual(line, {
    verdict: 'verified',
    key: keys[1],
    length: 3,
    from: 0,
    calls: 2,
    checked: 2,
    findings: [],
    doubts: []
  })
  assert.match((await world.run('bob', 'audit', keys[0])).stdout, /^verified: /)
  const worst = await world.run('bob', 'audit', keys[0], 'y'.repeat(52), '--json', '--timeout', '1')
  assert.deepEqual(
    worst.lines.map(({ verdict }) => verdict),
    ['verified', 'inconclusive']
  )
  assert.equal(worst.status, 2)
})
