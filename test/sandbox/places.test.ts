import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { bundle } from '../../lib/sandbox/bundle.js'
import { Executor } from '../../lib/sandbox/executor.js'
import { describeProblem, describeWarning, inspect } from '../../lib/sandbox/findings.js'
import { namesOf, placesOf } from '../../lib/sandbox/places.js'

let folder = ''
const executor = new Executor()

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vms-places-'))
})
after(async () => {
  await executor.close()
  await rm(folder, { recursive: true })
})

/** Writes files, and bundles the first. */
async function made(files: { [name: string]: string }) {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return bundle(join(folder, Object.keys(files)[0]))
}

/** Where a text stands in a script. */
function find(source: string, text: string): [line: number, column: number] {
  const before = source.slice(0, source.indexOf(text)).split('\n')
  return [before.length, before[before.length - 1].length + 1]
}

const FILES = {
  'shop/shop.ts': `import { total, type Item } from '../lib/items.js'

interface Order { items: Item[] }

export async function order(order: Order): Promise<number> {
  if (order.items.length === 0) throw new Error('empty')
  return total(order.items)
}
`,
  'lib/items.ts': `export interface Item { price: number }
export const total = (items: Item[]): number =>
  items.reduce((sum, { price }) => sum + price, 0)
`
}

test('a place in a bundle is one in a file of its author', async () => {
  const { source, map } = await made(FILES)
  const places = placesOf(map, 'work/shop/shop.ts')
  assert.deepEqual(places.locate(...find(source, 'new Error("empty")')), {
    file: 'work/shop/shop.ts',
    line: 6,
    column: 39
  })
  assert.deepEqual(places.locate(...find(source, 'items.reduce(')), {
    file: 'work/lib/items.ts',
    line: 3,
    column: 3
  })
})

test('without a column it is the first on the line that its author wrote', async () => {
  const { source, map } = await made(FILES)
  const places = placesOf(map, 'shop.ts')
  const [line] = find(source, 'new Error("empty")')
  assert.deepEqual(places.locate(line, null), { file: 'shop.ts', line: 6, column: 3 })
})

test('what the bundler added, and what is not there, has no place', async () => {
  const { source, map } = await made(FILES)
  const places = placesOf(map, 'shop.ts')
  const lines = source.trimEnd().split('\n')
  for (const line of [1, lines.length, lines.length + 5]) {
    assert.equal(places.locate(line, 1), null)
    assert.equal(places.locate(line, null), null)
  }
})

test('a plain script is its own place', () => {
  const places = placesOf(null, 'a.js')
  assert.deepEqual(places.locate(3, 4), { file: 'a.js', line: 3, column: 4 })
  assert.deepEqual(places.locate(3, null), { file: 'a.js', line: 3, column: null })
  assert.equal(namesOf('const a2 = 1', null)('a2'), 'a2')
})

test('names that the bundler changed are those of the author again', async () => {
  const { source, map } = await made({
    'names.ts':
      "import { seen } from './seen.js'\nconst cache = 1\nexport const a = (n: number) => [cache, seen(n)]",
    'seen.ts': 'const cache: number[] = []\nexport const seen = (n: number) => cache.push(n)'
  })
  assert.match(source, /cache2/)
  const names = namesOf(source, map)
  assert.equal(names('cache2 and cache, cache22, a2'), 'cache and cache, cache22, a2')
})

test('what is wrong in a bundle is shown where its author wrote it', async () => {
  const files = {
    'all/main.ts': `import { close as shut, hits } from './parts/part.js'
import './common.cjs'
enum Color { Red, Green }
let count: number = 0
export { shut as close }
export async function paint(color: Color): Promise<string> {
  count += 1
  hits.push(String(count)); return Color[color] + Buffer.from('x')
}
`,
    'all/parts/part.ts': `export const hits: string[] = []
// a comment that is not bundled

export function close(): number { return Date.now() + 10n }
`,
    'all/common.cjs': `const cache = {}
let n = 0
exports.add = k => { cache[k] = ++n }
`
  }
  const bundled = await made(files)
  const first = await inspect(executor, bundled, 'all/main.ts')
  assert.deepEqual(first.problems.map(describeProblem), [
    'all/parts/part.ts:4:42: a contract has no clock: take the time as an argument',
    'all/parts/part.ts:4:55: BigInt is not there in a contract',
    'all/main.ts:7:3: count is assigned inside a function, but memory does not survive a call: keep it in a file with System.files',
    'all/main.ts:8:51: Buffer is not there in a contract: it has nothing of Node, bytes are a Uint8Array'
  ])
  const memory = 'but memory does not survive a call: keep it in a file with System.files'
  assert.deepEqual(first.warnings.map(describeWarning), [
    `all/common.cjs:3:22: warning: cache is changed inside a function, ${memory}`,
    `all/common.cjs:3:35: warning: n is assigned inside a function, ${memory}`,
    `all/main.ts:8:3: warning: hits is changed inside a function, ${memory}`
  ])
  const named = await made({
    'named.ts': `const a = 1\nexport function ready(): number { return a }\nexport const ok = (a: number, b = 2) => a + b`
  })
  const second = await inspect(executor, named, 'named.ts')
  assert.deepEqual(second.problems.map(describeProblem), [
    'named.ts:2:17: a method cannot be named ready, the client has a member of that name: rename it'
  ])
  assert.deepEqual(second.signatures, ['ok(a, b?)', 'ready()'])
})

test('modules that are loaded late are the same as others', async () => {
  const bundled = await made({
    'late.ts': "export const a = async () => (await import('./late/other.js')).get()",
    'late/other.ts':
      'export let z = 1\nz = 2\nconst table: { [k: string]: number } = {}\ntable.a = 1\nexport const get = () => table.a + z'
  })
  const { problems, warnings, signatures } = await inspect(executor, bundled, 'late.ts')
  assert.deepEqual({ problems, warnings, signatures }, { problems: [], warnings: [], signatures: ['a()'] })
})
