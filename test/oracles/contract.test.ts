// Contracts that ask oracles, from their deployment to their audit.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rm, readdir, writeFile } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { test } from 'node:test'
import { writeProof, verifyProof } from '../../lib/audit/proof/index.js'
import { Client } from '../../lib/client/client.js'
import { CallError } from '../../lib/client/errors.js'
import { encodeValue, type Value } from '../../lib/ledger/values.js'
import type { OracleCall } from '../../lib/ledger/record.js'
import { oracleOf, type OracleChoice } from '../../lib/oracles/index.js'
import type { Host } from '../../lib/host/host.js'
import { sourceOf } from '../helpers/copy.js'
import { ALICE, type Lies } from '../helpers/forger.js'
import { Ground } from '../helpers/ground.js'

const ground = await Ground.open()
const TIMEOUT = 20_000

function clientOf(key: Uint8Array): Client {
  process.env.XDG_DATA_HOME = ground.folder()
  return ground.keep(new Client(key, { bootstrap: ground.bootstrap, identity: ALICE, timeout: TIMEOUT }))
}

async function deploy(host: Host, source: string, oracles: OracleChoice[]): Promise<Uint8Array> {
  return (await host.deploy({ source, title: 'oracles', owner: ALICE, oracles })).key
}

const PRICE = `
exports.init = async () => { await System.files.writeFile('/since', String(await System.oracles.clock.now())) }
exports.refresh = async url => {
  const { status, body } = await System.oracles.fetch.get(url)
  const at = await System.oracles.clock.now()
  const id = await System.oracles.random.bytes(8)
  await System.files.writeFile('/price', JSON.stringify({ status, price: JSON.parse(body).price, at, id: id.join() }))
}
exports.get = async () => JSON.parse(await System.files.readFile('/price'))`

test('a price from a server, with clock and randomness, is verified when the server is gone', async () => {
  const server = http.createServer((_, response) => response.end('{"price":42}')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const host = await ground.host(ground.folder())
  const key = await deploy(host, PRICE, [
    { name: 'fetch', scope: [origin] },
    { name: 'random' },
    { name: 'clock' }
  ])
  const client = clientOf(key)
  const before = Date.now()
  await client.call('refresh', `${origin}/price`)
  await client.call('refresh', `${origin}/price`)
  await assert.rejects(client.call('refresh', 'http://127.0.0.1:1/'), (error: unknown) => {
    assert.ok(error instanceof CallError)
    assert.equal(error.thrown.code, 'FORBIDDEN_ORIGIN')
    return true
  })
  const got = (await client.call('get')) as { status: number; price: number; at: number; id: string }
  assert.deepEqual([got.status, got.price, got.id.split(',').length], [200, 42, 8])
  assert.ok(got.at >= before && got.at <= Date.now())
  const { trust, oracles } = await client.info()
  assert.equal(trust, 'semi-trusted: clock, fetch, random')
  assert.deepEqual(
    oracles.map(({ name, scope }) => [name, scope]),
    [
      ['clock', []],
      ['fetch', [origin]],
      ['random', []]
    ]
  )
  await client.close()
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
  for (const options of [{}, { last: 2 }, { sample: 0.5, seed: 'a' }, { jobs: 2, blocksPerJob: 1 }]) {
    const { verdict, findings, doubts } = await ground.audit(key, options)
    assert.deepEqual([verdict, findings, doubts], ['verified', [], []])
  }
  await host.close()
})

const DICE = `
exports.roll = async times => {
  let sum = 0
  for (let i = 0; i < times; i++) sum += await System.oracles.dice.roll(i)
  await System.files.writeFile('/sum', String(sum))
  return sum
}
exports.fail = async () => System.oracles.dice.fail()
exports.many = async times => {
  for (let i = 0; i < times; i++) await System.oracles.dice.roll(i)
}
exports.large = async bytes => (await System.oracles.dice.large(bytes)).length
exports.unawaited = () => { System.oracles.dice.roll(7) }`

function dice() {
  let rolls = 0
  return oracleOf('dice', {
    roll: ([n]) => ((n as number) + 7 * rolls++) % 6,
    fail: () => Promise.reject(Object.assign(new Error('no dice'), { code: 'NO_DICE' })),
    large: ([bytes]) => 'x'.repeat(bytes as number)
  })
}

const forger = await ground.forger()

async function rolled(lie: (calls: OracleCall[]) => void): Promise<Awaited<ReturnType<typeof forger.vm>>> {
  const vm = await forger.vm({ source: DICE, oracles: [dice()] })
  await vm.init()
  await vm.call('roll', [1])
  const lies: Lies = { records: records => lie(records[0].oracles) }
  await vm.call('roll', [3], lies)
  await vm.call('roll', [2])
  await vm.publish()
  return vm
}

const LIES: [string, (calls: OracleCall[]) => void, string | null][] = [
  ['nothing', () => {}, null],
  [
    'an answer is another',
    calls => void (calls[1].output = { ok: true, value: encodeValue(100) }),
    'wrong-outcome'
  ],
  [
    'an answer is an error',
    calls => void (calls[1].output = { ok: false, error: { name: 'Error', message: 'none', code: null } }),
    'wrong-oracle-call'
  ],
  ['one is left out', calls => void calls.splice(1, 1), 'wrong-oracle-call'],
  ['the last is left out', calls => void calls.pop(), 'wrong-oracle-call'],
  ['one is added', calls => void calls.push(calls[0]), 'wrong-oracle-call'],
  ['two are exchanged', calls => void calls.reverse(), 'wrong-oracle-call'],
  [
    'it was asked for something else',
    calls => void (calls[0].inputs = encodeValue([5])),
    'wrong-oracle-call'
  ],
  ['it was another method', calls => void (calls[0].method = 'large'), 'wrong-oracle-call'],
  ['there is no such oracle', calls => void (calls[0].name = 'cards'), 'bad-record'],
  ['there is no such method', calls => void (calls[0].method = 'throw'), 'bad-record'],
  ['the inputs are no list', calls => void (calls[0].inputs = encodeValue(5)), 'bad-record'],
  [
    'an answer is no value',
    calls => void (calls[0].output = { ok: true, value: Uint8Array.of(255) }),
    'bad-record'
  ]
]

for (const [name, lie, kind] of LIES) {
  test(`a host logs of its oracles: ${name}`, async () => {
    const vm = await rolled(lie)
    const { verdict, findings, doubts } = await ground.audit(vm.key)
    assert.equal(verdict, kind === null ? 'verified' : 'fraud', JSON.stringify(doubts))
    if (kind === null) return
    assert.deepEqual([...new Set(findings.map(one => `${one.kind} ${one.block}`))].slice(0, 1), [`${kind} 3`])
    const proof = await writeProof(sourceOf(vm.cores), 3)
    const proven = await verifyProof(proof!)
    assert.deepEqual([proven.verdict, proven.findings[0].kind], ['proven', kind])
  })
}

test('what a call may ask of oracles is bounded, and an audit comes to the same', async () => {
  const vm = await forger.vm({ source: DICE, oracles: [dice()] })
  await vm.init()
  const run = async (method: string, ...args: Value[]) => (await vm.call(method, args)).records[0]
  const code = ({ outcome }: { outcome: { ok: true } | { ok: false; error: { code: string | null } } }) =>
    outcome.ok ? null : outcome.error.code
  const all = await run('many', 64)
  assert.deepEqual([code(all), all.oracles.length], [null, 64])
  const tooMany = await run('many', 65)
  assert.deepEqual([code(tooMany), tooMany.oracles.length], ['LIMIT', 64])
  assert.equal(code(await run('fail')), 'NO_DICE')
  assert.equal(code(await run('large', 100_000)), null)
  const large = await run('large', 600_000)
  assert.deepEqual([code(large), large.oracles.length], ['ANSWER_TOO_LARGE', 1])
  const ignored = await run('unawaited')
  assert.deepEqual([code(ignored), ignored.oracles.length], [null, 1])
  // a request that leaves its record no room
  const full = await run('large', 10, 'x'.repeat(1024 * 1024 - 1200))
  assert.deepEqual([code(full), full.oracles.length], ['LIMIT', 0])
  await vm.publish()
  assert.equal((await ground.audit(vm.key)).verdict, 'verified')
})

const OWN = `
import { setTimeout as sleep } from 'node:timers/promises'
let asked = 0
export const count = () => ++asked
export const slow = async ms => { await sleep(ms); return 'done' }
export const hang = () => { for (;;); }
export const broken = () => ({ then: 5, f() {} })
export const end = () => process.exit(3)`

const USER = `
for (const name of ['count', 'slow', 'hang', 'broken', 'end']) {
  exports[name + 'It'] = async (...args) => {
    try { return await System.oracles.own[name](...args) } catch ({ code, message }) { return [code, message] }
  }
}
exports.add = (a, b) => a + b`

test('an own oracle that hangs, ends or gives what is no value costs its call, and others nothing', async () => {
  const storage = ground.folder()
  const host = await ground.host(storage, { oracleDeadline: 1000 })
  const key = await deploy(host, USER, [{ name: 'own', source: OWN }])
  const other = await deploy(host, 'exports.add = (a, b) => a + b', [])
  const [client, neighbour] = [clientOf(key), clientOf(other)]
  assert.equal(await client.call('countIt'), 1)
  assert.equal(await client.call('countIt'), 2)
  // what takes its time runs again with the answer, which was asked for once
  assert.deepEqual(await Promise.all([client.call('slowIt', 200), client.call('countIt')]), ['done', 3])
  const hanging = client.call('hangIt')
  for (let i = 0; i < 3; i++) assert.equal(await neighbour.call('add', i, 1), i + 1)
  assert.deepEqual(await hanging, ['ORACLE_TIMEOUT', 'own.hang gave no answer within 1 s'])
  assert.equal(await client.call('countIt'), 1) // in a new thread
  assert.match(String(await client.call('brokenIt')), /^ORACLE_FAILED|^INVALID_VALUE|not a value/)
  assert.deepEqual(await client.call('endIt'), ['ORACLE_FAILED', 'the oracle own ended while it was asked'])
  await Promise.all([client.close(), neighbour.close()])
  await host.close()

  // it is there again with the VM, without being named
  const again = await ground.host(storage)
  const later = clientOf(key)
  assert.equal(await later.call('countIt'), 1)
  await later.close()
  assert.equal((await ground.audit(key)).verdict, 'verified')
  await again.close()

  const folder = path.join(storage, 'oracles')
  const [file] = await readdir(folder)
  await writeFile(path.join(folder, file), 'export const count = () => 5')
  const changed = await ground.host(storage)
  assert.deepEqual([changed.refused.length, changed.refused[0].error.code], [1, 'STORAGE_BROKEN'])
  assert.match(changed.refused[0].error.message, /the code of the oracle own.* is not as it was/)
  await changed.close()
  await rm(path.join(folder, file))
})

for (const [name, choices] of [
  ['a name that no release knows', [{ name: 'weather' }]],
  ['a module that does not parse', [{ name: 'own', source: 'export const' }]],
  ['a module that throws', [{ name: 'own', source: 'throw new Error("no")' }]],
  ['a module without functions', [{ name: 'own', source: 'export const a = 5' }]],
  ['a method that cannot be one', [{ name: 'own', source: 'export function then() {}' }]],
  ['two of one name', [{ name: 'clock' }, { name: 'clock' }]]
] as [string, OracleChoice[]][]) {
  test(`an oracle that cannot be added: ${name}`, async () => {
    const host = await ground.host(ground.folder())
    await assert.rejects(deploy(host, DICE, choices), { code: 'USAGE' })
    await host.close()
  })
}

test('a call that needs an oracle does not run without its host', async () => {
  const host = await ground.host(ground.folder())
  const key = await deploy(host, PRICE, [
    { name: 'clock' },
    { name: 'random' },
    { name: 'fetch', scope: ['https://example.com'] }
  ])
  const client = clientOf(key)
  await assert.rejects(client.local.refresh('https://example.com'), { code: 'NO_ORACLE' })
  await client.close()
  await host.close()
})
