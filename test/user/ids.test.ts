// Lists of ids: on a command line, or in a file that changes while it is read.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { mock, test } from 'node:test'
import { encodeKey } from '../../lib/ledger/keys.js'
import { IdList, readIds } from '../../lib/user/ids.js'
import { hashOf } from '../ledger/helper.js'

const [alice, bob, carol] = ['alice', 'bob', 'carol'].map(name => encodeKey(hashOf(name)))

test('ids on a command line, and in a file', async t => {
  const folder = await mkdtemp(path.join(tmpdir(), 'vms-ids-'))
  t.after(() => rm(folder, { recursive: true }))
  assert.deepEqual(readIds('--allow', `${alice}, ${bob}`), [alice, bob])
  const file = path.join(folder, 'ids')
  await writeFile(file, `# friends\n${alice}  # the first\n\n${bob}\n`)
  assert.deepEqual(readIds('--allow', file), [alice, bob])
  await writeFile(file, 'nobody\n')
  assert.throws(() => readIds('--allow', file), /is no list/)
  assert.throws(
    () => readIds('--allow', path.join(folder, 'missing')),
    /--allow takes ids .* no file of this name/
  )
})

test('a file that changes is read again, one that cannot be read is not', async t => {
  const folder = await mkdtemp(path.join(tmpdir(), 'vms-ids-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = path.join(folder, 'ids')
  const problems: string[] = []
  let now = 0
  mock.method(performance, 'now', () => now)
  t.after(() => mock.restoreAll())
  await writeFile(file, alice)
  const list = new IdList('--allow', [file, carol], problem => problems.push(problem))
  const has = () => [alice, bob, carol].map(id => list.has(id))
  assert.deepEqual(has(), [true, false, true])
  await writeFile(file + '.new', bob)
  await rename(file + '.new', file)
  assert.deepEqual(has(), [true, false, true]) // it is looked at twice a second
  now += 500
  assert.deepEqual(has(), [false, true, true])
  await writeFile(file + '.new', 'nobody at all')
  await rename(file + '.new', file)
  now += 500
  assert.deepEqual(has(), [false, true, true])
  await rm(file)
  now += 500
  assert.deepEqual(has(), [false, true, true])
  assert.equal(problems.length, 2)
  assert.match(problems[0], /is not read again: .* no list/)
  execFileSync('mkfifo', [file]) // nobody writes to it
  now += 500
  assert.deepEqual(has(), [false, true, true])
  assert.match(problems[2], /is not read again: it is no regular file/)
  await rm(file)
  await writeFile(file, '')
  now += 500
  assert.deepEqual(has(), [false, false, true])
})
