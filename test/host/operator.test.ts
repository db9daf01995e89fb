// What an operator meets: who may enter the storage, files of it that are damaged, copies of it, and a disk that fills up.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { chmod, cp, mkdir, open, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { DISK_RESERVE_BYTES } from '../../lib/machine/durable.js'
import { fixture, World, type Ended, type Running } from '../helpers/cli.js'

const MiB = 1024 * 1024

/** A file system of its own, so that it can be filled; null if we may not make one. */
const disk = mountDisk(400 * MiB)
after(() => {
  if (disk === null) return
  execFileSync('umount', [disk])
  rmdirSync(disk)
})

function mountDisk(size: number): string | null {
  const folder = mkdtempSync(path.join(tmpdir(), 'vms-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'ignore' })
    return folder
  } catch {
    rmdirSync(folder)
    return null
  }
}

const modeOf = async (place: string) => ((await stat(place)).mode & 0o777).toString(8)

/** Files that processes make are for everybody to read, as on most machines. */
function looseUmask(t: TestContext): void {
  const umask = process.umask(0o022)
  t.after(() => void process.umask(umask))
}

const storageOf = async (world: World) => path.join(await world.home('host'), 'data', 'vms', 'host')

test('nobody but the owner can enter the storage', async t => {
  looseUmask(t)
  const world = await World.make(t)
  const first = await world.serve([fixture('hello.js')])
  const storage = await storageOf(world)
  const [cores, vms] = [path.join(storage, 'cores'), path.join(storage, 'vms')]
  assert.deepEqual([await modeOf(cores), await modeOf(vms)], ['700', '700'])
  assert.equal(await modeOf(path.join(vms, `${first.key}.json`)), '600')
  await first.running.stop()

  // as an older version left them, or a backup that was restored
  for (const folder of [cores, vms]) await chmod(folder, 0o755)
  const again = await world.serve([fixture('hello.js')])
  assert.equal(again.key, first.key)
  assert.deepEqual([await modeOf(cores), await modeOf(vms)], ['700', '700'])
})

test('folders that were made beforehand are tightened', async t => {
  looseUmask(t)
  const world = await World.make(t)
  const storage = path.join(world.folder, 'storage')
  const folders = [path.join(storage, 'cores'), path.join(storage, 'vms')]
  for (const folder of folders) await mkdir(folder, { recursive: true, mode: 0o755 })
  await world.serve([fixture('hello.js')], '--storage', storage)
  for (const folder of folders) assert.equal(await modeOf(folder), '700')
})

test('VMs whose file in the storage is damaged are refused, and the others are served', async t => {
  const world = await World.make(t)
  const script = fixture('counter.js')
  const { ready, running } = await world.serve([script, script, script, script])
  await running.stop()
  const keys = ready.map(({ key }) => String(key))
  const [torn, empty, swapped, whole] = keys
  const fileOf = (key: string) => path.join(vms, `${key}.json`)
  const vms = path.join(await storageOf(world), 'vms')
  const good = new Map<string, Buffer>()
  for (const key of keys) good.set(key, await readFile(fileOf(key)))
  await writeFile(fileOf(torn), good.get(torn)!.subarray(0, 7))
  await writeFile(fileOf(empty), 'null')
  await writeFile(fileOf(swapped), good.get(whole)!)

  const host = await world.start('host', 'serve', '--json')
  const lines = await host.json(4)
  const refused = lines.filter(({ event }) => event === 'refused')
  assert.deepEqual(refused.map(({ key }) => String(key)).sort(), [torn, empty, swapped].sort())
  for (const { key, code, message } of refused) {
    assert.equal(code, 'STORAGE_BROKEN')
    assert.match(
      String(message),
      key === swapped ? /names another VM/ : /is damaged: restore it from a backup/
    )
  }
  const served = lines.filter(({ event }) => event === 'ready')
  assert.deepEqual(
    served.map(({ key }) => key),
    [whole]
  )
  const called = await world.run('alice', 'call', whole, 'increment', '--json')
  assert.equal(called.status, 0, called.stderr)
  await host.stop()

  for (const [key, bytes] of good) await writeFile(fileOf(key), bytes)
  const restored = await world.start('host', 'serve', '--json')
  const again = await restored.json(4)
  assert.deepEqual(again.map(({ event, key }) => `${String(event)} ${String(key)}`).sort(), [
    ...keys.map(key => `ready ${key}`).sort()
  ])
})

test('a storage that was copied is refused, with what to do, and served after that', async t => {
  const world = await World.make(t)
  const { key, running } = await world.serve([fixture('counter.js')])
  const first = await world.run('alice', 'call', key, 'increment', '--json')
  assert.equal(first.status, 0, first.stderr)
  await running.stop()
  const [copy, kept] = [path.join(world.folder, 'copy'), path.join(world.folder, 'kept')]
  await cp(await storageOf(world), copy, { recursive: true })
  execFileSync('cp', ['-a', await storageOf(world), kept])

  const named = path.join(copy, 'cores', 'CORESTORE')
  const refused = async () => {
    const { status, stderr } = await world.run('host', 'serve', '--storage', copy)
    assert.equal(status, 70)
    assert.match(stderr, /was copied or moved: if no other copy of it will ever be served/)
    assert.equal(/, remove (\S+CORESTORE) and start again\n$/.exec(stderr)?.[1], named)
  }
  await refused()
  // a copy with the attributes of its files, as backups make them: `cp -a`
  await rm(copy, { recursive: true })
  execFileSync('cp', ['-a', kept, copy])
  await refused()

  // the first one stays until here: its files' numbers would be given to those of a copy, and tell nothing then
  await rm(await storageOf(world), { recursive: true })
  await rm(named)
  const again = await world.serve([fixture('counter.js')], '--storage', copy)
  assert.deepEqual([again.key, again.ready[0].resumed], [key, true])
  const second = await world.run('alice', 'call', key, 'increment', '--json')
  assert.equal(second.status, 0, second.stderr)
  assert.equal(second.lines[0].value, Number(first.lines[0].value) + 1)
  const audit = await world.run('auditor', 'audit', key, '--json')
  assert.equal(audit.status, 0, audit.stderr)
})

test(
  'a host whose disk is full takes no calls, serves everything else, and goes on once there is room',
  { skip: disk === null && 'needs root to mount a tmpfs' },
  async t => {
    const world = await World.make(t)
    await writeFile(
      path.join(await world.home('host'), 'store.js'),
      `exports.write = async (path, text) => System.files.writeFile(path, text)`
    )
    const { key, running } = await world.serve(['store.js'], '--storage', path.join(disk!, 'storage'))
    const write = (name: string): Promise<Ended> =>
      world.run('alice', 'call', key, 'write', `/${name}`, `text of ${name}`, '--json')
    const read = (name: string) => world.run('alice', 'files', key, 'cat', `/${name}`)
    const audit = async () => {
      const { status, lines, stderr } = await world.run('auditor', 'audit', key, '--json')
      assert.equal(status, 0, stderr)
      assert.equal(lines[0].verdict, 'verified')
      return lines[0].calls
    }
    const before = await write('before')
    assert.equal(before.status, 0, before.stderr)

    const filler = path.join(disk!, 'filler')
    await fill(filler, (await roomOn(disk!)) - DISK_RESERVE_BYTES + MiB)
    assert.ok((await roomOn(disk!)) < DISK_RESERVE_BYTES)
    for (const name of ['full', 'still-full']) {
      const { status, lines, stderr } = await write(name)
      assert.notEqual(status, 0)
      assert.equal((lines[0].error as { code: string }).code, 'DISK', stderr)
    }
    assert.equal(await textOf(read('before')), 'text of before')
    assert.notEqual((await read('full')).status, 0)
    for (const command of ['info', 'log']) {
      const { status, stderr } = await world.run('alice', command, key)
      assert.equal(status, 0, stderr)
    }
    assert.equal(await audit(), 2) // init and one call
    assert.ok(await isServed(world, running, key))

    await rm(filler)
    const later = await write('later')
    assert.equal(later.status, 0, later.stderr)
    assert.equal(await textOf(read('later')), 'text of later')
    assert.equal(await audit(), 3)
    assert.equal((await running.stop()).status, 0)
  }
)

/** Whether the host is there still, and for others too. */
async function isServed(world: World, { child }: Running, key: string): Promise<boolean> {
  const { lines } = await world.run('alice', 'info', key, '--json')
  return child.exitCode === null && lines[0].online === true
}

async function textOf(ended: Promise<Ended>): Promise<string> {
  const { status, stdout, stderr } = await ended
  assert.equal(status, 0, stderr)
  return stdout.trimEnd()
}

async function roomOn(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

async function fill(place: string, size: number): Promise<void> {
  const file = await open(place, 'w')
  for (let left = size; left > 0; left -= MiB) await file.write(Buffer.alloc(Math.min(left, MiB), 1))
  await file.close()
}
