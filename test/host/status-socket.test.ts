// The socket that a host says on what it is doing: who may ask, what is left behind, and what those can do who ask.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { cp, lstat, mkdir, mkdtemp, readdir, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import type { VMSError } from '../../lib/errors.js'
import { askStatus, StatusSocket } from '../../lib/host/status-socket.js'

const TIMEOUT = 10_000

async function folderOf(t: TestContext, ...names: string[]): Promise<string> {
  const root = await mkdtemp(path.join(tmpdir(), 'vms-socket-'))
  t.after(() => rm(root, { recursive: true }))
  const folder = path.join(root, ...names)
  await mkdir(folder, { recursive: true })
  return folder
}

async function opened(t: TestContext, storage: string, answer: object): Promise<StatusSocket> {
  const socket = await StatusSocket.open(
    storage,
    () => Promise.resolve(answer),
    problem => assert.fail(problem)
  )
  t.after(() => socket.close())
  return socket
}

const ask = async (storage: string) => JSON.parse(await askStatus(storage, TIMEOUT)) as unknown
const nobody = (storage: string) =>
  assert.rejects(askStatus(storage, TIMEOUT), (error: VMSError) => error.code === 'UNREACHABLE')

test('only the user may ask, and nothing is left behind', async t => {
  const storage = await folderOf(t)
  await nobody(storage)
  await nobody(path.join(storage, 'missing'))
  await writeFile(path.join(storage, 'status.sock'), 'no socket')
  await nobody(storage)
  const socket = await opened(t, storage, { a: 'ü' })
  assert.equal((await stat(path.join(storage, 'status.sock'))).mode & 0o777, 0o600)
  assert.deepEqual(await Promise.all([ask(storage), ask(storage)]), [{ a: 'ü' }, { a: 'ü' }])
  await socket.close()
  assert.deepEqual(await readdir(storage), [])
  await nobody(storage)
})

test('a path that is too long for a socket: it lies elsewhere, where nobody else can enter', async t => {
  const storage = await folderOf(t, 'x'.repeat(120), 'ä'.repeat(40))
  await nobody(storage)
  const link = path.join(storage, 'status.sock')
  const socket = await opened(t, storage, { long: true })
  const place = await readlink(link)
  assert.equal((await stat(path.dirname(place))).mode & 0o777, 0o700)
  assert.deepEqual(await ask(storage), { long: true })

  // a copy of the storage is not the host's, and starting it takes nothing from the host
  const copy = await folderOf(t, 'y'.repeat(120))
  await cp(storage, copy, { recursive: true, verbatimSymlinks: true })
  assert.ok((await lstat(path.join(copy, 'status.sock'))).isSymbolicLink())
  await nobody(copy)
  await opened(t, copy, { copy: true })
  assert.deepEqual([await ask(storage), await ask(copy)], [{ long: true }, { copy: true }])

  await socket.close()
  assert.deepEqual(await readdir(storage), [])
  await assert.rejects(stat(path.dirname(place)), { code: 'ENOENT' })
})

test('a link of somebody else is not followed', async t => {
  const storage = await folderOf(t, 'storage')
  const other = path.join(path.dirname(storage), 'status.sock')
  await writeFile(other, 'mine')
  await symlink(other, path.join(storage, 'status.sock'))
  const socket = await opened(t, storage, {})
  assert.deepEqual(await ask(storage), {})
  await socket.close()
  assert.equal((await stat(other)).size, 4)
})

test('who asks and does not read, or writes, keeps nobody else from asking and the host from ending', async t => {
  const storage = await folderOf(t)
  const large = { text: 'x'.repeat(8 * 1024 * 1024) }
  const socket = await opened(t, storage, large)
  const open = async (): Promise<Socket> => {
    const one = connect(path.join(storage, 'status.sock')).on('error', () => {})
    t.after(() => one.destroy())
    await once(one, 'connect')
    return one
  }
  const [silent, talking] = [await open(), await open()]
  silent.pause()
  talking.pause().write('{"method":"stop"}\n'.repeat(100_000))
  assert.deepEqual(await ask(storage), large)
  await socket.close()
  await nobody(storage)
})

test('a host that cannot say what it does, or has no place to say it, is not asked twice', async t => {
  const storage = await folderOf(t)
  const socket = await StatusSocket.open(storage, () => Promise.reject(new Error('closed')))
  t.after(() => socket.close())
  await assert.rejects(askStatus(storage, TIMEOUT), /it hung up, and may be about to end/)
  const silent = await folderOf(t)
  const waits = await StatusSocket.open(silent, () => new Promise(() => {}))
  t.after(() => waits.close())
  await assert.rejects(askStatus(silent, 50), (error: VMSError) => error.code === 'TIMEOUT')

  const taken = await folderOf(t)
  await mkdir(path.join(taken, 'status.sock', 'folder'), { recursive: true })
  const problems: string[] = []
  const none = await StatusSocket.open(
    taken,
    () => Promise.resolve({}),
    problem => problems.push(problem)
  )
  assert.equal(problems.length, 1)
  assert.match(problems[0], /^"vms status" cannot ask this host: /)
  await none.close()
})
