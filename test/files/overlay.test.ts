// Writes over a tree are listed as if they were in it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Overlay } from '../../lib/files/overlay.js'
import { Random } from '../ledger/helper.js'
import { byBytes, MemoryTree } from './helper.js'

const NAMES = ['/a', '/b', '/a/b', '/a-b', '/é', '/\u{1f600}', '/\uffee']
const BYTES = Buffer.from('x')

async function all(tree: Overlay, gte: string, lt: string): Promise<string[]> {
  const paths: string[] = []
  for await (const path of tree.paths({ gte, lt })) paths.push(path)
  return paths
}

test('every range, whatever was written and deleted and in whatever order', async () => {
  const random = new Random(4)
  const pathOf = () => random.pick(NAMES) + (random.next() < 0.3 ? '' : String(random.int(40)))
  for (let round = 0; round < 50; round++) {
    const files = new Map(Array.from({ length: random.int(40) }, () => [pathOf(), BYTES]))
    const overlay = new Overlay(new MemoryTree(new Map(files)))
    for (let left = random.int(60); left > 0; left--) {
      const [path, content] = [pathOf(), random.next() < 0.4 ? null : BYTES]
      overlay.set(path, content)
      if (content === null) files.delete(path)
      else files.set(path, content)
      const [gte, lt] = [random.pick(['/', pathOf()]), random.pick(['0', pathOf()])]
      const expected = [...files.keys()].filter(one => byBytes(one, gte) >= 0 && byBytes(one, lt) < 0)
      assert.deepEqual(await all(overlay, gte, lt), expected.sort(byBytes))
    }
  }
})

test('who goes through the paths meets none that were added meanwhile, and each of the others once', async () => {
  const overlay = new Overlay(new MemoryTree())
  for (const name of ['/b', '/d', '/f']) overlay.set(name, BYTES)
  const met: string[] = []
  for await (const path of overlay.paths({ gte: '/', lt: '0' })) {
    met.push(path)
    overlay.set(path + '1', BYTES)
    overlay.set('/a' + path.slice(1), BYTES)
    overlay.set('/f', null)
  }
  assert.deepEqual(met, ['/b', '/d'])
  assert.deepEqual(await all(overlay, '/', '0'), ['/ab', '/ad', '/b', '/b1', '/d', '/d1'])
})

test('what was forgotten is listed no more, and what is written again is', async () => {
  const overlay = new Overlay(new MemoryTree())
  overlay.set('/a', BYTES)
  overlay.set('/b', BYTES)
  overlay.changes.clear()
  assert.deepEqual(await all(overlay, '/', '0'), [])
  overlay.set('/b', BYTES)
  assert.deepEqual(await all(overlay, '/', '0'), ['/b'])
})
