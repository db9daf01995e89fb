// vms demo: the whole way, a cheating host caught, and nothing left behind.

import assert from 'node:assert/strict'
import { mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { World, type Running } from '../helpers/cli.js'

/** Starts a demo with a folder of its own for what is temporary. */
async function startDemo(world: World, ...flags: string[]): Promise<{ running: Running; folder: string }> {
  const folder = path.join(world.folder, 'tmp')
  await mkdir(folder)
  return { running: await world.startIn('alice', { TMPDIR: folder }, 'demo', ...flags), folder }
}

test('the demo ends as it should, and leaves nothing behind', async t => {
  const world = await World.make(t)
  const { running, folder } = await startDemo(world)
  const { status, stdout, stderr } = await running.ended
  assert.deepEqual([status, stderr], [0, ''])
  assert.match(stdout, /^ {2}verified: /m)
  assert.match(stdout, /^ {2}fraud: /m)
  assert.match(stdout, /wrong-state in block 5/)
  assert.match(stdout, /^judge\$ vms verify fraud\.proof\n {2}proven: /m)
  assert.equal(stdout.match(/^(alice|bob|carol)\$ vms call/gm)?.length, 4)
  assert.deepEqual(await readdir(folder), [])
})

test('the demo with --json, interrupted', async t => {
  const world = await World.make(t)
  const { running, folder } = await startDemo(world, '--json')
  await running.until(({ stderr }) => stderr.includes('alice$ vms call'))
  const { status, stdout } = await running.stop('SIGINT')
  assert.deepEqual([status, stdout], [130, ''])
  assert.deepEqual(await readdir(folder), [])
})
