import assert from 'node:assert/strict'
import { test } from 'node:test'
import Hypercore from 'hypercore'
import { COMMIT_BYTES, encodeBlock, type Commit, type Genesis } from '../../lib/ledger/blocks.js'
import { UPGRADE_NEVER } from '../../lib/ledger/contract.js'
import crypto from '../../lib/ledger/crypto.js'
import { sameState } from '../../lib/ledger/encoding.js'
import { encodeRecord, MAX_RECORD_BYTES } from '../../lib/ledger/record.js'
import { decodeRequest, MAX_REQUEST_BYTES, signRequest, verifyRequest } from '../../lib/ledger/request.js'
import { encodeValue, type Value } from '../../lib/ledger/values.js'
import { commitChanges } from '../../lib/files/commit.js'
import { FileTree } from '../../lib/files/filetree.js'
import { closeCores, openOwnCores, type Cores } from '../../lib/machine/cores.js'
import { unexported } from '../../lib/machine/execute.js'
import { DEFAULT_LIMITS } from '../../lib/machine/genesis.js'
import { Machine } from '../../lib/machine/machine.js'
import { ENGINE, RUNTIME } from '../../lib/machine/runtime.js'
import { stateOf } from '../../lib/machine/transaction.js'
import { headOf } from '../../lib/machine/tree.js'
import { hashOf, hex, toJSON } from '../ledger/helper.js'
import {
  ask,
  askWith,
  blockAt,
  CALLER,
  commit,
  commitAll,
  commitAt,
  coresOf,
  deploy,
  filesOf,
  impatient,
  MUCH_GAS,
  isCode,
  METHODS,
  newMachine,
  newPlace,
  openMachine,
  outcomeOf,
  OWNER,
  SOURCE,
  VM,
  type Place
} from './helper.js'

test('a deployment is genesis and the owner’s signed init', async t => {
  const { machine } = await newMachine(t)
  const genesis = (await blockAt(machine, 0)) as Genesis
  assert.equal(genesis.type, 'genesis')
  assert.equal(genesis.source, SOURCE)
  assert.deepEqual(genesis.methods, METHODS)
  assert.deepEqual(genesis.limits, DEFAULT_LIMITS)
  assert.equal(hex(genesis.owner), hex(OWNER.publicKey))
  const init = await commitAt(machine, 1)
  assert.deepEqual([init.first, init.base, init.records.length], [0, 0, 1])
  assert.deepEqual([init.before.db.length, init.before.blobs.length], [0, 0])
  const [{ request, signature, outcome }] = init.records
  const decoded = decodeRequest(request)
  assert.ok(verifyRequest({ bytes: request, signature }, OWNER.publicKey))
  assert.deepEqual([decoded.method, decoded.seen.length], ['init', 1])
  assert.equal(hex(decoded.seen.hash), hex(await machine.cores.log.treeHash(1)))
  assert.ok(outcome.ok)
  assert.deepEqual([machine.head.length, machine.calls], [2, 1])
  assert.deepEqual(Object.keys(await filesOf(machine)), ['/init'])
})

test('a contract without init has one that did nothing', async t => {
  const place = await newPlace(t)
  await deploy(place, { source: 'exports.a = async () => 1', methods: ['a'] })
  const machine = await openMachine(t, place)
  const { records, after } = await commitAt(machine, 1)
  assert.deepEqual(outcomeOf(records[0]), null)
  assert.deepEqual([records[0].gas, records[0].writes, after.db.length], [0, [], 0])
  const [[first]] = await commit(machine, ask(machine, 'a'))
  assert.equal(outcomeOf(first.record), 1)
})

test('of an init that throws nothing is kept, and another contract can be deployed', async t => {
  const place = await newPlace(t)
  const throws = `exports.init = async () => { await System.files.writeFile('/a', 'x'); throw new Error('not today') }`
  await assert.rejects(deploy(place, { source: throws, methods: ['init'] }), (error: Error) => {
    assert.match(error.message, /not today/)
    return isCode('INVALID_CONTRACT')(error)
  })
  const { log, files } = await coresOf(place)
  assert.deepEqual([log.length, files.db.length, files.blobs.length], [0, 0, 0])
  await assert.rejects(new Machine(place, VM).ready(), isCode('STORAGE_BROKEN'))
  await deploy(place)
  assert.equal((await openMachine(t, place)).calls, 1)
})

test('an init that never ends is no deployment', async t => {
  const place = await newPlace(t, impatient())
  const source = `exports.init = async () => { for (;;) /(a|b)*c/.test('ab'.repeat(99)) }`
  const limits = { gas: MUCH_GAS }
  await assert.rejects(deploy(place, { source, methods: ['init'], limits }), isCode('INVALID_CONTRACT'))
  assert.equal((await coresOf(place)).log.length, 0)
})

test('a VM is deployed once', async t => {
  const { place, machine } = await newMachine(t)
  await assert.rejects(deploy(place), isCode('STORAGE_BROKEN'))
  assert.equal(machine.head.length, 2)
})

test('a batch is one block: each call sees what those before it wrote', async t => {
  const { machine } = await newMachine(t)
  const before = (await commitAt(machine, 1)).after
  const blocks = await commit(
    machine,
    ask(machine, 'write', '/a', 'one'),
    ask(machine, 'read', '/a'),
    ask(machine, 'remove', '/a'),
    ask(machine, 'read', '/a'),
    ask(machine, 'write', '/b', 'two')
  )
  assert.equal(blocks.length, 1)
  assert.deepEqual(
    blocks[0].map(one => outcomeOf(one.record)),
    [1, 'one', null, 'ENOENT', 5]
  )
  assert.deepEqual(
    blocks[0].map(one => [one.block, one.index]),
    [2, 2, 2, 2, 2].map((block, i) => [block, i + 1])
  )
  const logged = await commitAt(machine, 2)
  assert.deepEqual([logged.first, logged.base], [1, 0])
  assert.ok(sameState(logged.before, before))
  assert.ok(sameState(logged.after, await stateOf(machine.cores.db, machine.cores.blobs)))
  assert.deepEqual(toJSON(logged.records), toJSON(blocks[0].map(one => one.record)))
  assert.deepEqual(toJSON(machine.head), toJSON(await headOf(machine.cores.log)))
  assert.deepEqual(Object.keys(await filesOf(machine)), ['/b', '/init'])
  for (const { request, block, index } of blocks[0]) {
    assert.deepEqual(machine.find(request.request), { block, index })
  }
})

test('a call that throws is logged and leaves no writes', async t => {
  const { machine } = await newMachine(t)
  const before = await filesOf(machine)
  const [[failed, fine]] = await commit(
    machine,
    ask(machine, 'writeAndThrow', '/a', 'no!'),
    ask(machine, 'write', '/b', 'yes')
  )
  assert.deepEqual(failed.record.outcome, { ok: false, error: { name: 'Error', message: 'no!', code: 'NO' } })
  assert.deepEqual(failed.record.writes, [])
  assert.deepEqual(fine.record.writes, [{ path: '/b', content: { byteLength: 3, hash: hashOf('yes') } }])
  assert.deepEqual(await filesOf(machine), { ...before, '/b': 'yes' })

  const state = await stateOf(machine.cores.db, machine.cores.blobs)
  await commit(machine, ask(machine, 'writeAndThrow', '/a', 'no!'))
  assert.ok(sameState(await stateOf(machine.cores.db, machine.cores.blobs), state))
  assert.ok(sameState((await commitAt(machine, 3)).after, state))
})

test('a call that is killed is not logged, and the others of its batch are', async t => {
  const { machine } = await newMachine(t, { executor: impatient(), limits: { gas: MUCH_GAS } })
  const requests = [
    ask(machine, 'append', '/log', 'a'),
    ask(machine, 'writeAndLoop', '/never'),
    ask(machine, 'append', '/log', 'b'),
    ask(machine, 'writeAndLoop', '/log')
  ]
  const logged: [number, unknown][] = []
  const killed = await commitAll(machine, requests, committed => {
    for (const { index, record } of committed) logged.push([index, outcomeOf(record)])
  })
  assert.deepEqual(killed, [requests[1], requests[3]])
  assert.deepEqual(logged, [
    [1, 1],
    [2, 2]
  ])
  assert.equal((await filesOf(machine))['/log'], 'ab')
  assert.equal((await filesOf(machine))['/never'], undefined)
  assert.equal(machine.find(requests[1].request), null)
  assert.deepEqual(await commitAll(machine, [requests[1]], () => assert.fail('nothing was committed')), [
    requests[1]
  ])
  assert.equal(machine.head.length, 3)
})

test('a batch closes before its block exceeds 60 KiB, and a larger record stands alone', async t => {
  const { machine } = await newMachine(t)
  const sizes = [20, 20, 20, 1, 100, 1, 1, 58, 3].map(kib => kib * 1024)
  const blocks = await commit(machine, ...sizes.map(size => ask(machine, 'size', 'x'.repeat(size))))
  assert.deepEqual(
    blocks.flat().map(one => outcomeOf(one.record)),
    sizes
  )
  assert.deepEqual(
    blocks.map(block => block.length),
    [2, 2, 1, 2, 1, 1]
  )
  assert.deepEqual(
    blocks.flat().map(one => one.index),
    sizes.map((_, i) => i + 1)
  )
  for (const [i, block] of blocks.entries()) {
    const { byteLength } = (await machine.cores.log.get(i + 2))!
    assert.ok(byteLength <= COMMIT_BYTES || block.length === 1)
    assert.ok(block.every(one => one.block === i + 2 && one.head.length === i + 3))
    assert.equal(hex(block[0].head.hash), hex(await machine.cores.log.treeHash(i + 3)))
  }
  const logged = await Promise.all(blocks.map((_, i) => commitAt(machine, i + 2)))
  for (const [i, { before }] of logged.entries()) if (i > 0) assert.ok(sameState(before, logged[i - 1].after))
})

test('writes of one batch that spreads over blocks are in the block of their call', async t => {
  const { machine } = await newMachine(t)
  const filler = 'x'.repeat(40 * 1024)
  await commit(
    machine,
    ask(machine, 'write', '/a', filler),
    ask(machine, 'write', '/a', '2' + filler),
    ask(machine, 'read', '/a')
  )
  const first = await commitAt(machine, 2)
  const second = await commitAt(machine, 3)
  assert.equal(second.after.db.length, first.after.db.length + 1)
  assert.equal((await filesOf(machine))['/a'], '2' + filler)
})

test('a request of exactly the largest size is executed and logged, one byte more is no request', async t => {
  const { machine } = await newMachine(t, { limits: { valueBytes: 1024 * 1024 } })
  const largest = largestRequest(machine, 'size')
  const [[one], [two], [three]] = await commit(
    machine,
    largest,
    largestRequest(machine, 'writeAndThrow'),
    ask(machine, 'size', 'after')
  )
  assert.equal(outcomeOf(one.record), lengthOf(largest))
  assert.ok(encodeRecord(one.record).byteLength <= MAX_RECORD_BYTES)
  assert.equal(outcomeOf(two.record), 'EINVAL') // no path
  assert.equal(outcomeOf(three.record), 5)
  assert.throws(() => decodeRequest(largestRequest(machine, 'size', 1).signed.bytes), /longer than a request/)
})

test('an outcome for which the record has no room is LIMIT', async t => {
  const place = await newPlace(t)
  const source = `
    exports.echo = async data => data
    exports.fail = async data => { throw new Error(data.slice(0, 2000)) }
    exports.paths = async () => { for (let i = 0; i < 900; i++) await System.files.writeFile('/' + i, '') }`
  await deploy(place, { source, methods: ['echo', 'fail', 'paths'], limits: { valueBytes: 1024 * 1024 } })
  const machine = await openMachine(t, place)
  for (const method of ['echo', 'fail', 'paths']) {
    const [[{ record }]] = await commit(machine, largestRequest(machine, method))
    assert.equal(outcomeOf(record), 'LIMIT', method)
    assert.deepEqual(record.writes, [])
    assert.ok(encodeRecord(record).byteLength <= MAX_RECORD_BYTES)
  }
  assert.deepEqual(await filesOf(machine), {})
})

test('a call over a limit of its VM has the outcome LIMIT and writes nothing', async t => {
  const { machine } = await newMachine(t, {
    limits: { valueBytes: 1000, writes: 3, writeBytes: 100, fileBytes: 60 }
  })
  const blocks = await commit(
    machine,
    ask(machine, 'make', 1000 - 4),
    ask(machine, 'make', 1000 - 3),
    ask(machine, 'writeMany', 3, 'x'),
    ask(machine, 'writeMany', 4, 'x'),
    ask(machine, 'writeMany', 2, 'x'.repeat(50)),
    ask(machine, 'writeMany', 2, 'x'.repeat(51)),
    ask(machine, 'write', '/big', 'x'.repeat(60)),
    ask(machine, 'write', '/big', 'x'.repeat(61))
  )
  const block = blocks.flat()
  const outcomes = block.map(({ record }) => outcomeOf(record))
  assert.equal((outcomes[0] as string).length, 996)
  assert.deepEqual(outcomes.slice(1), ['LIMIT', null, 'LIMIT', null, 'LIMIT', 7, 'EFBIG'])
  assert.deepEqual(
    block.map(({ record }) => record.writes.length),
    [0, 0, 3, 0, 2, 0, 1, 0]
  )
})

test('whatever a contract passes to System.files, the host goes on', async t => {
  const place = await newPlace(t)
  const source = `exports.ask = async (name, ...args) => {
    try { await System.files[name](...args); return 'ok' } catch (error) { return error.code }
  }`
  await deploy(place, { source, methods: ['ask'] })
  const machine = await openMachine(t, place)
  const unprintable = { toString: null, valueOf: null }
  const odd: Value[] = [
    null,
    1,
    true,
    '',
    '/',
    '/a',
    '/\0',
    'x'.repeat(38) + '\u{1f600}'.repeat(300), // an error that cites its beginning must not cut it in half
    [],
    [unprintable],
    {},
    unprintable,
    JSON.parse('{"__proto__":null}') as Value,
    Uint8Array.of(47, 97)
  ]
  const names = ['readFile', 'writeFile', 'readdir', 'stat', 'unlink', 'mkdir', 'rmdir']
  const requests = names.flatMap(name =>
    odd.flatMap(first =>
      [null, 'binary', unprintable].map(second => ask(machine, 'ask', name, first, second))
    )
  )
  const committed = (await commit(machine, ...requests)).flat()
  assert.equal(committed.length, requests.length)
  const outcomes = new Set(committed.map(({ record }) => outcomeOf(record)))
  assert.deepEqual([...outcomes].sort(), ['EINVAL', 'EISDIR', 'ENOENT', 'ENOTDIR', 'ok'])
  for (const { block, index, record } of committed) {
    const logged = await commitAt(machine, block)
    assert.equal(hex(encodeRecord(logged.records[index - logged.first])), hex(encodeRecord(record)))
  }
})

test('opening again reads genesis and the last block, and goes on; what was called is looked for when it is asked for', async t => {
  const window = 8
  const { machine, place } = await newMachine(t, { limits: { window } })
  const requests = []
  for (let i = 0; i < 30; i++) {
    const request = ask(machine, 'append', '/log', 'x')
    requests.push(request)
    await commit(machine, request)
  }
  const { head } = machine
  await machine.close()

  const read: number[] = []
  const get = t.mock.method(Hypercore.prototype, 'get')
  const again = await openMachine(t, place)
  for (const call of get.mock.calls)
    if (hex((call.this as Hypercore).key) === hex(machine.key)) read.push(call.arguments[0])
  get.mock.restore()
  assert.deepEqual(new Set(read), new Set([0, 31]))

  assert.deepEqual([again.head, again.calls], [head, 31])
  for (const [i, { request }] of requests.entries()) {
    const valid = request.seen.length + window > again.head.length
    if (!valid) continue
    await again.reachBack(request)
    assert.deepEqual(again.find(request), { block: i + 2, index: i + 1 })
  }
  const [[one]] = await commit(again, ask(again, 'append', '/log', 'y'))
  assert.deepEqual([one.block, one.index, outcomeOf(one.record)], [32, 31, 31])
  assert.equal((await filesOf(again))['/log'], 'x'.repeat(30) + 'y')
})

test('files that were changed behind the log’s back are not served, and not touched', async t => {
  const changes: [string, (cores: Cores) => Promise<unknown>][] = [
    [
      'a file more',
      ({ db, blobs }) => commitChanges(new FileTree(db, blobs), new Map([['/a', Buffer.from('x')]]))
    ],
    ['a block more in the database', ({ db }) => db.append(Buffer.from('x'))],
    ['a block more in the blobs', ({ blobs }) => blobs.append(Buffer.from('x'))],
    ['a block less in the blobs', ({ blobs }) => blobs.truncate(blobs.length - 1)],
    ['a block less in the database', ({ db }) => db.truncate(db.length - 1)]
  ]
  await Promise.all(
    changes.map(async ([name, change]) => {
      const place = await newPlace(t)
      await deploy(place)
      await tamper(place, change)
      const before = await coresOf(place)
      await assert.rejects(new Machine(place, VM).ready(), isCode('STORAGE_BROKEN'), name)
      await assert.rejects(new Machine(place, VM).ready(), isCode('STORAGE_BROKEN'), name)
      assert.deepEqual(await coresOf(place), before, name)
    })
  )
})

test('a log that no host could have written is not continued', async t => {
  const { machine, place } = await newMachine(t)
  const commit1 = await commitAt(machine, 1)
  await machine.close()
  const seen = machine.head
  await tamper(place, ({ log }) => log.append(Buffer.from('garbage')))
  const before = await coresOf(place)
  await assert.rejects(new Machine(place, VM).ready(), isCode('STORAGE_BROKEN'))
  assert.deepEqual(await coresOf(place), before)
  await tamper(place, ({ log }) => log.truncate(log.length - 1, log.fork))

  const records = [{ ...commit1.records[0], request: new Uint8Array(3) }]
  await tamper(place, ({ log }) => log.append(encodeBlock({ ...commit1, first: 1, records })))
  const again = await openMachine(t, place)
  const { request } = ask(again, 'read', '/init')
  await assert.rejects(again.reachBack({ ...request, seen }), isCode('STORAGE_BROKEN'))
})

test('on another runtime a host says so in the log, once, and goes on from there', async t => {
  const place = await newPlace(t)
  await deployOnRuntime(place, { ...RUNTIME, node: '0.10.0' })
  const machine = await openMachine(t, place)
  assert.equal(machine.head.length, 3)
  assert.deepEqual(await blockAt(machine, 2), { type: 'runtime', base: 0, runtime: RUNTIME })
  await commit(machine, ask(machine, 'write', '/a', 'x'))
  assert.equal((await commitAt(machine, 3)).base, 2)
  await machine.close()
  const again = await openMachine(t, place)
  assert.equal(again.head.length, 4)
  await commit(again, ask(again, 'write', '/b', 'x'))
  assert.equal((await commitAt(again, 4)).base, 2)
  assert.equal(again.calls, 3)
})

test('a machine whose last window holds no call opens too', async t => {
  const place = await newPlace(t)
  await deployOnRuntime(place, { ...RUNTIME, node: '0.10.0' }, 1)
  await (await openMachine(t, place)).close()
  const machine = await openMachine(t, place)
  assert.deepEqual([machine.head.length, machine.calls], [3, 1])
  await commit(machine, ask(machine, 'write', '/a', 'x'))
  assert.deepEqual([(await commitAt(machine, 3)).base, (await commitAt(machine, 3)).first], [2, 1])
})

async function tamper(place: Place, change: (cores: Cores) => Promise<unknown>): Promise<void> {
  const cores = await openOwnCores(place.store, VM)
  await change(cores)
  await closeCores(cores)
}

// what a host on another runtime would have left
async function deployOnRuntime(place: Place, runtime: Genesis['runtime'], window = 1024): Promise<void> {
  await tamper(place, async ({ keys, log, db, blobs }) => {
    const genesis: Genesis = {
      type: 'genesis',
      source: SOURCE,
      sourceHash: hashOf(SOURCE),
      methods: METHODS,
      files: keys.db,
      owner: OWNER.publicKey,
      title: '',
      oracles: [],
      upgrade: UPGRADE_NEVER,
      factory: null,
      limits: { ...DEFAULT_LIMITS, window },
      runtime,
      engine: ENGINE
    }
    await log.append(encodeBlock(genesis))
    const request = {
      vm: keys.log,
      caller: OWNER.publicKey,
      method: 'init',
      args: encodeValue([]),
      id: crypto.randomBytes(16),
      seen: await headOf(log)
    }
    const { record } = unexported({ request, signed: signRequest(request, OWNER) })
    const files = await stateOf(db, blobs)
    const init: Commit = {
      type: 'commit',
      upgrade: null,
      first: 0,
      base: 0,
      before: files,
      after: files,
      records: [record],
      time: 0
    }
    await log.append(encodeBlock(init))
  })
}

// a call with one long text, of exactly the largest request plus `more` bytes
function largestRequest(machine: Machine, method: string, more = 0) {
  const rest = ask(machine, method, 'x'.repeat(100_000)).signed.bytes.byteLength - 100_000
  const args = encodeValue(['x'.repeat(MAX_REQUEST_BYTES + more - rest)])
  const request = askWith(machine, method, args, CALLER)
  assert.equal(request.signed.bytes.byteLength, MAX_REQUEST_BYTES + more)
  return request
}

function lengthOf(request: ReturnType<typeof largestRequest>): number {
  return request.request.args.byteLength - 2 - 1 - 5
}
