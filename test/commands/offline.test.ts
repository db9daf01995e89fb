// What can be read while the host is gone, and how it comes back.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixture, World } from '../helpers/cli.js'

test('killed or stopped, its files can be read, and it comes back', async t => {
  const world = await World.make(t)
  const { key, running } = await world.serve([fixture('counter.js')])
  await world.run('alice', 'call', key, 'increment', '7')
  const online = await world.run('alice', 'files', key, 'cat', '/counter.json')
  assert.deepEqual([online.stdout, online.stderr], ['7', ''])
  await world.run('alice', 'log', key)
  await running.stop('SIGKILL')

  const offline = await world.run('alice', 'files', key, 'cat', '/counter.json', '--timeout', '20')
  assert.deepEqual([offline.status, offline.stdout], [0, '7'])
  const age =
    /^the host is offline, its newest head was signed \d+ (?:s|min) ago: the files are as block 2 left them\n$/
  assert.match(offline.stderr, age)
  const info = await world.run('alice', 'info', key, '--json')
  assert.deepEqual([info.status, info.lines[0].online], [0, false])
  assert.match(info.stderr, /^the host is offline, its newest head was signed \d+ (?:s|min) ago\n$/)
  const log = await world.run('alice', 'log', key)
  assert.match(
    log.stderr,
    /^the host is offline, its newest head was signed \d+ (?:s|min) ago: the log is shown up to block 2\n$/
  )
  const session = await world.session('alice', [key], [])
  assert.match(
    session.stderr,
    /^the host is offline, its newest head was signed \d+ (?:s|min) ago: .*methods run here: local\.method\(…\)\n$/
  )

  const again = await world.serve([fixture('counter.js')])
  assert.deepEqual([again.key, again.ready[0].resumed], [key, true])
  const { stdout } = await world.run('alice', 'call', key, 'increment')
  assert.equal(stdout, '8\n')
  assert.equal((await world.run('bob', 'audit', key)).status, 0)
})
