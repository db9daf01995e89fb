// What a host's storage takes of the disk.

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { mock, test } from 'node:test'
import type { VMSError } from '../../lib/errors.js'
import { Disk } from '../../lib/host/disk.js'

test('all files below the storage, and none beyond it', async t => {
  let now = 0
  mock.method(performance, 'now', () => now)
  const root = await mkdtemp(path.join(tmpdir(), 'vms-disk-'))
  t.after(() => rm(root, { recursive: true }))
  t.after(() => mock.restoreAll())
  const folder = path.join(root, 'storage')
  const later = async (disk: Disk) => {
    now += 60_000
    return disk.used()
  }
  const [disk, unlimited] = [new Disk(folder, 1000), new Disk(folder)]
  assert.equal(await disk.used(), 0) // there is none yet
  await mkdir(path.join(folder, 'cores', 'db'), { recursive: true })
  await writeFile(path.join(folder, 'a'), Buffer.alloc(300))
  await writeFile(path.join(folder, 'cores', 'db', 'b'), Buffer.alloc(699))
  await writeFile(path.join(root, 'beside'), Buffer.alloc(5000))
  await symlink(root, path.join(folder, 'link'))
  assert.equal(await later(disk), 999)
  assert.ok((await disk.free()) > 0)
  await disk.check()

  await writeFile(path.join(folder, 'c'), 'x')
  assert.equal(await later(disk), 1000)
  await assert.rejects(disk.check(), (error: VMSError) => {
    assert.equal(error.code, 'QUOTA')
    assert.match(error.message, /may take 1 kB of its disk, and takes 1 kB/)
    return true
  })
  await unlimited.check()
  assert.equal(await later(unlimited), 1000)

  await rm(path.join(folder, 'c'))
  assert.equal(await later(disk), 999)
  await disk.check()
})
