import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { bundle } from '../../lib/sandbox/bundle.js'
import { Executor } from '../../lib/sandbox/executor.js'
import { fixture } from './helper.js'

let folder = ''

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vms-bundle-'))
})
after(() => rm(folder, { recursive: true }))

async function write(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
  return path
}

async function refused(path: string): Promise<string> {
  const error: unknown = await bundle(path).then(
    () => assert.fail('it was not refused'),
    (error: unknown) => error
  )
  assert.ok(error instanceof Error && 'code' in error)
  assert.equal(error.code, 'INVALID_CONTRACT')
  return error.message
}

test('a plain script is taken byte for byte', async () => {
  for (const name of ['plain.js', 'plain.cjs']) {
    const text = '\ufeff// ä comment \r\nexports.a = async () => 1  \n\n'
    assert.deepEqual(await bundle(await write(name, text)), { source: text, title: 'plain' })
  }
})

test('a script stays one inside a package of modules', async () => {
  await write('esm/package.json', '{"type":"module"}')
  const { source } = await bundle(await write('esm/a.js', 'exports.a = 1'))
  assert.equal(source, 'exports.a = 1')
})

test('modules and TypeScript give the same bytes from another folder', async () => {
  const sources = []
  for (const at of ['one', 'two/deeper']) {
    for (const name of ['guestbook.ts', 'entries.ts']) {
      await write(`${at}/${name}`, await readFile(fixture(`guestbook/${name}`)))
    }
    await write(`${at}/tsconfig.json`, at === 'one' ? '{"compilerOptions":{"target":"es5"}}' : '{}')
    const { source, title } = await bundle(join(folder, at, 'guestbook.ts'))
    assert.equal(title, 'guestbook')
    assert.ok(!source.includes(folder))
    sources.push(source)
  }
  assert.equal(sources[0], sources[1])
})

test('require of another file is bundled', async () => {
  await write('other.js', 'exports.two = 2')
  const { source } = await bundle(
    await write('requires.js', "exports.a = async () => require('./other').two")
  )
  assert.match(source, /exports2\.two = 2/)
  const executor = new Executor()
  assert.deepEqual(await executor.inspect(source), { methods: ['a'], problems: [] })
  await executor.close()
})

test('what is wrong is said with file, line and column', async () => {
  assert.match(await refused(await write('bad.ts', 'let a = 1\nlet b = ;')), /^bad\.ts:2:9: Unexpected ";"$/)
  assert.match(await refused(await write('bad.js', 'let b = ;')), /^bad\.js:1:9: /)
  assert.match(
    await refused(await write('fs.js', "import fs from 'node:fs'")),
    /^fs\.js:1:16: Node modules are not there/
  )
  assert.match(
    await refused(await write('req.js', "require('crypto')")),
    /Node modules are not there in a contract/
  )
  assert.match(
    await refused(await write('lost.js', "import './lost/x.js'")),
    /lost\.js:1:8: \.\/lost\/x\.js cannot be found/
  )
  assert.match(
    await refused(await write('meta.ts', 'export const a = import.meta.url')),
    /import\.meta is not there/
  )
})

test('what is no contract at all is refused', async () => {
  assert.match(await refused(join(folder, 'none.js')), /there is no file/)
  assert.match(await refused(folder), /is a folder/)
  assert.match(await refused(await write('latin.js', new Uint8Array([0xff, 0xfe, 0x20]))), /not UTF-8/)
  assert.match(await refused(await write('a.py', 'print()')), /name a \.js or \.ts file/)
})
