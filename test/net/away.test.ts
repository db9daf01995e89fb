// What is there for others while a part of the network is gone.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { discoveryKey } from 'hypercore-crypto'
import { decodeKey } from '../../lib/ledger/keys.js'
import { fixture } from '../helpers/cli.js'
import { Lab, unavailable, within } from './lab.js'
import { call, Connected, FULL, promised, times } from './measured.js'

const skip = unavailable ?? false
const LONG_MS = 60_000

/** How long a command waits for a host unless it is told otherwise, ms. */
const TIMEOUT_MS = 30_000

test('a mirror answers while the host is down', { skip }, async t => {
  const lab = await Lab.make(t, { mirror: true })
  const { key, running } = await lab.serve([fixture('counter.js')])
  await call(lab, key, 'alice')
  const mirror = await lab.start('mirror', 'mirror', key, '--json')
  const kept = () => mirror.stdout.split('\n').some(line => /"(ready|synced)".*"length":3/.test(line))
  await within(LONG_MS, mirror.until(kept), 'the mirror')
  lab.down('host')
  await running.stop('SIGKILL')

  const [files, log, audit, local] = await Promise.all([
    lab.run('bob', 'files', key, 'cat', '/counter.json'),
    lab.run('carol', 'log', key, '--json'),
    lab.run('dave', 'audit', key, '--json'),
    lab.run('erin', 'call', '--local', '--json', key, 'get')
  ])
  assert.deepEqual([files.status, files.stdout], [0, '1'], files.stderr)
  assert.match(files.stderr, /^the host is offline/)
  assert.equal(log.status, 0, log.stderr)
  assert.equal(
    log.lines.some(({ method }) => method === 'increment'),
    true,
    log.stdout
  )
  assert.deepEqual([audit.status, audit.lines[0].verdict], [0, 'verified'], audit.stderr)
  assert.deepEqual([local.status, local.lines[0].value, local.lines[0].online], [0, 1, false], local.stderr)

  lab.up('host')
  await lab.serve([fixture('counter.js')])
  promised(t, 'a call once the host is back', [await call(lab, key, 'frank')], 15_000)
})

const lost = 'six of nine nodes of the DHT die, and all that introduce the host'
if (FULL)
  test(lost, { skip }, async t => {
    const [sessions, calls]: [number[], number[]] = [[], []]
    for (let n = 0; n < times(5); n++) {
      const lab = await Lab.make(t)
      const { key } = await lab.serve([fixture('counter.js')])
      const connected = await Connected.open(lab, key)
      const relays = await lab.killNodes(discoveryKey(decodeKey(key)))
      assert.equal(relays.length, 3)
      const [session, one] = await Promise.all([connected.increment(), call(lab, key, 'bob')])
      sessions.push(session)
      calls.push(one)
      await connected.close()
    }
    promised(t, 'a session', sessions, TIMEOUT_MS)
    promised(t, 'a new call', calls, TIMEOUT_MS)
  })
