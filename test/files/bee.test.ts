// The tree of files makes the blocks that Hyperbee makes, byte for byte, whatever is put and deleted, and reads what Hyperbee
// reads. VMS_TEST_RUNS asks for more random histories than a few (VMS_TEST_FULL for many), VMS_TEST_SEED for those from a seed
// on; where one fails, its seed is printed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Node, YoloIndex } from 'hyperbee/lib/messages.js'
import type { BlobId } from 'hyperdrive'
import { FileTree, type Operation } from '../../lib/files/filetree.js'
import { inside, keyEncoding, type Tree } from '../../lib/files/tree.js'
import { Random } from '../ledger/helper.js'
import { byBytes, openBee } from './helper.js'
import { MemoryCore } from './memory.js'

const { VMS_TEST_FULL, VMS_TEST_RUNS = VMS_TEST_FULL ? '400' : '8', VMS_TEST_SEED = '1' } = process.env
const [first, runs] = [Number(VMS_TEST_SEED), Number(VMS_TEST_RUNS)]

/** The blobs that entries name: more than there are. */
const blobs = Object.defineProperty(new MemoryCore(), 'length', { value: 2 ** 40 })

const treeOn = (core: MemoryCore, memory?: number) => new FileTree(core, blobs, memory)

/** A blob that says who it is by its length. */
const blobOf = (byteLength: number): BlobId => ({
  blockOffset: byteLength * 1000,
  byteOffset: byteLength * 7,
  blockLength: byteLength === 0 ? 0 : 1,
  byteLength
})

const entryOf = ({ blockOffset, byteOffset, blockLength, byteLength }: BlobId) => ({
  executable: false,
  linkname: null,
  blob: { blockOffset, byteOffset, blockLength, byteLength },
  metadata: null
})

/** What Hyperbee makes of the same. */
async function writeWithHyperbee(core: MemoryCore, operations: Operation[]): Promise<void> {
  const bee = openBee(core)
  await bee.ready()
  const batch = bee.batch()
  for (const { path, blob } of operations) {
    if (blob === null) await batch.del(path, { keyEncoding })
    else await batch.put(path, entryOf(blob), { keyEncoding })
  }
  await batch.flush()
}

async function all(tree: Tree, range = inside('/')): Promise<string[]> {
  const paths: string[] = []
  for await (const path of tree.paths(range)) paths.push(path)
  return paths
}

const ALPHABET = ['a', 'b', 'z', '0', '-', '.', 'é', '\u{1f600}', '\uffee', '/x']

/** One way to make up paths, and how many there are. */
function paths(random: Random): () => string {
  const space = random.pick([5, 30, 300, 3000])
  const text = () => Array.from({ length: 1 + random.int(3) }, () => random.pick(ALPHABET)).join('')
  return random.next() < 0.7
    ? () => `/rsvps/${random.int(space)}.json`
    : () => '/' + text() + String(random.int(space))
}

/** A batch of distinct paths; in the order of their bytes, as they are committed, or in none. */
function batchOf(random: Random, pathOf: () => string, files: Map<string, number>): Operation[] {
  const size = random.int(random.pick([3, 20, 200]))
  const deletes = random.pick([0, 0.2, 0.5, 0.95])
  const known = [...files.keys()]
  const changes = new Map<string, BlobId | null>()
  for (let left = size; left > 0; left--) {
    const deleted = random.next() < deletes
    const path = deleted && known.length > 0 && random.next() < 0.9 ? random.pick(known) : pathOf()
    if (!deleted) changes.set(path, blobOf(random.int(60_000)))
    else if (files.has(path)) changes.set(path, null)
  }
  const operations = [...changes].map(([path, blob]) => ({ path, blob }))
  return random.next() < 0.9 ? operations.sort((a, b) => byBytes(a.path, b.path)) : operations
}

function keep(files: Map<string, number>, operations: Operation[]): void {
  for (const { path, blob } of operations) {
    if (blob === null) files.delete(path)
    else files.set(path, blob.byteLength)
  }
}

/** Blocks that were read and hold a node which is no part of the tree any more, and refers to what came later. */
function late({ blocks, read }: MemoryCore): number {
  return [...read].filter(seq => {
    const { levels } = YoloIndex.decode(Node.decode(blocks[seq]).index)
    return levels.some(({ children }) => children.some((child, at) => at % 2 === 0 && child > seq))
  }).length
}

async function history(seed: number): Promise<void> {
  const random = new Random(seed)
  const [core, expected] = [new MemoryCore(), new MemoryCore()]
  const pathOf = paths(random)
  const files = new Map<string, number>()
  const memory = random.pick([undefined, undefined, 0, 20_000])
  let tree = treeOn(core, memory)
  for (let rounds = 4 + random.int(20); rounds > 0; rounds--) {
    const operations = batchOf(random, pathOf, files)
    if (operations.length > 0) {
      await tree.write(operations)
      await writeWithHyperbee(expected, operations)
      keep(files, operations)
    }
    assert.equal(core.length, expected.length)
    for (const [i, block] of expected.blocks.entries()) assert.deepEqual(core.blocks[i], block, `block ${i}`)
    if (random.next() < 0.3) tree = treeOn(core, memory)
    const sorted = [...files.keys()].sort(byBytes)
    if (random.next() < 0.3) assert.deepEqual(await all(tree), sorted)
    for (let i = 0; i < 10; i++) {
      const path = random.next() < 0.5 && sorted.length > 0 ? random.pick(sorted) : pathOf()
      assert.equal(await tree.size(path), files.get(path) ?? null, path)
      const [gte, lt] = [path, pathOf()]
      const within = sorted.filter(one => byBytes(one, gte) >= 0 && byBytes(one, lt) < 0)
      assert.deepEqual(await all(tree, { gte, lt }), within)
    }
  }
}

test(`${runs} random histories from seed ${first} on are the blocks of Hyperbee`, async () => {
  for (let seed = first; seed < first + runs; seed++) {
    try {
      await history(seed)
    } catch (error) {
      console.error(`seed ${seed}`)
      throw error
    }
  }
})

test('10,000 paths, put in one batch and deleted in random ones, are the blocks of Hyperbee', async () => {
  const random = new Random(3)
  const [core, expected] = [new MemoryCore(), new MemoryCore()]
  const files = new Map<string, number>()
  const tree = treeOn(core)
  const size = VMS_TEST_FULL ? 10_000 : 4000
  const names = Array.from({ length: size }, (_, i) => `/${random.int(16)}/${i}`)
  let batches: Operation[][] = [names.map(path => ({ path, blob: blobOf(random.int(100)) }))]
  const left = [...names]
  while (left.length > size / 2) {
    const batch = Array.from({ length: 1 + random.int(400) }, () => {
      const [path] = left.splice(random.int(left.length), 1)
      return { path, blob: null }
    })
    batches = [...batches, batch]
  }
  for (const batch of batches) {
    batch.sort((a, b) => byBytes(a.path, b.path))
    await tree.write(batch)
    await writeWithHyperbee(expected, batch)
    keep(files, batch)
  }
  assert.deepEqual(core.blocks, expected.blocks)
  assert.deepEqual(await all(tree), [...files.keys()].sort(byBytes))
})

test('a block with a node that nobody refers to any more is read, whatever that node has become', async () => {
  const random = new Random(1)
  const [core, expected] = [new MemoryCore(), new MemoryCore()]
  let left = Array.from({ length: 165 }, (_, i) => `/${1000 + i}`)
  let operations: Operation[] = left.map(path => ({ path, blob: blobOf(1) }))
  let found = 0
  while (left.length > 4) {
    await treeOn(core).write(operations)
    await writeWithHyperbee(expected, operations)
    core.read.clear()
    assert.deepEqual(await all(treeOn(core)), left)
    found += late(core)
    const deleted = new Set(left.filter(() => random.next() < 0.3))
    operations = left
      .filter(path => deleted.has(path) || random.next() < 0.1)
      .map(path => ({ path, blob: deleted.has(path) ? null : blobOf(2) }))
    left = left.filter(path => !deleted.has(path))
  }
  assert.deepEqual(core.blocks, expected.blocks)
  assert.ok(found > 0, 'there was no such block')
})

/** A tree of some thousand files, and their paths. */
async function large(): Promise<{ core: MemoryCore; names: string[] }> {
  const core = new MemoryCore()
  const tree = treeOn(core)
  const random = new Random(9)
  const names = Array.from({ length: 3000 }, (_, i) => `/dir/${i}`).sort(byBytes)
  for (let i = 0; i < 6; i++)
    await tree.write(names.filter(() => random.next() < 0.5).map(path => ({ path, blob: blobOf(i + 1) })))
  await tree.write(names.map(path => ({ path, blob: blobOf(9) })))
  await tree.write(names.filter((_, i) => i % 7 === 0).map(path => ({ path, blob: null })))
  return { core, names: names.filter((_, i) => i % 7 !== 0) }
}

test('a change reads the blocks that Hyperbee reads for it, and a lookup no others than a change', async () => {
  const { core, names } = await large()
  const random = new Random(2)
  for (let i = 0; i < 100; i++) {
    const path = i % 3 === 0 ? `/dir/x${random.int(1000)}` : random.pick(names)
    const [mine, theirs, looked] = [1, 2, 3].map(() => new MemoryCore([...core.blocks]))
    const blob = i % 3 === 1 ? null : blobOf(3)
    await treeOn(mine).write([{ path, blob }])
    await writeWithHyperbee(theirs, [{ path, blob }])
    assert.deepEqual([...mine.read].sort(), [...theirs.read].sort())
    await treeOn(looked).size(path)
    for (const read of looked.read) assert.ok(theirs.read.has(read))
  }
})

test('who wants the first path of a range reads the way there, and nothing beyond', async () => {
  const { core, names } = await large()
  for (const gte of ['/', names[100], names[2000]]) {
    const [mine, looked] = [1, 2].map(() => new MemoryCore([...core.blocks]))
    for await (const path of treeOn(mine).paths({ gte, lt: '0' })) {
      assert.ok(byBytes(path, gte) >= 0)
      break
    }
    await treeOn(looked).size(gte)
    const more = [...mine.read].filter(one => !looked.read.has(one))
    assert.ok(more.length <= 1, `${more.length} blocks more`)
  }
})

test('what was read, or written, is not read again', async () => {
  const { core, names } = await large()
  const tree = treeOn(core)
  assert.deepEqual(await all(tree), names)
  core.read.clear()
  assert.deepEqual(await all(tree), names)
  for (const path of names) assert.equal(await tree.size(path), 9)
  await tree.write(names.map(path => ({ path, blob: blobOf(10) })))
  await tree.write(names.slice(10).map(path => ({ path, blob: null })))
  assert.deepEqual(await all(tree), names.slice(0, 10))
  assert.equal(core.read.size, 0)
})

test('readings at the same time are those one after the other', async () => {
  const { core, names } = await large()
  for (const memory of [undefined, 50_000]) {
    const tree = treeOn(core, memory)
    const found = await Promise.all([
      all(tree),
      all(tree, { gte: names[50], lt: names[900] }),
      ...names.map(path => tree.size(path))
    ])
    assert.deepEqual(found, [names, names.slice(50, 900), ...names.map(() => 9)])
  }
})

test('what is kept is bounded, and what was forgotten is read again', async () => {
  const { core, names } = await large()
  core.complete = true // so that nothing is asked for ahead
  const tree = treeOn(core, 100_000)
  const { nodes } = tree as unknown as { nodes: { bytes: number } }
  for (let round = 0; round < 2; round++) {
    core.read.clear()
    for await (const path of tree.paths(inside('/'))) assert.ok(nodes.bytes < 110_000, path)
    for (const path of names) assert.equal(await tree.size(path), 9)
    assert.ok(nodes.bytes < 110_000)
    assert.ok(core.read.size > 1000)
  }
})

test('a batch that is longer than what is kept is one batch', async () => {
  const [core, expected] = [new MemoryCore(), new MemoryCore()]
  const tree = treeOn(core, 10_000)
  for (const from of [0, 500]) {
    const operations = Array.from({ length: 1000 }, (_, i) => ({ path: `/${from + i}`, blob: blobOf(i) }))
    await tree.write(operations)
    await writeWithHyperbee(expected, operations)
  }
  assert.deepEqual(core.blocks, expected.blocks)
})

test('a batch that cannot be appended changes nothing', async () => {
  for (const before of [[], [{ path: '/a', blob: blobOf(1) }]]) {
    const [core, expected] = [new MemoryCore(), new MemoryCore()]
    const tree = treeOn(core)
    if (before.length > 0) {
      await tree.write(before)
      await writeWithHyperbee(expected, before)
    }
    core.failure = new Error('the disk is full')
    await assert.rejects(tree.write([{ path: '/b', blob: blobOf(2) }]), /the disk is full/)
    assert.deepEqual(
      await all(tree),
      before.map(({ path }) => path)
    )
    assert.equal(await tree.size('/b'), null)
    const after = [{ path: '/c', blob: blobOf(3) }]
    await tree.write(after)
    await writeWithHyperbee(expected, after)
    assert.deepEqual(core.blocks, expected.blocks)
  }
})

test('a batch for which a block does not come changes nothing', async () => {
  const { core, names } = await large()
  const length = core.length
  const tree = treeOn(core)
  const get = core.get.bind(core)
  let left = 30
  core.get = (index: number) =>
    left-- > 0 ? get(index) : Promise.reject<Uint8Array>(new Error('nobody sends it'))
  const operations = names.map(path => ({ path, blob: null }))
  await assert.rejects(tree.write(operations), /nobody sends it/)
  assert.equal(core.length, length)
  left = Infinity
  assert.deepEqual(await all(tree), names)
  await tree.write(operations)
  assert.deepEqual(await all(tree), [])
})

test('a tree that has grown under it is read as it is now', async () => {
  const core = new MemoryCore()
  const [one, other] = [treeOn(core), treeOn(core)]
  assert.equal(await one.has('/a'), false)
  await other.write([{ path: '/a', blob: blobOf(1) }])
  assert.equal(await one.has('/a'), true)
  await one.write([{ path: '/b', blob: blobOf(2) }])
  assert.deepEqual(await all(other), ['/a', '/b'])
})

test('paths are gone through on, whatever is written meanwhile', async () => {
  const { core, names } = await large()
  const tree = treeOn(core)
  const found: string[] = []
  for await (const path of tree.paths(inside('/'))) {
    found.push(path)
    if (found.length === 100) await tree.write(names.slice(50, 1000).map(path => ({ path, blob: null })))
  }
  assert.deepEqual(found, [...names.slice(0, 100), ...names.slice(1000)])
})
