// System.files, as a contract sees it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Overlay } from '../../lib/files/overlay.js'
import { SystemFiles } from '../../lib/files/system.js'
import { MemoryTree } from './helper.js'

const LIMIT = 1000

function files(base: { [path: string]: string } = {}) {
  const overlay = new Overlay(MemoryTree.of(base))
  return { files: new SystemFiles(overlay, LIMIT), overlay }
}

async function fails(promise: Promise<unknown>, code: string, message?: string) {
  await assert.rejects(promise, (error: Error & { code?: string }) => {
    assert.equal(error.name, 'Error')
    assert.equal(error.code, code)
    if (message !== undefined) assert.equal(error.message, message)
    return true
  })
}

test('a file holds what was written last', async () => {
  const { files: f } = files({ '/a': 'old' })
  assert.equal(String(await f.readFile('/a')), 'old')
  await f.writeFile('a', 'Grüße')
  assert.equal(Buffer.from(await f.readFile('/a')).toString(), 'Grüße')
  await f.writeFile('/a', Uint8Array.of(1, 2))
  assert.deepEqual([...(await f.readFile('/a'))], [1, 2])
  await f.writeFile('/a', '')
  assert.deepEqual(await f.stat('/a'), { type: 'file', size: 0 })
  assert.equal((await f.readFile('/a')).byteLength, 0)
  assert.deepEqual(await f.readdir('/'), ['a'])
})

test('errors have the codes and the words of Node', async () => {
  const { files: f } = files({ '/dir/file': 'x' })
  await fails(f.readFile('/none'), 'ENOENT', "ENOENT: no such file or directory, open '/none'")
  await fails(f.readFile('/dir'), 'EISDIR', "EISDIR: illegal operation on a directory, open '/dir'")
  await fails(f.readFile('/dir/file/x'), 'ENOTDIR', "ENOTDIR: not a directory, open '/dir/file/x'")
  await fails(f.readFile('/'), 'EISDIR')
  await fails(f.readFile('/a/../b'), 'EINVAL')
  await fails(f.stat('/none'), 'ENOENT', "ENOENT: no such file or directory, stat '/none'")
  await fails(f.stat('/dir/file/x/y'), 'ENOTDIR')
  await fails(f.readdir('/dir/file'), 'ENOTDIR', "ENOTDIR: not a directory, scandir '/dir/file'")
  await fails(f.writeFile('/dir', 'x'), 'EISDIR', "EISDIR: illegal operation on a directory, open '/dir'")
  await fails(f.writeFile('/', 'x'), 'EISDIR')
  await fails(f.writeFile('/dir/file/x', 'x'), 'ENOTDIR', "ENOTDIR: not a directory, open '/dir/file/x'")
  await fails(f.writeFile('/dir/file/x/y', 'x'), 'ENOTDIR')
  await fails(f.unlink('/none'), 'ENOENT', "ENOENT: no such file or directory, unlink '/none'")
  await fails(f.unlink('/dir'), 'EISDIR')
  await fails(f.unlink('/'), 'EISDIR')
  await fails(f.unlink('/dir/file/x'), 'ENOTDIR')
  await fails(f.rmdir('/dir'), 'ENOTEMPTY', "ENOTEMPTY: directory not empty, rmdir '/dir'")
  await fails(f.rmdir('/'), 'ENOTEMPTY')
  await fails(f.rmdir('/dir/file'), 'ENOTDIR', "ENOTDIR: not a directory, rmdir '/dir/file'")
  await fails(f.rmdir('/dir/file', { recursive: true }), 'ENOTDIR')
})

test('only texts and bytes can be written, up to the limit', async () => {
  const { files: f, overlay } = files()
  for (const data of [undefined, null, 1, true, [1], { a: 1 }, new Uint16Array(1)]) {
    await fails(f.writeFile('/a', data), 'EINVAL')
  }
  await fails(f.writeFile('/a', 'x'.repeat(LIMIT + 1)), 'EFBIG', "EFBIG: file too large, write '/a'")
  await fails(f.writeFile('/a', 'é'.repeat(LIMIT / 2) + 'x'), 'EFBIG')
  await fails(f.writeFile('/a', new Uint8Array(LIMIT + 1)), 'EFBIG')
  assert.equal(overlay.changes.size, 0)
  await f.writeFile('/a', 'é'.repeat(LIMIT / 2))
  assert.equal((await f.stat('/a')).size, LIMIT)
})

test('mkdir checks its path and makes nothing', async () => {
  const { files: f, overlay } = files({ '/file': 'x' })
  await f.mkdir('/dir/in/dir')
  await f.mkdir('/file')
  await f.mkdir('/')
  assert.deepEqual(await f.readdir('/'), ['file'])
  assert.equal(overlay.changes.size, 0)
  await fails(
    Promise.resolve().then(() => f.mkdir('/a//b')),
    'EINVAL'
  )
})

test('folders are there as long as they hold a file', async () => {
  const { files: f } = files({ '/a/b/c': 'x' })
  assert.deepEqual(await f.stat('/a/b'), { type: 'directory', size: 0 })
  await f.unlink('/a/b/c')
  await fails(f.stat('/a/b'), 'ENOENT')
  await fails(f.stat('/a'), 'ENOENT')
  assert.deepEqual(await f.stat('/'), { type: 'directory', size: 0 })
  await f.writeFile('/a', 'now a file')
  assert.deepEqual(await f.stat('/a'), { type: 'file', size: 10 })
})

test('readdir of a path without files is empty', async () => {
  const { files: f } = files()
  assert.deepEqual(await f.readdir('/'), [])
  assert.deepEqual(await f.readdir('/none'), [])
  assert.deepEqual(await f.readdir('/none', { recursive: true }), [])
})

test('readdir lists names in the order of their bytes, a folder once', async () => {
  const { files: f } = files({
    '/a/x/1': '',
    '/a/x/2': '',
    '/a/y': '',
    '/a-b': '',
    '/a0': '',
    '/a.txt': '',
    '/\u{1f600}': '',
    '/\uffee': '',
    '/é': '',
    '/B': ''
  })
  assert.deepEqual(await f.readdir('/'), ['B', 'a', 'a-b', 'a.txt', 'a0', 'é', '\uffee', '\u{1f600}'])
  assert.deepEqual(await f.readdir('/a'), ['x', 'y'])
  assert.deepEqual(await f.readdir('/a/x'), ['1', '2'])
  assert.deepEqual(await f.readdir('/a', { recursive: true }), ['x/1', 'x/2', 'y'])
  assert.deepEqual(await f.readdir('/', { recursive: true }), [
    'B',
    'a-b',
    'a.txt',
    'a/x/1',
    'a/x/2',
    'a/y',
    'a0',
    'é',
    '\uffee',
    '\u{1f600}'
  ])
  await fails(f.readdir('/a/y'), 'ENOTDIR')
})

test('rmdir with recursive removes everything below, and nothing beside', async () => {
  const { files: f } = files({ '/a/1': '', '/a/b/2': '', '/a-b': '', '/a0': '' })
  await f.writeFile('/a/new', 'x')
  await f.rmdir('/a', { recursive: true })
  assert.deepEqual(await f.readdir('/'), ['a-b', 'a0'])
  await f.rmdir('/a')
  await f.rmdir('/none', { recursive: true })
  await f.rmdir('/', { recursive: true })
  assert.deepEqual(await f.readdir('/'), [])
})

test('what an overlay deletes hides what lies below it', async () => {
  const base = new Overlay(MemoryTree.of({ '/a': '1', '/b': '2', '/d/e': '3' }))
  const top = new Overlay(base)
  const f = new SystemFiles(top, LIMIT)
  await f.unlink('/a')
  await f.unlink('/d/e')
  await fails(f.readFile('/a'), 'ENOENT')
  assert.deepEqual(await f.readdir('/'), ['b'])
  await f.writeFile('/d', 'no folder any more')
  assert.deepEqual(await f.readdir('/', { recursive: true }), ['b', 'd'])
  assert.equal(String(await base.get('/a')), '1')
  base.apply(top.changes)
  assert.equal(await base.get('/a'), null)
  assert.equal(await base.size('/a'), null)
  assert.deepEqual([...base.changes.keys()], ['/a', '/d/e', '/d'])
})

test('an overlay merges its paths with those below in order', async () => {
  const overlay = new Overlay(MemoryTree.of({ '/b': '', '/d': '', '/f': '' }))
  for (const path of ['/g', '/a', '/e', '/c']) overlay.set(path, new Uint8Array(0))
  overlay.set('/d', null)
  overlay.set('/missing', null)
  const paths = async (gte: string, lt: string) => {
    const found: string[] = []
    for await (const path of overlay.paths({ gte, lt })) found.push(path)
    return found
  }
  assert.deepEqual(await paths('/', '0'), ['/a', '/b', '/c', '/e', '/f', '/g'])
  assert.deepEqual(await paths('/b', '/f'), ['/b', '/c', '/e'])
  assert.deepEqual(await paths('/d', '/e'), [])
  assert.deepEqual(await paths('/x', '/y'), [])
})
