// The VMs of a host on another machine: keys from a backup, log and files from a mirror.

import assert from 'node:assert/strict'
import { chmod, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { fixture, World, type Ended, type Running } from '../helpers/cli.js'
import { startOnTerminal } from '../helpers/terminal.js'

const PASSPHRASE = 'correct horse battery staple'

/** A mirror that has everything so far. */
async function mirrorOf(world: World, key: string): Promise<Running> {
  const mirror = await world.start('mirror', 'mirror', key, '--json')
  await mirror.until(({ stdout }) => stdout.includes('"event":"ready"'))
  return mirror
}

/** Resolves once the mirror has so many blocks. */
function holds(mirror: Running, length: number): Promise<void> {
  return mirror.until(({ stdout }) => stdout.includes(`"length":${length},`))
}

async function passphraseFile(world: World, text = PASSPHRASE): Promise<string> {
  const file = path.join(world.folder, 'passphrase')
  await writeFile(file, `${text}\n`)
  await chmod(file, 0o600)
  return file
}

test('a VM goes on from a backup and a mirror, and the old host is kept from going on too', async t => {
  const world = await World.make(t)
  const { key, running } = await world.serve([fixture('counter.js')])
  const mirror = await mirrorOf(world, key)
  await world.run('alice', 'call', key, 'increment', '1')
  const secret = await passphraseFile(world)
  const file = path.join(world.folder, 'backup')

  // while the host is running
  const made = await world.run('host', 'backup', file, '--passphrase-file', secret, '--json')
  assert.deepEqual([made.status, made.lines[0].vms], [0, 1], made.stderr)
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  const bytes = await readFile(file)
  assert.doesNotMatch(bytes.toString('latin1'), /counter|seed|vms"/)
  const twice = await world.run('host', 'backup', file, '--passphrase-file', secret)
  assert.deepEqual([twice.status, (await readFile(file)).equals(bytes)], [64, true])
  assert.match(twice.stderr, /exists/)

  await world.run('alice', 'call', key, 'increment', '2')
  await holds(mirror, 4)
  await running.stop('SIGKILL')

  const restored = await world.run('other', 'restore', file, '--passphrase-file', secret, '--json')
  assert.equal(restored.status, 0, restored.stderr)
  assert.deepEqual(restored.lines, [
    { key, title: 'counter', length: 4, restored: true, known: false, error: null }
  ])
  const again = await world.run('other', 'restore', file, '--passphrase-file', secret, '--json')
  assert.deepEqual([again.status, again.lines[0].known], [0, true])

  const host = await world.start('other', 'serve', '--json')
  const [ready] = await host.json()
  assert.deepEqual([ready.event, ready.key, ready.length], ['ready', key, 4])
  // who has seen the log before goes on with it
  const call = await world.run('alice', 'call', key, 'increment', '3', '--json')
  assert.deepEqual([call.status, call.lines[0].value, call.lines[0].block], [0, 6, 4], call.stderr)
  const audit = await world.run('bob', 'audit', key, '--json')
  assert.deepEqual([audit.status, audit.lines[0].verdict, audit.lines[0].length], [0, 'verified', 5])

  // the old one is kept from it: while the new one is there, and after
  const old = await world.run('host', 'serve', '--json')
  assert.equal(old.status, 70)
  assert.deepEqual([old.lines[0].event, old.lines[0].code], ['refused', 'STORAGE_IN_USE'])
  await holds(mirror, 5)
  await host.stop()
  const back = await world.start('host', 'serve', '--json')
  assert.deepEqual((await back.json())[0].length, 5)
  await back.stop()
})

test('a backup that was made keeps the host from serving what another one serves, after a clean stop too', async t => {
  const world = await World.make(t)
  const { key, running } = await world.serve([fixture('counter.js')])
  const mirror = await mirrorOf(world, key)
  const file = path.join(world.folder, 'backup')
  const secret = await passphraseFile(world)
  assert.equal((await world.run('host', 'backup', file, '--passphrase-file', secret)).status, 0)
  await running.stop()
  assert.equal((await world.run('other', 'restore', file, '--passphrase-file', secret)).status, 0)
  const host = await world.start('other', 'serve', '--json')
  await host.json()
  const old = await world.run('host', 'serve', '--json')
  assert.deepEqual([old.status, old.lines[0].code], [70, 'STORAGE_IN_USE'])
  await mirror.stop()
})

test('without somebody who has the blocks nothing is restored, and nothing is lost', async t => {
  const world = await World.make(t)
  const { key, running } = await world.serve([fixture('counter.js')])
  const file = path.join(world.folder, 'backup')
  const secret = await passphraseFile(world)
  assert.equal((await world.run('host', 'backup', file, '--passphrase-file', secret)).status, 0)
  const mirror = await mirrorOf(world, key)
  await mirror.stop()
  await running.stop()

  const restore = ['restore', file, '--passphrase-file', secret, '--json', '--timeout', '1']
  const none = await world.run('other', ...restore)
  assert.equal(none.status, 2)
  const [{ restored, error }] = none.lines as { restored: boolean; error: { code: string } }[]
  assert.deepEqual([restored, error.code], [false, 'NOT_AVAILABLE'])
  assert.equal((await world.run('other', 'serve')).status, 64) // it holds no VMs

  await mirrorOf(world, key)
  const found = await world.run('other', ...restore.slice(0, -2))
  assert.deepEqual([found.status, found.lines[0].length], [0, 2], found.stderr)
})

test('what is no backup, or has another passphrase, is refused with one sentence', async t => {
  const world = await World.make(t)
  const { running } = await world.serve([fixture('counter.js')])
  await running.stop()
  const file = path.join(world.folder, 'backup')
  const secret = await passphraseFile(world)
  const backup = (...args: string[]) => world.run('host', 'backup', file, ...args)
  const refused = async (run: Promise<{ status: number | null; stderr: string }>, why: RegExp) => {
    const { status, stderr } = await run
    assert.equal(status, 64)
    assert.match(stderr, why)
    assert.equal(stderr.trim().split('\n').length, 1)
  }
  await refused(backup(), /passphrase/)
  await refused(backup('--passphrase-file', path.join(world.folder, 'none')), /no such file/)
  await passphraseFile(world, '')
  await refused(backup('--passphrase-file', secret), /empty/)
  await passphraseFile(world)
  await refused(world.run('nobody', 'backup', file, '--passphrase-file', secret), /holds no VMs/)
  // nobody has one yet, so no other host can have gone on
  const mark = path.join(await world.home('host'), 'data', 'vms', 'host', 'backed-up')
  await assert.rejects(stat(mark))
  await chmod(secret, 0o640)
  const made = await backup('--passphrase-file', secret)
  assert.equal(made.status, 0)
  assert.match(made.stderr, /^vms: others can read .*: "chmod 600" keeps the passphrase from them$/m)
  await stat(mark)
  await chmod(secret, 0o600)

  const restore = (...args: string[]) => world.run('other', 'restore', ...args)
  await refused(restore(path.join(world.folder, 'none'), '--passphrase-file', secret), /cannot be read/)
  await refused(restore(secret, '--passphrase-file', secret), /no backup/)
  const bytes = await readFile(file)
  for (const at of [9, 30, 60, bytes.length - 1]) {
    const damaged = Buffer.from(bytes)
    damaged[at] ^= 1
    await writeFile(`${file}.damaged`, damaged)
    await refused(
      restore(`${file}.damaged`, '--passphrase-file', secret),
      /another one, or the backup is damaged/
    )
  }
  await passphraseFile(world, 'wrong')
  await refused(restore(file, '--passphrase-file', secret), /another one, or the backup is damaged/)
  await rm(`${file}.damaged`)
})

test('a passphrase is typed twice, and never shown; it can be given up', async t => {
  const world = await World.make(t)
  const { running } = await world.serve([fixture('counter.js')])
  await running.stop()
  const storage = path.join(await world.home('host'), 'data', 'vms', 'host')
  const file = path.join(world.folder, 'backup')
  const type = async (...lines: string[]): Promise<Ended> => {
    const command = await startOnTerminal(world, ['backup', file, '--storage', storage])
    for (const [i, line] of lines.entries()) {
      await command.until(({ stderr }) => stderr.endsWith(i === 0 ? 'Passphrase: ' : 'Once more: '))
      command.child.stdin!.write(line)
    }
    return command.ended
  }
  const different = await type('one secret\n', 'another secret\n')
  assert.equal(different.status, 64)
  assert.match(different.stderr, /the two are not the same/)
  assert.equal((await type('\u0003')).status, 130)
  const same = await type('one secret\n', 'one secret\n')
  assert.equal(same.status, 0, same.stderr)
  assert.doesNotMatch(same.stdout + same.stderr, /secret/)
  await passphraseFile(world, 'one secret')
  const restored = await world.run(
    'other',
    ...['restore', file, '--passphrase-file', path.join(world.folder, 'passphrase'), '--timeout', '1']
  )
  assert.equal(restored.status, 2, restored.stderr) // it is read, and nobody has the blocks
})
