// Random operations on the files of a VM, as the machine stacks them (a call's overlay on its batch's on the drive), do
// what they do on a list of files.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Overlay } from '../../lib/files/overlay.js'
import { SystemFiles } from '../../lib/files/system.js'
import { Random } from '../ledger/helper.js'
import { byBytes, newDrive } from './helper.js'

const LIMIT = 64
const NAMES = ['a', 'b', 'a-b', 'a0', 'a.', 'é', '\u{1f600}', '\uffee']
const BAD = ['', '..', 'x\\', '/a//b', '\ud800']

/** The obvious way. */
class Model {
  constructor(readonly files = new Map<string, string>()) {}

  copy(): Model {
    return new Model(new Map(this.files))
  }

  readFile(path: string): string {
    return this.files.get(path) ?? this.fail(this.isFolder(path) ? 'EISDIR' : this.missing(path))
  }

  writeFile(path: string, data: string): void {
    if (Buffer.byteLength(data) > LIMIT) this.fail('EFBIG')
    if (this.isFolder(path)) this.fail('EISDIR')
    if (this.missing(path) === 'ENOTDIR') this.fail('ENOTDIR')
    this.files.set(path, data)
  }

  unlink(path: string): void {
    if (!this.files.delete(path)) this.fail(this.isFolder(path) ? 'EISDIR' : this.missing(path))
  }

  stat(path: string): { type: string; size: number } {
    const file = this.files.get(path)
    if (file !== undefined) return { type: 'file', size: Buffer.byteLength(file) }
    return this.isFolder(path) ? { type: 'directory', size: 0 } : this.fail(this.missing(path))
  }

  readdir(path: string, recursive: boolean): string[] {
    if (this.files.has(path)) this.fail('ENOTDIR')
    const names = this.below(path).map(file => file.slice(path === '/' ? 1 : path.length + 1))
    return [...new Set(names.map(name => (recursive ? name : name.split('/')[0])))].sort(byBytes)
  }

  rmdir(path: string, recursive: boolean): void {
    if (this.files.has(path)) this.fail('ENOTDIR')
    if (!recursive && this.below(path).length > 0) this.fail('ENOTEMPTY')
    for (const file of this.below(path)) this.files.delete(file)
  }

  private below(path: string): string[] {
    return [...this.files.keys()].filter(file => file.startsWith(path === '/' ? '/' : path + '/'))
  }

  private isFolder(path: string): boolean {
    return path === '/' || this.below(path).length > 0
  }

  private missing(path: string): string {
    const parts = path.split('/')
    return parts.some((_, i) => i > 1 && this.files.has(parts.slice(0, i).join('/'))) ? 'ENOTDIR' : 'ENOENT'
  }

  private fail(code: string): never {
    throw Object.assign(new Error(code), { code })
  }
}

test('300 random operations do what they do on a list of files', async t => {
  const drive = await newDrive(t)
  const random = new Random(11)
  let batch = new Overlay(drive.tree)
  let model = new Model()
  let operations = 0
  let commits = 0
  const codes = new Set<string>()

  while (operations < 300) {
    const call = new Overlay(batch)
    const files = new SystemFiles(call, LIMIT)
    const after = model.copy()
    for (let left = 1 + random.int(6); left > 0; left--, operations++) {
      const { name, real, expected } = operation(random, files, after)
      const [found, wanted] = [await settle(real), await settle(expected)]
      assert.deepEqual(found, wanted, `${operations}: ${name}`)
      if (typeof found === 'string' && found.startsWith('E')) codes.add(found)
    }
    const kept = random.next() < 0.8 // the call did not throw
    if (kept) {
      batch.apply(call.changes)
      model = after
    }
    if (random.next() < 0.3) {
      await drive.commit(batch.changes)
      batch = new Overlay(drive.tree)
      commits++
    }
    assert.deepEqual(
      await listing(new SystemFiles(batch, LIMIT)),
      new Map([...model.files].sort(([a], [b]) => byBytes(a, b)))
    )
  }
  assert.ok(commits > 10)
  assert.deepEqual([...codes].sort(), ['EFBIG', 'EINVAL', 'EISDIR', 'ENOENT', 'ENOTDIR', 'ENOTEMPTY'])
})

function operation(random: Random, files: SystemFiles, model: Model) {
  const depth = 1 + random.int(3)
  const segments = Array.from({ length: depth }, () =>
    random.pick(random.next() < 0.7 ? NAMES.slice(0, 3) : NAMES)
  )
  const path = random.next() < 0.04 ? '/' : '/' + segments.join('/')
  if (random.next() < 0.03) {
    const bad = random.pick(BAD)
    return { name: bad, real: () => files.readFile(bad), expected: () => Promise.reject(einval()) }
  }
  const recursive = random.next() < 0.3
  const data = 'é'.repeat(random.int(random.next() < 0.1 ? 64 : 32))
  switch (random.int(10)) {
    case 0:
      return {
        name: `readFile ${path}`,
        real: async () => Buffer.from(await files.readFile(path)).toString(),
        expected: () => model.readFile(path)
      }
    case 1:
      return { name: `stat ${path}`, real: () => files.stat(path), expected: () => model.stat(path) }
    case 2:
      return {
        name: `readdir ${path} ${recursive}`,
        real: () => files.readdir(path, { recursive }),
        expected: () => model.readdir(path, recursive)
      }
    case 3:
    case 4:
      return { name: `unlink ${path}`, real: () => files.unlink(path), expected: () => model.unlink(path) }
    case 5:
      return {
        name: `rmdir ${path} ${recursive}`,
        real: () => files.rmdir(path, { recursive }),
        expected: () => model.rmdir(path, recursive)
      }
    default:
      return {
        name: `writeFile ${path} ${data.length}`,
        real: () => files.writeFile(path, data),
        expected: () => model.writeFile(path, data)
      }
  }
}

// the result, or the code of the error
async function settle(action: () => unknown): Promise<unknown> {
  try {
    return await action()
  } catch (error) {
    return (error as { code?: string }).code ?? error
  }
}

async function listing(files: SystemFiles): Promise<Map<string, string>> {
  const all = new Map<string, string>()
  for (const name of await files.readdir('/', { recursive: true })) {
    all.set('/' + name, Buffer.from(await files.readFile('/' + name)).toString())
  }
  return all
}

function einval(): Error {
  return Object.assign(new Error('EINVAL'), { code: 'EINVAL' })
}
