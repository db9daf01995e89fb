// What an auditor cannot tell is never called fraud and never called verified; and nothing that a host serves makes the
// auditor hang or crash.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import b4a from 'b4a'
import c from 'compact-encoding'
import Hyperbee from 'hyperbee'
import { audit } from '../../lib/audit/auditor.js'
import type { AuditResult, Doubt } from '../../lib/audit/findings.js'
import { keyEncoding } from '../../lib/files/tree.js'
import { encodeBlock, type Genesis } from '../../lib/ledger/blocks.js'
import { encodeValue } from '../../lib/ledger/values.js'
import { ENGINE, RUNTIME } from '../../lib/machine/runtime.js'
import { headOf } from '../../lib/machine/tree.js'
import { type Forger, type Forgery, type VMOptions } from '../helpers/forger.js'
import { Ground } from '../helpers/ground.js'
import { SOURCE, tell, type Story } from '../helpers/story.js'

const ground = await Ground.open()
const forger = await ground.forger()
const TIMEOUT = 1500

const found = ({ findings }: AuditResult) => findings.map(({ kind, block, index }) => [kind, block, index])
const doubted = ({ doubts }: { doubts: Doubt[] }) => doubts.map(({ block }) => block)
const other = { genesis: (one: Genesis) => void (one.runtime.v8 = '1.2.3') }
const forged = { ok: true as const, value: encodeValue('forged') }

async function told(
  options: Partial<VMOptions>,
  story: Story = {},
  after?: (vm: Forgery, from: Forger) => Promise<unknown>
) {
  const from = after ? await ground.forger() : forger
  const vm = await from.vm({ source: SOURCE, ...options })
  await tell(vm, story)
  await after?.(vm, from)
  await vm.publish()
  return vm
}

// another runtime

test('another runtime, and every result is reproduced', async () => {
  const { verdict, checked } = await ground.audit((await told(other)).key)
  assert.deepEqual([verdict, checked], ['verified', 8])
})

test('another runtime, and a result that is not reproduced', async () => {
  const lies = { 3: { records: ([one]: { outcome: unknown }[]) => void (one.outcome = forged) } }
  const result = await ground.audit((await told(other, { lies })).key)
  assert.deepEqual([result.verdict, found(result), doubted(result)], ['inconclusive', [], [3]])
  assert.match(result.doubts[0].reason, /runtime differs: the host has node .* v8 1\.2\.3/)
})

test('another runtime from a block on: what comes before is fraud, what comes after is doubtful', async () => {
  const lie = { records: ([one]: { outcome: unknown }[]) => void (one.outcome = forged) }
  const vm = await told(
    {},
    { lies: { 2: lie, 4: lie }, before: { 4: vm => vm.changeRuntime({ ...RUNTIME, icu: '0' }) } }
  )
  const result = await ground.audit(vm.key)
  assert.deepEqual([found(result), doubted(result)], [[['wrong-outcome', 2, 1]], [5]])
})

test('another runtime, and a lie that needs no execution', async () => {
  const lies = { 3: { records: ([one]: { signature: Uint8Array }[]) => void (one.signature[0] ^= 1) } }
  const result = await ground.audit((await told(other, { lies })).key)
  assert.deepEqual([result.verdict, found(result)], ['fraud', [['bad-signature', 3, 4]]])
})

test('another runtime, and a contract that exports something else here', async () => {
  const vm = await told({
    genesis: one => {
      one.runtime.v8 = '1.2.3'
      one.methods.push('zzz')
    }
  })
  const result = await ground.audit(vm.key)
  assert.deepEqual([result.verdict, doubted(result)], ['inconclusive', [0]])
})

// another engine

const unknown = { genesis: (one: Genesis) => void (one.engine = ENGINE + 1) }

test('an unknown engine is never verified', async () => {
  const result = await ground.audit((await told(unknown)).key)
  assert.deepEqual([result.verdict, doubted(result), result.checked], ['inconclusive', [0], 0])
  assert.match(result.doubts[0].reason, /engine/)
})

test('an unknown engine, and files that hold what nothing logs', async () => {
  const lies = {
    3: { changes: (changes: Map<string, Uint8Array | null>) => void changes.set('/n', b4a.from('9')) }
  }
  const result = await ground.audit((await told(unknown, { lies })).key)
  assert.deepEqual(found(result), [['wrong-state', 3, null]])
})

test('an unknown engine, and files that are not available', async () => {
  const vm = await told(unknown, {}, async ({ cores }) => cores.db.truncate(2, 0))
  const result = await ground.audit(vm.key, { timeout: TIMEOUT })
  assert.deepEqual([result.verdict, found(result)], ['inconclusive', []])
})

test('an unknown engine, and blobs that nobody sends', async () => {
  const vm = await told(unknown, {}, (vm, from) => from.withhold(vm, 'blobs', 1))
  const result = await ground.audit(vm.key, { timeout: TIMEOUT })
  assert.deepEqual([result.verdict, found(result)], ['inconclusive', []])
})

// calls that do not end

test('a call that does not end here', async () => {
  const vm = await told({}, { requests: { 3: async vm => [await vm.request('deep')] } })
  const result = await ground.audit(vm.key)
  assert.deepEqual([result.verdict, found(result), doubted(result)], ['inconclusive', [], [3]])
  assert.match(result.doubts[0].reason, /did not end here/)
  assert.equal(result.checked, 7)
})

test('a call that does not end here, and a lie after it in the batch', async () => {
  const vm = await told(
    {},
    {
      requests: { 3: async vm => [await vm.request('deep'), await vm.request('add', [2])] },
      lies: { 3: { records: records => void (records[1].outcome = forged) } }
    }
  )
  const result = await ground.audit(vm.key)
  assert.deepEqual([found(result), doubted(result)], [[['wrong-outcome', 3, 5]], [3]])
})

test('a contract that cannot be loaded here', async () => {
  const source = "exports.f = () => 1; throw new RangeError('Maximum call stack size exceeded')"
  const vm = await forger.vm({ source, genesis: one => void (one.methods = ['f']) })
  await vm.init()
  await vm.publish()
  const result = await ground.audit(vm.key)
  assert.deepEqual([result.verdict, found(result), doubted(result)], ['inconclusive', [], [0]])
})

// blocks that do not come

for (const block of [0, 1, 3, 5]) {
  test(`block ${block} of the log never comes`, async () => {
    const vm = await told({}, {}, (vm, from) => from.withhold(vm, 'log', block))
    const start = performance.now()
    const result = await ground.audit(vm.key, { timeout: TIMEOUT })
    assert.deepEqual([result.verdict, doubted(result)], ['inconclusive', [block]])
    assert.match(result.doubts[0].reason, new RegExp(`block ${block} is not available`))
    assert.ok(performance.now() - start < 6 * TIMEOUT)
  })
}

for (const core of ['db', 'blobs'] as const) {
  test(`files changed outside of the log, and a block of the ${core} never comes`, async () => {
    const before = {
      4: (vm: Forgery) =>
        vm.tamper([
          ['/n', '50'],
          ['/z', 'z']
        ])
    }
    const vm = await told({}, { before }, (vm, from) => from.withhold(vm, core, core === 'db' ? 2 : 4))
    const result = await ground.audit(vm.key, { timeout: TIMEOUT })
    assert.deepEqual(found(result)[0], ['wrong-state', 4, null])
    assert.equal(result.findings.length, 1, JSON.stringify(result))
    assert.ok(result.doubts.length > 0, JSON.stringify(result))
  })
}

test('a lone genesis', async () => {
  const vm = await forger.vm({ source: SOURCE })
  await vm.publish()
  await assert.rejects(ground.audit(vm.key, { timeout: TIMEOUT }), { name: 'VMSError', code: 'UNREACHABLE' })
})

test('nobody is there', async () => {
  const vm = await forger.vm({ source: SOURCE })
  await assert.rejects(audit(ground.replica(vm.key), { timeout: TIMEOUT }), {
    name: 'VMSError',
    code: 'UNREACHABLE'
  })
})

// garbage

test('a log of garbage', async () => {
  const vm = await forger.vm({ source: SOURCE, block: () => b4a.from('garbage') })
  for (let i = 0; i < 10; i++) await vm.append(b4a.alloc(1000, i))
  await vm.publish()
  const result = await ground.audit(vm.key)
  assert.deepEqual([found(result), result.length], [[['bad-genesis', 0, null]], 11])
})

test('a genesis and garbage', async () => {
  const vm = await forger.vm({ source: SOURCE })
  await vm.append(b4a.alloc(0))
  await vm.publish()
  assert.deepEqual(found(await ground.audit(vm.key)), [['bad-record', 1, null]])
})

const varint = (n: number) => c.encode(c.raw, b4a.from(n < 128 ? [n] : [(n & 127) | 128, n >> 7]))
const field = (tag: number, bytes: Uint8Array) =>
  b4a.concat([varint((tag << 3) | 2), varint(bytes.length), bytes])
const packed = (numbers: number[]) => b4a.concat(numbers.map(varint))

/** A block of a Hyperbee: levels of keys and children, the key and the entry. */
function node(levels: { keys: number[]; children: number[] }[], key: string, entry: unknown): Uint8Array {
  const index = levels.map(({ keys, children }) =>
    field(1, b4a.concat([field(1, packed(keys)), field(2, packed(children))]))
  )
  const name = b4a.from((keyEncoding as unknown as { encode(key: string): Uint8Array }).encode(key))
  return b4a.concat([
    field(1, b4a.concat(index)),
    field(2, name),
    field(3, b4a.from(typeof entry === 'string' ? entry : JSON.stringify(entry)))
  ])
}

const entry = (blob: object) => ({ executable: false, linkname: null, blob, metadata: null })
const empty = entry({ blockOffset: 0, byteOffset: 0, blockLength: 0, byteLength: 0 })

const leaf = (key: string) => (seq: number) => node([{ keys: [seq], children: [] }], key, empty)

/** Appends blocks to the database; the files are said to be those after the first `count` of them. */
async function bee(vm: Forgery, blocks: ((seq: number) => Uint8Array)[], count: number): Promise<void> {
  const { db, blobs } = vm.cores
  const files = { db: await headOf(db), blobs: await headOf(blobs) }
  for (const [i, block] of blocks.entries()) {
    await db.append(block(db.length))
    if (i < count) files.db = await headOf(db)
  }
  vm.position = { ...vm.position, files }
}

test('what `node` makes is what Hyperbee reads', async () => {
  const vm = await told({}, {}, vm => bee(vm, [leaf('/n')], 1))
  const tree = new Hyperbee(vm.cores.db, { keyEncoding: 'utf-8', valueEncoding: 'json', extension: false })
  assert.deepEqual((await tree.get('/n', { keyEncoding }))?.value, empty)
})

const garbage: [string, (seq: number) => Uint8Array][] = [
  ['no bytes', () => b4a.alloc(0)],
  ['random bytes', () => b4a.from('ffffffffffffffffffffff', 'hex')],
  ['a node that is its own child', seq => node([{ keys: [seq], children: [seq, 0, seq, 0] }], '/n', empty)],
  [
    'two nodes that are each other’s children',
    seq =>
      node(
        [
          { keys: [seq], children: [seq, 1, seq, 1] },
          { keys: [seq], children: [seq, 0, seq, 0] }
        ],
        '/n',
        empty
      )
  ],
  [
    'a child without a key',
    seq =>
      node(
        [
          { keys: [seq], children: [seq, 1, seq, 1] },
          { keys: [], children: [seq, 0] }
        ],
        '/n',
        empty
      )
  ],
  ['a child that is not there', seq => node([{ keys: [seq], children: [seq, 5, seq, 6] }], '/n', empty)],
  [
    'a node that is its own left child',
    seq => node([{ keys: [seq], children: [seq, 0, seq - 1, 0] }], '/n', empty)
  ],
  ['a child out of order', seq => node([{ keys: [seq], children: [seq - 1, 0, seq - 2, 0] }], '/n', empty)],
  [
    'nodes without keys in a circle',
    seq =>
      node(
        [
          { keys: [], children: [seq, 1] },
          { keys: [], children: [seq, 0] }
        ],
        '/n',
        empty
      )
  ],
  ['a child of the future', seq => node([{ keys: [seq], children: [seq + 1, 0, seq + 2, 0] }], '/n', empty)],
  ['a key of the future', seq => node([{ keys: [seq, seq + 2], children: [] }], '/n', empty)],
  ['keys out of order', seq => node([{ keys: [seq, seq], children: [] }], '/n', empty)],
  ['no tree at all', () => node([], '/n', empty)],
  ['an entry that is no JSON', seq => node([{ keys: [seq], children: [] }], '/n', '{')],
  ['an entry without a blob', seq => node([{ keys: [seq], children: [] }], '/n', null)],
  [
    'a blob of an enormous number of blocks',
    seq =>
      node(
        [{ keys: [seq], children: [] }],
        '/n',
        entry({ blockOffset: 0, byteOffset: 0, blockLength: 2 ** 31, byteLength: 2 ** 47 })
      )
  ],
  [
    'a blob of more blocks than its bytes need',
    seq =>
      node(
        [{ keys: [seq], children: [] }],
        '/n',
        entry({ blockOffset: 0, byteOffset: 0, blockLength: 2, byteLength: 2 })
      )
  ],
  [
    'a blob beyond the blobs',
    seq =>
      node(
        [{ keys: [seq], children: [] }],
        '/n',
        entry({ blockOffset: 900, byteOffset: 0, blockLength: 1, byteLength: 1 })
      )
  ]
]

for (const [name, block] of garbage) {
  test(`files changed to garbage: ${name}`, async () => {
    const vm = await forger.vm({ source: SOURCE })
    await vm.init()
    await vm.call('add', [1])
    // leaves before and after, for it to refer to
    await bee(vm, [leaf('/a'), leaf('/z'), block, leaf('/a'), leaf('/z')], 3)
    // the host goes on from that block, with what it makes up
    const { files } = vm.position
    const requests = await Promise.all(['add', 'list', 'get'].map(method => vm.request(method, ['/n'])))
    for (const { signed } of requests) {
      await vm.append({
        type: 'commit',
        upgrade: null,
        first: vm.position.index++,
        base: 0,
        before: files,
        after: files,
        records: [
          {
            request: signed.bytes,
            signature: signed.signature,
            outcome: forged,
            gas: 0,
            writes: [],
            oracles: []
          }
        ],
        time: 0
      })
    }
    await vm.publish()
    const result = await ground.audit(vm.key, { timeout: TIMEOUT })
    assert.equal(result.verdict, 'fraud')
    assert.deepEqual(found(result)[0], ['wrong-state', 3, null])
    // what of it is no tree of files is not read on; what is one is replayed
    for (const { reason } of result.doubts) assert.match(reason, /published files cannot be read/)
    if (result.doubts.length > 0) assert.equal(result.findings.length, 1, JSON.stringify(result))
  })
}

test('an enormous number of records', async () => {
  const vm = await forger.vm({ source: SOURCE })
  await vm.init()
  const commit = await vm.call('add', [1])
  const bytes = encodeBlock({ ...commit, first: vm.position.index, before: commit.after })
  // the array of records follows the two states: say that it has 2^32 - 1
  const request = Buffer.from(bytes).indexOf(commit.records[0].request)
  const at = request - 2 // before its length, which takes a byte
  assert.equal(bytes[at], 1)
  const lie = b4a.concat([
    bytes.subarray(0, at),
    b4a.from([0xfe, 0xff, 0xff, 0xff, 0xff]),
    bytes.subarray(at + 1)
  ])
  await vm.append(lie)
  await vm.publish()
  assert.deepEqual(found(await ground.audit(vm.key)), [['bad-record', 3, null]])
})

test('thousands of records in one block', async () => {
  const vm = await forger.vm({ source: SOURCE })
  await vm.init()
  const { signed } = await vm.request('echo', [1])
  const one = {
    request: signed.bytes,
    signature: signed.signature,
    outcome: { ok: true as const, value: encodeValue(1) }
  }
  const { position } = vm
  await vm.append({
    type: 'commit',
    upgrade: null,
    first: position.index,
    base: 0,
    before: position.files,
    after: position.files,
    records: Array.from({ length: 3000 }, () => ({ ...one, gas: 0, writes: [], oracles: [] })),
    time: 0
  })
  await vm.publish()
  const result = await ground.audit(vm.key)
  assert.deepEqual(found(result).slice(0, 2), [
    ['bad-record', 2, null],
    ['replayed-request', 2, 2]
  ])
  assert.equal(result.checked, 3001)
})

test('files that never come are doubtful, also where all of them follows from the log', async () => {
  const host = await ground.forger()
  const vm = await host.vm({ source: SOURCE })
  await tell(vm)
  await host.withholdFiles(vm)
  await vm.publish()
  for (const options of [{}, { jobs: 2, blocksPerJob: 2 }]) {
    const { verdict, findings, doubts } = await ground.audit(vm.key, { timeout: 1000, ...options })
    assert.deepEqual([verdict, findings], ['inconclusive', []])
    assert.ok(
      doubts.some(({ reason }) => reason === 'the files are not available'),
      JSON.stringify(doubts)
    )
  }
  await host.close()
})
