// The factory of a host: what it takes as the owner's signature, and what a deployer takes from a host.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import b4a from 'b4a'
import { Calls } from '../../lib/client/calls.js'
import { deploy, type Deploying } from '../../lib/client/deploy.js'
import { CallError } from '../../lib/client/errors.js'
import { VMSError } from '../../lib/errors.js'
import type { Genesis } from '../../lib/ledger/blocks.js'
import { encodeKey, decodeKey, deriveKeys } from '../../lib/ledger/keys.js'
import type { Value } from '../../lib/ledger/values.js'
import { genesisOf, requestInit } from '../../lib/machine/genesis.js'
import type { Draft } from '../../lib/host/factory.js'
import { ALICE, BOB } from '../helpers/forger.js'
import { VMS as COMMAND } from '../helpers/cli.js'
import { Ground } from '../helpers/ground.js'

const ground = await Ground.open()
const TIMEOUT = { timeout: 20_000 }
const HELLO: Deploying = { source: 'exports.hello = name => name', methods: ['hello'], title: 'hello' }

const host = await ground.host(ground.folder())
const factory = await host.factory(BOB)
const callsOf = (keyPair: typeof ALICE) => new Calls(ground.replica(factory.key), keyPair)
const [alice, bob] = [callsOf(ALICE), callsOf(BOB)]

const code = (code: string) => (error: unknown) => {
  assert.ok(error instanceof CallError, String(error))
  assert.equal(error.thrown.code, code, error.thrown.message)
  return true
}

/** What a deployer has in hand between the two steps. */
async function prepared(calls = alice, owner = ALICE) {
  const { source, methods, title } = HELLO
  const { value } = await calls.call('prepare', [source, { title }], TIMEOUT)
  const draft = value as unknown as Draft
  const keys = deriveKeys(draft.publicKey)
  const genesis: Genesis = genesisOf(
    { source, methods, title, limits: draft.limits, factory: factory.key },
    keys.db,
    owner.publicKey
  )
  return {
    key: keys.log,
    id: encodeKey(keys.log),
    genesis,
    sign: (one = genesis) => requestInit(one, keys.log, owner)
  }
}

test('the factory of a host is one, however often it is asked for', async () => {
  assert.equal(await host.factory(ALICE), factory)
})

test('who deploys owns the VM, and a start that is repeated is the same', async () => {
  const { id, sign } = await prepared()
  const { signed } = sign()
  const start = () => alice.call('start', [id, signed.bytes, signed.signature], TIMEOUT)
  assert.equal((await start()).value, id)
  await alice.call('stop', [id], TIMEOUT)
  assert.equal((await start()).value, id)
  const listed = (await alice.call('list', [], TIMEOUT)).value as { key: string; state: string }[]
  assert.deepEqual(
    listed.map(({ key, state }) => [key, state]),
    [[id, 'stopped']]
  )
  assert.ok(b4a.equals(host.services.get(id)!.machine.genesis.owner, ALICE.publicKey))
  await alice.call('remove', [id], TIMEOUT)
  assert.equal(host.services.has(id), false)
  await assert.rejects(start(), code('NO_SUCH_VM'))
})

test('what a host deploys without logging it is told to everybody; before anybody called it, it did not happen', async () => {
  const storage = ground.folder()
  const lying = await ground.host(storage)
  const { key } = await lying.factory(BOB)
  const { source, title } = HELLO
  const hidden = await lying.prepare(ALICE.publicKey, { source, title, factory: key })
  await lying.start(hidden, requestInit(hidden.genesis, hidden.key, ALICE))
  const called = await lying.prepare(ALICE.publicKey, { source, title, factory: key })
  await lying.start(called, requestInit(called.genesis, called.key, ALICE))
  await new Calls(ground.replica(called.key), ALICE).call(HELLO.methods[0], [], TIMEOUT)
  const calls = new Calls(ground.replica(key), ALICE)
  const logged = await deploy(calls, ALICE, HELLO, TIMEOUT)
  const listed = async (vm: Uint8Array) => {
    const args = [COMMAND, 'info', encodeKey(vm), '--json', '--bootstrap', ground.bootstrap.join()]
    const env = { ...process.env, XDG_DATA_HOME: ground.folder(), XDG_CONFIG_HOME: ground.folder() }
    const { stdout } = await promisify(execFile)(process.execPath, args, { env })
    const info = JSON.parse(stdout) as { factory: string; listed: boolean }
    assert.equal(info.factory, encodeKey(key))
    return info.listed
  }
  assert.deepEqual([await listed(hidden.key), await listed(logged.key)], [false, true])
  await lying.close()
  const problems: string[] = []
  const again = await ground.host(storage, { onproblem: problem => problems.push(problem) })
  const left = [key, logged.key, called.key].map(one => encodeKey(one))
  assert.deepEqual([...again.services.keys()].sort(), left.sort())
  assert.equal(problems.length, 1)
  assert.match(problems[0], new RegExp(`^${encodeKey(called.key)} is served, and the log of the factory`))
  await again.close()
})

test('what is not the owner’s signature of what was prepared starts nothing', async () => {
  const mine = await prepared()
  const other = await prepared()
  const { signed } = mine.sign()
  const tries: [string, typeof alice, Value[]][] = [
    ['BAD_REQUEST', bob, [mine.id, signed.bytes, signed.signature]],
    ['BAD_REQUEST', alice, [other.id, signed.bytes, signed.signature]],
    ['BAD_REQUEST', alice, [mine.id, signed.bytes, b4a.alloc(64)]],
    ['BAD_REQUEST', alice, [mine.id, b4a.alloc(100), signed.signature]],
    ['BAD_REQUEST', alice, [mine.id, 'text', signed.signature]],
    ['BAD_REQUEST', alice, [mine.id]],
    ['NO_SUCH_VM', alice, [encodeKey(b4a.alloc(32, 9)), signed.bytes, signed.signature]],
    ['NO_SUCH_VM', alice, [5, signed.bytes, signed.signature]]
  ]
  const another = mine.sign({ ...mine.genesis, title: 'another' }).signed
  tries.push(['BAD_SIGNATURE', alice, [mine.id, another.bytes, another.signature]])
  for (const [expected, calls, args] of tries)
    await assert.rejects(calls.call('start', args, TIMEOUT), code(expected), expected)
  assert.equal(host.services.has(mine.id), false)
})

test('who prepares again and again does not keep others from it', async () => {
  const first = await prepared()
  for (let i = 0; i < 70; i++) await prepared()
  const { signed } = first.sign()
  await assert.rejects(
    alice.call('start', [first.id, signed.bytes, signed.signature], TIMEOUT),
    code('NO_SUCH_VM')
  )
  await prepared(bob, BOB)
})

for (const [what, ...args] of [
  ['no source'],
  ['a source that is no text', 5],
  ['options that are none', 'exports.a = 1', 'x'],
  ['a title that is no text', 'exports.a = () => 1', { title: 5 }],
  ['a long title', 'exports.a = () => 1', { title: 'x'.repeat(201) }],
  ['other limits', 'exports.a = () => 1', { limits: { window: 5 } }],
  ['much gas', 'exports.a = () => 1', { limits: { gas: 2 ** 31 } }],
  ['no gas', 'exports.a = () => 1', { limits: { gas: 0 } }],
  ['oracles that are no list', 'exports.a = () => 1', { oracles: 'clock' }]
] as [string, ...Value[]][]) {
  test(`what cannot be prepared: ${what}`, async () => {
    await assert.rejects(alice.call('prepare', args, TIMEOUT), code('EINVAL'))
  })
}

test('a contract that cannot be deployed is refused before anybody signs', async () => {
  await assert.rejects(alice.call('prepare', ['exports.a = 1', {}], TIMEOUT), code('INVALID_CONTRACT'))
})

for (const [what, lie] of [
  ['other methods', draft => void draft.methods.push('steal')],
  ['an oracle', draft => void draft.oracles.push({ name: 'clock', methods: ['now'], hash: null, scope: [] })],
  ['other limits than there can be', draft => void (draft.limits.window = 10 ** 9)],
  ['other gas', draft => void (draft.limits.gas = 5)],
  ['no key', draft => void (draft.publicKey = b4a.alloc(5))],
  ['no limits', draft => void (draft.limits = null as never)],
  ['no runtime', draft => void (draft.runtime = {})],
  ['an oracle without methods', draft => void draft.oracles.push({} as never)]
] as [string, (draft: Draft) => void][]) {
  test(`a host that would deploy something else gets no signature: ${what}`, async () => {
    let started = false
    const lying = {
      call: async (method: string, args: unknown[]) => {
        if (method === 'start') started = true
        const result = await alice.call(method, args, TIMEOUT)
        lie(result.value as unknown as Draft)
        return result
      }
    } as unknown as Calls
    await assert.rejects(deploy(lying, ALICE, { ...HELLO, gas: 10_000_000 }), (error: unknown) => {
      assert.ok(error instanceof VMSError, String(error))
      assert.equal(error.code, 'BAD_HOST', error.message)
      return true
    })
    assert.equal(started, false)
  })
}

const VMS = process.env.VMS_TEST_FULL === '1' ? 200 : 20

test(
  `${VMS} VMs of one host are all there after it was restarted, and verified`,
  { timeout: 600_000 },
  async () => {
    const storage = ground.folder()
    const first = await ground.host(storage)
    const { key } = await first.factory(BOB)
    const calls = new Calls(ground.replica(key), ALICE)
    const source = `exports.add = async n => {
    let sum = n
    try { sum += Number(await System.files.readFile('/sum')) } catch {}
    await System.files.writeFile('/sum', String(sum))
    return sum
  }`
    const sums = new Map<string, number>()
    for (let i = 0; i < VMS; i++) {
      const wanted = { source, methods: ['add'], title: `number ${i}` }
      sums.set(encodeKey((await deploy(calls, ALICE, wanted, TIMEOUT)).key), 0)
    }
    const keys = [...sums.keys()]
    const addTo = async (id: string, n: number) => {
      const replica = ground.replica(decodeKey(id))
      const { value } = await new Calls(replica, BOB).call('add', [n], TIMEOUT)
      sums.set(id, sums.get(id)! + n)
      assert.equal(value, sums.get(id))
      await replica.close()
    }
    for (let i = 0; i < VMS; i++) await addTo(keys[(i * 7) % VMS], i + 1)
    await first.close()

    const second = await ground.host(storage)
    assert.equal(second.services.size, VMS + 1)
    for (let i = 0; i < VMS; i += 5) await addTo(keys[i], 1)
    for (const id of keys) assert.equal((await ground.audit(decodeKey(id))).verdict, 'verified')
    const { verdict, calls: told } = await ground.audit(key)
    assert.deepEqual([verdict, told], ['verified', 1 + 2 * VMS])
    await second.close()
  }
)
