// The blocks of a drive follow from the changes alone, and a stock Hyperdrive reads them.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import Hyperdrive from 'hyperdrive'
import type { Changes } from '../../lib/files/overlay.js'
import { FileTree } from '../../lib/files/filetree.js'
import { keyEncoding } from '../../lib/files/tree.js'
import type { FilesState } from '../../lib/ledger/encoding.js'
import { hex, Random, temporary } from '../ledger/helper.js'
import { changesOf, type FilesVector } from '../ledger/vectors.js'
import { newDrive, openBee, openDrive } from './helper.js'

const VECTORS = JSON.parse(
  readFileSync(new URL('../../../fixtures/vectors/files.json', import.meta.url), 'utf8')
) as FilesVector[]

for (const seed of [1, 200]) {
  test(`the tree hashes of fixtures/vectors/files.json, with key pair ${seed}`, async t => {
    const drive = await newDrive(t, seed)
    for (const { name, changes, db, blobs } of VECTORS) {
      const state = await drive.commit(changesOf(changes))
      assert.deepEqual(printed(state), { db, blobs }, name)
    }
  })
}

test('reopening before every commit changes nothing', async t => {
  const folder = await temporary(t)
  for (const { name, changes, db, blobs } of VECTORS) {
    const drive = await openDrive(folder)
    try {
      assert.deepEqual(printed(await drive.commit(changesOf(changes))), { db, blobs }, name)
    } finally {
      await drive.close()
    }
  }
})

test('no change, no block', async t => {
  const drive = await newDrive(t)
  await drive.commit(new Map([['/missing', null]]))
  await drive.commit(new Map())
  assert.equal(drive.cores.db.length, 0)
  await drive.commit(new Map([['/a', Buffer.from('x')]]))
  const before = await drive.state()
  await drive.commit(new Map([['/missing', null]]))
  assert.deepEqual(await drive.state(), before)
})

test('the same bytes written again are blocks again', async t => {
  const drive = await newDrive(t)
  for (const length of [2, 3, 4]) {
    await drive.commit(new Map([['/a', Buffer.from('x')]]))
    assert.equal(drive.cores.db.length, length)
    assert.equal(drive.cores.blobs.length, length - 1)
  }
})

test('a stock Hyperdrive reads the files, under the keys that follow from the VM', async t => {
  const drive = await newDrive(t)
  const random = new Random(5)
  const expected = new Map<string, Uint8Array>()
  for (let n = 0; n < 8; n++) {
    const changes: Changes = new Map()
    for (let i = 0; i < 8; i++) {
      const path =
        '/' + random.pick(['a', 'b', 'dir/a', 'dir/b', '\u{1f600}', 'x'.repeat(1023)]) + random.int(3)
      if (Buffer.byteLength(path) > 1024) continue
      changes.set(path, random.next() < 0.3 ? null : random.bytes(random.pick([0, 1, 65_536, 65_537])))
    }
    await drive.commit(changes)
    for (const [path, content] of changes) {
      if (content === null) expected.delete(path)
      else expected.set(path, content)
    }
  }

  const stock = new Hyperdrive(drive.store.session(), drive.cores.keys.db)
  t.after(() => stock.close())
  await stock.ready()
  assert.equal(hex((await stock.getBlobs()).core.key), hex(drive.cores.keys.blobs))
  const found = new Map<string, Uint8Array>()
  for await (const { key, value } of stock.list('/')) {
    const content = await stock.get(key)
    found.set(key, Uint8Array.from(content!))
    assert.deepEqual(Object.keys(value), ['executable', 'linkname', 'blob', 'metadata'])
    assert.deepEqual(Object.keys(value.blob!), ['blockOffset', 'byteOffset', 'blockLength', 'byteLength'])
    const { blockOffset, byteOffset, blockLength, byteLength } = value.blob!
    assert.ok(blockOffset >= 0 && byteOffset >= 0)
    assert.deepEqual(
      [blockLength, byteLength],
      [Math.ceil(content!.byteLength / 65_536), content!.byteLength]
    )
    assert.deepEqual([value.executable, value.linkname, value.metadata], [false, null, null])
  }
  assert.deepEqual(found, expected)
  assert.ok(found.size > 4)
})

test('an entry is JSON with exactly these fields in exactly this order', async t => {
  const drive = await newDrive(t)
  await drive.commit(
    new Map([
      ['/a', Buffer.from('12345')],
      ['/b', new Uint8Array(65_537)]
    ])
  )
  const block = Buffer.from((await drive.cores.db.get(2))!).toString()
  const value =
    '{"executable":false,"linkname":null,"blob":{"blockOffset":1,"byteOffset":5,"blockLength":2,"byteLength":65537},"metadata":null}'
  assert.ok(block.includes(value), block)
})

test('an entry that a host made up is an error and no endless reading', async t => {
  const drive = await newDrive(t)
  const { db, blobs } = drive.cores
  await drive.commit(new Map([['/a', Buffer.from('12345')]]))
  const bee = openBee(db)
  const tree = new FileTree(db, blobs)
  const good = { blockOffset: 0, byteOffset: 0, blockLength: 1, byteLength: 5 }
  const made: unknown[] = [
    null,
    'x',
    {},
    { blob: null },
    { blob: { ...good, blockLength: 2 ** 40 } },
    { blob: { ...good, blockLength: -1 } },
    { blob: { ...good, blockLength: 1.5 } },
    { blob: { ...good, blockOffset: '0' } },
    { blob: { ...good, byteLength: 6 } }
  ]
  for (const value of made) {
    const batch = bee.batch()
    await batch.put('/a', value, { keyEncoding })
    await batch.flush()
    await assert.rejects(tree.get('/a'), /the (entry|blocks) of \/a/, JSON.stringify(value))
  }
})

function printed({ db, blobs }: FilesState) {
  return {
    db: { length: db.length, hash: hex(db.hash) },
    blobs: { length: blobs.length, hash: hex(blobs.hash) }
  }
}
