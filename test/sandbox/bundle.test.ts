import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { bundle, BundleError } from '../../lib/sandbox/bundle.js'
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
    assert.deepEqual(await bundle(await write(name, text)), { source: text, title: 'plain', map: null })
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
  const { methods, problems, warnings } = await executor.inspect(source)
  assert.deepEqual({ methods, problems, warnings }, { methods: ['a'], problems: [], warnings: [] })
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

test('everything that cannot be bundled is said at once', async () => {
  const path = await write(
    'many/many.mjs',
    "import fs from 'node:fs'\nimport './none.js'\nexport const a = () => [/* äöü */ require('left-pad')]\n"
  )
  const error: unknown = await bundle(path).catch((error: unknown) => error)
  assert.ok(error instanceof BundleError)
  assert.deepEqual(
    error.problems.map(({ file, line, column, message }) => `${file}:${line}:${column} ${message}`),
    [
      'many.mjs:1:16 Node modules are not there in a contract, node:fs cannot be imported',
      'many.mjs:2:8 ./none.js cannot be found',
      'many.mjs:3:43 left-pad cannot be found'
    ]
  )
})

test('what is deployed says nothing of the source map, and is the same with it', async () => {
  const digests: { [name: string]: string } = {
    'archive.js': 'daa7a897e5d761139b312fc7f03cc76f36bbabc42f65d134974833460918733e',
    'counter.js': 'ce1916561d82acde11cf65896a0ae4abc8711da52a70b7d6dbe70774871c9511',
    'guestbook/guestbook.ts': '74cb927b84ac8293308eaccf350d6fd89dd4e6123883ea77fa634bdeb0d3b353',
    'hello.js': 'b1a82533add7675690bf3daa2b44f1c654769ced01ff871ed5512d64d1b9ebe1',
    'keyserver.js': 'd6a054b5491cff8b154dae97a5aa54f8b3d6a75e8adf0ac9aacb845fe7294920',
    'poll.js': '0bd86d0001357122e7820bc6110f02aac4900fedb9e26bdde1ffdc76fb20124b',
    'rsvp.js': 'cf654d9f8894544804270cc6becb0a80cb832a48d46adefec68a5b41889a1e57'
  }
  for (const [name, digest] of Object.entries(digests)) {
    const { source, map } = await bundle(fixture(name))
    assert.equal(createHash('sha256').update(source).digest('hex'), digest, name)
    assert.ok(!source.includes('sourceMappingURL'))
    assert.equal(map === null, name.endsWith('.js'))
  }
})

test('a contract may have the name that esbuild is given for its output', async () => {
  const { map } = await bundle(await write('named/contract.js', 'export const a = () => 1'))
  assert.ok(map !== null)
})

test('what is no contract at all is refused', async () => {
  assert.match(await refused(join(folder, 'none.js')), /there is no file/)
  assert.match(await refused(folder), /is a folder/)
  assert.match(await refused(await write('latin.js', new Uint8Array([0xff, 0xfe, 0x20]))), /not UTF-8/)
  assert.match(await refused(await write('a.py', 'print()')), /name a \.js or \.ts file/)
})
