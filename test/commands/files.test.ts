// vms files and vms info.

import assert from 'node:assert/strict'
import { access, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { fixture } from '../helpers/cli.js'
import { CONTRACT, deployed } from '../helpers/contract.js'

test('files: ls, cat and stat', async t => {
  const { world, key } = await deployed(t)
  await world.run('alice', 'call', key, 'write', '/notes/a.txt', 'hällo')
  await world.run('alice', 'call', key, 'write', '/bin', '{"$bytes":"/wA="}')
  const files = (...args: string[]) => world.run('bob', 'files', key, ...args)

  assert.equal((await files('ls')).stdout, 'bin\nnotes\n')
  assert.equal((await files('ls', '--recursive')).stdout, 'bin\nnotes/a.txt\n')
  assert.deepEqual((await files('ls', '/', '--json')).lines, [
    { name: 'bin', type: 'file', size: 2 },
    { name: 'notes', type: 'directory', size: 0 }
  ])
  assert.equal((await files('ls', '/nothing')).stdout, '')
  assert.equal((await files('cat', '/notes/a.txt')).stdout, 'hällo')
  assert.deepEqual((await files('cat', 'notes/a.txt', '--json')).lines, [
    { path: 'notes/a.txt', content: 'hällo' }
  ])
  assert.deepEqual((await files('cat', '/bin', '--json')).lines, [
    { path: '/bin', content: { $bytes: '/wA=' } }
  ])
  assert.deepEqual((await files('stat', '/notes/a.txt', '--json')).lines, [
    { path: '/notes/a.txt', type: 'file', size: 6 }
  ])
  const wrong = [
    [['cat', '/nope'], 'ENOENT'],
    [['cat', '/notes'], 'EISDIR'],
    [['ls', '/bin'], 'ENOTDIR'],
    [['stat', '/nope'], 'ENOENT'],
    [['get', '/../etc'], 'EINVAL']
  ] as const
  await Promise.all(
    wrong.map(async ([args, code]) => {
      const { status, stdout, stderr } = await files(...args)
      assert.deepEqual([status, stdout], [1, ''])
      assert.match(stderr, new RegExp(`^vms: ${code}: `))
    })
  )
})

test('files get: copies files and folders, overwrites nothing, and follows no links', async t => {
  const { world, key } = await deployed(t)
  await world.run('alice', 'call', key, 'write', '/notes/a.txt', 'a')
  await world.run('alice', 'call', key, 'write', '/notes/deep/b.txt', 'b')
  const home = await world.home('bob')
  const read = (...names: string[]) => readFile(path.join(home, ...names), 'utf8')
  const get = (...args: string[]) => world.run('bob', 'files', key, 'get', ...args)

  assert.equal((await get('/notes/a.txt')).status, 0)
  assert.equal(await read('a.txt'), 'a')
  assert.equal((await get('/notes/a.txt', 'new/name.txt')).status, 0)
  assert.equal(await read('new', 'name.txt'), 'a')
  assert.equal((await get('/notes')).status, 0)
  assert.equal(await read('notes', 'deep', 'b.txt'), 'b')
  assert.equal((await get('/', 'all', '--json')).lines.length, 2)
  assert.equal(await read('all', 'notes', 'a.txt'), 'a')

  await writeFile(path.join(home, 'a.txt'), 'mine')
  const refused = await get('/notes/a.txt')
  assert.equal(refused.status, 64)
  assert.match(refused.stderr, /a\.txt exists: --force/)
  assert.equal(await read('a.txt'), 'mine')
  assert.equal((await get('/notes/a.txt', '--force')).status, 0)
  assert.equal(await read('a.txt'), 'a')

  await mkdir(path.join(home, 'elsewhere'))
  await mkdir(path.join(home, 'trap', 'notes'), { recursive: true })
  await symlink(path.join(home, 'elsewhere'), path.join(home, 'trap', 'notes', 'deep'))
  const trapped = await get('/notes', 'trap', '--force')
  assert.equal(trapped.status, 1)
  await assert.rejects(access(path.join(home, 'elsewhere', 'b.txt')))
})

test('info: what the VM is, its contract, and whether a file is it', async t => {
  const { world, key } = await deployed(t)
  const { status, lines } = await world.run('bob', 'info', key, '--json')
  assert.equal(status, 0)
  const [{ title, methods, trust, length, online, source, age }] = lines
  assert.deepEqual([title, trust, length, online, source], ['contract', 'trustless', 2, true, undefined])
  assert.ok((methods as string[]).includes('echo'))
  assert.ok(Number(age) >= 0)
  const forPeople = await world.run('bob', 'info', key)
  assert.match(forPeople.stdout, /^title +contract$/m)
  assert.match(forPeople.stdout, /^host +online$/m)
  assert.equal((await world.run('bob', 'info', key, '--source')).stdout, CONTRACT)

  const same = path.join(await world.home('host'), 'contract.js')
  assert.equal((await world.run('bob', 'info', key, '--compare', same)).status, 0)
  const other = await world.run('bob', 'info', key, '--compare', fixture('rsvp.js'), '--json')
  assert.deepEqual([other.status, other.lines], [1, [{ same: false }]])
})
