// Files that no honest host signs: whoever reads them gets an error, and soon. What an honest one signs is read as the
// host itself reads it.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import * as messages from 'hyperbee/lib/messages.js'
import type { Level } from 'hyperbee/lib/messages.js'
import { VMSClient } from '../../lib/client/client.js'
import { BLOB_BLOCK_BYTES, MAX_FILE_BYTES } from '../../lib/files/blob.js'
import { FileTree } from '../../lib/files/filetree.js'
import type { Changes } from '../../lib/files/overlay.js'
import { FilesReader } from '../../lib/files/system.js'
import { inside, keyEncoding, type Tree } from '../../lib/files/tree.js'
import { encodeBlock, type Commit } from '../../lib/ledger/blocks.js'
import crypto from '../../lib/ledger/crypto.js'
import { encodeValue } from '../../lib/ledger/values.js'
import { Transaction } from '../../lib/machine/transaction.js'
import type { Forger, Forgery } from '../helpers/forger.js'
import { Ground } from '../helpers/ground.js'
import { Random } from '../ledger/helper.js'
import { isCode } from '../machine/helper.js'
import { newDrive, type Drive } from './helper.js'

const ground = await Ground.open()

const { Node, YoloIndex } = messages as unknown as {
  Node: { encode(node: { index: Uint8Array; key: Uint8Array; value: Uint8Array }): Uint8Array }
  YoloIndex: { encode(index: { levels: Level[] }): Uint8Array }
}

const ENTRY = {
  executable: false,
  linkname: null,
  blob: { blockOffset: 0, byteOffset: 0, blockLength: 1, byteLength: 5 },
  metadata: null
}

function block(path: string, levels: Level[], value: unknown = ENTRY): Uint8Array {
  return Node.encode({
    index: YoloIndex.encode({ levels }),
    key: keyEncoding.encode(path),
    value: Buffer.from(JSON.stringify(value))
  })
}

const leaf = (...keys: number[]): Level => ({ keys, children: [] })
/** A node with children at the beginning of other blocks. */
const inner = (keys: number[], ...seqs: number[]): Level => ({ keys, children: seqs.flatMap(n => [n, 0]) })

/** A drive with `/a`, and blocks from number 2 on that a host has made up. */
async function forged(t: TestContext, ...blocks: Uint8Array[]): Promise<Drive> {
  const drive = await newDrive(t)
  await drive.commit(new Map([['/a', Buffer.from('12345')]]))
  await drive.cores.db.append(blocks)
  return drive
}

function foreign({ cores: { db, blobs } }: Drive): FileTree {
  return new FileTree(db, blobs)
}

async function all(tree: Tree, range = inside('/')): Promise<string[]> {
  const paths: string[] = []
  for await (const path of tree.paths(range)) paths.push(path)
  return paths
}

test('what an honest host signs reads as it does there, whatever was done to it', async t => {
  const random = new Random(7)
  const drive = await newDrive(t)
  const pathOf = () => '/' + Array.from({ length: 1 + random.int(3) }, () => random.int(16)).join('/')
  assert.deepEqual(await all(foreign(drive)), [])
  for (let round = 0; round < 20; round++) {
    const changes: Changes = new Map()
    const deletes = round % 4 === 3 ? 0.9 : 0.2
    for (let left = random.int(round === 5 ? 2000 : 100); left > 0; left--)
      changes.set(pathOf(), random.next() < deletes ? null : random.bytes(random.int(8)))
    await drive.commit(changes)
    const tree = foreign(drive)
    assert.deepEqual(await all(tree), await all(drive.tree))
    for (let i = 0; i < 20; i++) {
      const [gte, lt] = [pathOf(), pathOf()]
      assert.deepEqual(await all(tree, { gte, lt }), gte < lt ? await all(drive.tree, { gte, lt }) : [])
      assert.deepEqual(await tree.get(gte), await drive.tree.get(gte))
      assert.equal(await tree.size(gte), await drive.tree.size(gte))
    }
  }
  const rest: Changes = new Map((await all(drive.tree)).map(path => [path, null]))
  await drive.commit(rest)
  assert.deepEqual(await all(foreign(drive)), [])
  assert.equal(await foreign(drive).get('/1'), null)
})

test('an old state reads as it was', async t => {
  const drive = await newDrive(t)
  const { db, blobs } = await drive.commit(new Map([['/a', Buffer.from('1')]]))
  await drive.commit(new Map([['/b', Buffer.from('2')]]))
  const { cores } = drive
  const { length } = blobs
  const first = { length: db.length, get: (i: number) => cores.db.get(i) }
  const old = new FileTree(first, { length, get: i => cores.blobs.get(i) })
  assert.deepEqual(await all(old), ['/a'])
  assert.equal(await old.get('/b'), null)
})

const chain = (length: number) =>
  Array.from({ length }, (_, i) =>
    block(`/${String(9999 - i)}`, [i === 0 ? leaf(2) : inner([i + 2], i + 1, 1)])
  )

// block 1 is honest and holds /a; the made up ones follow, the last is the root
const TREES: { [name: string]: Uint8Array[] } = {
  'a node that is its own child': [block('/m', [inner([2], 2, 2)])],
  'a node that is its own child on one side': [block('/m', [inner([2], 1, 2)])],
  'a node without keys that is its own child': [block('/m', [inner([], 2)])],
  'nodes of one block that are each other’s children': [
    block('/m', [
      { keys: [2], children: [2, 1, 2, 1] },
      { keys: [1], children: [2, 0, 2, 0] }
    ])
  ],
  'a child that comes later': [block('/n', [inner([1], 3, 3)]), block('/m', [inner([3], 2, 2)])],
  'a child that comes twice': [block('/m', [inner([2], 1, 1)])],
  'a child that is the header': [block('/m', [inner([2], 0, 0)])],
  'a child in a place that is not there': [block('/m', [{ keys: [2], children: [1, 0, 1, 5] }])],
  'a child too few': [block('/m', [inner([2], 1)])],
  'half a child': [block('/m', [{ keys: [2], children: [1, 0, 1] }])],
  'keys that descend': [block('/m', [leaf(2, 1)])],
  'a key that comes twice': [block('/m', [leaf(2, 2)])],
  'a key that is the header': [block('/m', [leaf(0, 2)])],
  'a key that comes later': [block('/m', [leaf(2, 3)])],
  'a key beyond all numbers': [block('/m', [leaf(2 ** 50)])],
  'more keys than a node has': [block('/m', [leaf(...Array.from({ length: 1000 }, () => 2))])],
  'an empty node below the root': [block('/l', [leaf()]), block('/m', [inner([3], 1, 2)])],
  'a block without nodes': [block('/m', [])],
  'a block of nonsense': [Buffer.from('nonsense')],
  'a block of nothing': [Buffer.alloc(0)],
  'a huge block': [block('/m', [leaf(2)], 'x'.repeat(100_000))],
  'a tree that is too deep': chain(200)
}

for (const [name, blocks] of Object.entries(TREES)) {
  test(`${name} is refused`, async t => {
    const tree = foreign(await forged(t, ...blocks))
    await assert.rejects(all(tree), isCode('BAD_HOST'))
    const files = new FilesReader(tree)
    await assert.rejects(files.readdir('/', { recursive: true }), isCode('BAD_HOST'))
    await assert.rejects(files.readdir('/'), isCode('BAD_HOST'))
    // the way to these leads through every kind of node
    const found = await Promise.allSettled(['/0', '/b', '/z'].map(path => tree.get(path)))
    assert.ok(found.some(one => one.status === 'rejected' && isCode('BAD_HOST')(one.reason)))
  })
}

const GOOD = ENTRY.blob
const BLOBS: { [name: string]: unknown } = {
  'no entry': null,
  'no blob': { ...ENTRY, blob: null },
  'a blob of 300 MB': { ...ENTRY, blob: { ...GOOD, blockLength: 3e8, byteLength: 3e8 } },
  'a blob of 300 MB in blocks as they are cut': {
    ...ENTRY,
    blob: { ...GOOD, blockLength: Math.ceil(3e8 / BLOB_BLOCK_BYTES), byteLength: 3e8 }
  },
  'a blob of blocks of one byte': {
    ...ENTRY,
    blob: { ...GOOD, blockLength: MAX_FILE_BYTES, byteLength: MAX_FILE_BYTES }
  },
  'a blob that lies beyond the end': { ...ENTRY, blob: { ...GOOD, blockOffset: 1 } },
  'a blob that is longer than its block': { ...ENTRY, blob: { ...GOOD, byteLength: 6 } },
  'a blob that is shorter than its block': { ...ENTRY, blob: { ...GOOD, byteLength: 4 } },
  'a blob whose numbers are text': { ...ENTRY, blob: { ...GOOD, blockOffset: '0' } }
}

for (const [name, entry] of Object.entries(BLOBS)) {
  test(`${name} is refused`, async t => {
    const drive = await forged(t, block('/m', [leaf(1, 2)], entry))
    for (const tree of [foreign(drive), drive.tree]) {
      assert.deepEqual(Buffer.from((await tree.get('/a'))!).toString(), '12345')
      await assert.rejects(tree.get('/m'), isCode('BAD_HOST'))
    }
  })
}

test('the largest file is read', async t => {
  const drive = await newDrive(t)
  const content = new Random(1).bytes(1024)
  const largest = Buffer.alloc(MAX_FILE_BYTES, content)
  await drive.commit(new Map([['/a', largest]]))
  assert.ok(largest.equals((await foreign(drive).get('/a'))!))
})

const CONTRACT = `
exports.w = async (path, data) => System.files.writeFile(path, data)
exports.r = async path => System.files.readFile(path)
`

/** A VM whose second commit leaves files that the host has made up, and says so in its log. */
async function lying(forger: Forger, made: (length: number) => Uint8Array): Promise<Forgery> {
  const vm = await forger.vm({ source: CONTRACT })
  await vm.init()
  await vm.call('w', ['/x', 'a'])
  const transaction = await Transaction.open(vm.cores, forger.durability)
  const before = await transaction.filesState()
  await vm.cores.db.append(made(vm.cores.db.length)) // the transaction sees what is there when it opens
  await transaction.close()
  const next = await Transaction.open(vm.cores, forger.durability)
  const { signed } = await vm.request('w', ['/x', 'a'])
  const content = { byteLength: 1, hash: crypto.hash(Buffer.from('a')) }
  const commit: Commit = {
    type: 'commit',
    upgrade: null,
    first: vm.position.index,
    base: 0,
    before,
    after: await next.filesState(),
    records: [
      {
        request: signed.bytes,
        signature: signed.signature,
        outcome: { ok: true, value: encodeValue(null) },
        gas: 0,
        writes: [{ path: '/x', content }],
        oracles: []
      }
    ],
    time: Date.now()
  }
  await next.appendLog(encodeBlock(commit))
  await next.commit()
  await next.close()
  await vm.publish()
  return vm
}

const LIES: { [name: string]: (length: number) => Uint8Array } = {
  'a tree that goes in a circle': seq => block('/m', [inner([seq], seq, seq)]),
  'a file of 300 MB that is not there': seq =>
    block('/x', [leaf(seq)], { ...ENTRY, blob: { ...GOOD, blockLength: 3e8, byteLength: 3e8 } })
}

for (const [name, made] of Object.entries(LIES)) {
  test(`a client of a host that signs ${name} is told so`, { timeout: 60_000 }, async () => {
    const forger = await ground.forger()
    const vm = await lying(forger, made)
    const client = ground.keep(
      new VMSClient(vm.key, {
        bootstrap: ground.bootstrap,
        storage: ground.folder(),
        identity: crypto.keyPair(),
        timeout: 20_000
      })
    )
    await assert.rejects(client.files.readFile('/x'), isCode('BAD_HOST'))
    await assert.rejects(client.local.call('r', '/x'), isCode('BAD_HOST'))
  })
}
