import assert from 'node:assert/strict'
import { test } from 'node:test'
import Hyperdrive from 'hyperdrive'
import { FileError } from '../../lib/files/errors.js'
import { MAX_PATH_BYTES, parentsOf, resolvePath } from '../../lib/files/path.js'
import { Random } from '../ledger/helper.js'

const ACCEPTED: [string, string][] = [
  ['/', '/'],
  ['/a', '/a'],
  ['a', '/a'],
  ['a/b/c', '/a/b/c'],
  ['/...', '/...'],
  ['/.hidden/..x', '/.hidden/..x'],
  ['/notes:/a', '/notes:/a'],
  ['notes:/a/b/c', '/notes:/a/b/c'],
  ['C:/windows', '/C:/windows'],
  ['file:/a', '/file:/a'],
  ['/ /\t/\n', '/ /\t/\n'],
  ['/%2e%2e/?#', '/%2e%2e/?#'],
  ['/é', '/é'],
  ['/e\u0301', '/e\u0301'],
  ['/\u{1f600}/\uffee', '/\u{1f600}/\uffee'],
  ['/__proto__', '/__proto__']
]

for (const [input, path] of ACCEPTED) {
  test(`${JSON.stringify(input)} is the path ${JSON.stringify(path)}`, () => {
    assert.equal(resolvePath(input, 'open'), path)
  })
}

const REFUSED: [unknown, RegExp][] = [
  [undefined, /a path is a string/],
  [null, /a path is a string/],
  [1, /a path is a string/],
  [['/a'], /a path is a string/],
  [new Uint8Array(1), /a path is a string/],
  ['', /no segment ""/],
  ['//', /no segment ""/],
  ['/a//b', /no segment ""/],
  ['/a/', /no segment ""/],
  ['.', /no segment "\."/],
  ['/a/./b', /no segment "\."/],
  ['..', /no segment "\.\."/],
  ['/../a', /no segment "\.\."/],
  ['/a/..', /no segment "\.\."/],
  ['/a\\b', /no backslash/],
  ['\\', /no backslash/],
  ['/a\0', /no NUL/],
  ['/\ud800', /no lone surrogates/],
  ['/\udc00\ud800', /no lone surrogates/]
]

for (const [input, reason] of REFUSED) {
  test(`${JSON.stringify(input)} is no path: ${reason.source}`, () => {
    assert.throws(() => resolvePath(input, 'open'), invalid(reason))
  })
}

test('a path has 1,024 bytes of UTF-8, and not one more', () => {
  const longest = '/' + 'x'.repeat(MAX_PATH_BYTES - 1)
  assert.equal(resolvePath(longest, 'open'), longest)
  assert.throws(() => resolvePath(longest + 'x', 'open'), invalid(/at most 1024 bytes/))
  assert.equal(resolvePath(longest.slice(1), 'open'), longest)
  assert.throws(() => resolvePath(longest.slice(1) + 'x', 'open'), invalid(/at most 1024 bytes/))
  const wide = '/abc' + '\u{1f600}'.repeat(255)
  assert.equal(Buffer.byteLength(wide), MAX_PATH_BYTES)
  assert.equal(resolvePath(wide, 'open'), wide)
  assert.throws(() => resolvePath(wide + 'é', 'open'), invalid(/at most 1024 bytes/))
})

test('the error names the system call and the path, as Node does', () => {
  assert.throws(() => resolvePath('/a//b', 'mkdir'), {
    name: 'Error',
    code: 'EINVAL',
    message: `EINVAL: a path has no segment "", mkdir '/a//b'`
  })
})

test('Hyperdrive leaves every accepted path as it is', () => {
  const random = new Random(7)
  const parts = [
    '/',
    '/',
    '/',
    'a',
    '.',
    '..',
    ':',
    'C:',
    'file:',
    '\\',
    '\0',
    ' ',
    '~',
    '%2f',
    'é',
    '\u{1f600}',
    '\ud800'
  ]
  let accepted = 0
  for (let i = 0; i < 20_000; i++) {
    const input = Array.from({ length: 1 + random.int(7) }, () => random.pick(parts)).join('')
    let path: string
    try {
      path = resolvePath(input, 'open')
    } catch (error) {
      assert.ok(error instanceof FileError && error.code === 'EINVAL')
      continue
    }
    accepted++
    if (path !== '/') assert.equal(Hyperdrive.normalizePath(path), path)
    assert.equal(resolvePath(path, 'open'), path)
  }
  assert.ok(accepted > 1000)
})

test('the folders that a path lies in, from the outside in', () => {
  assert.deepEqual(parentsOf('/a/b/c'), ['/a', '/a/b'])
  assert.deepEqual(parentsOf('/a'), [])
  assert.deepEqual(parentsOf('/'), [])
})

function invalid(reason: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof FileError)
    assert.equal(error.code, 'EINVAL')
    assert.match(error.message, reason)
    return true
  }
}
