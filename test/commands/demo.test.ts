// vms demo: the whole way, a cheating host caught, and nothing left behind.

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { World } from '../helpers/cli.js'

async function leftovers(): Promise<string[]> {
  return (await readdir(tmpdir()))
    .filter(name => name.startsWith('vms-demo-'))
    .map(name => path.join(tmpdir(), name))
}

test('the demo ends as it should, and leaves nothing behind', async t => {
  const world = await World.make(t)
  const before = await leftovers()
  const { status, stdout, stderr } = await world.run('alice', 'demo')
  assert.deepEqual([status, stderr], [0, ''])
  assert.match(stdout, /^ {2}verified: /m)
  assert.match(stdout, /^ {2}fraud: /m)
  assert.match(stdout, /wrong-state in block 5/)
  assert.match(stdout, /^judge\$ vms verify fraud\.proof\n {2}proven: /m)
  assert.equal(stdout.match(/^(alice|bob|carol)\$ vms call/gm)?.length, 4)
  assert.deepEqual(
    (await leftovers()).filter(folder => !before.includes(folder)),
    []
  )
})

test('the demo with --json, interrupted', async t => {
  const world = await World.make(t)
  const before = await leftovers()
  const running = await world.start('alice', 'demo', '--json')
  await running.until(({ stderr }) => stderr.includes('alice$ vms call'))
  const { status, stdout } = await running.stop('SIGINT')
  assert.deepEqual([status, stdout], [130, ''])
  assert.deepEqual(
    (await leftovers()).filter(folder => !before.includes(folder)),
    []
  )
})
