// Contracts that are replaced while they are called: each call runs under the contract that its caller has seen, or not at all.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Calls } from '../../lib/client/calls.js'
import { upgrade } from '../../lib/client/upgrade.js'
import { codeOf, VMSError } from '../../lib/errors.js'
import { Admission } from '../../lib/host/admission.js'
import type { Host } from '../../lib/host/host.js'
import type { Service } from '../../lib/host/service.js'
import { MIGRATE, upgradeArguments, type Contract } from '../../lib/ledger/contract.js'
import type { Request } from '../../lib/ledger/request.js'
import { newestContract } from '../../lib/replica/contract.js'
import type { Replica } from '../../lib/replica/replica.js'
import { Executor } from '../../lib/sandbox/executor.js'
import { ALICE, BOB } from '../helpers/forger.js'
import { Ground } from '../helpers/ground.js'

type CheckExpiry = (this: Admission, request: Request, last: number) => void

const ground = await Ground.open()
const TIMEOUT = 20_000

const FIRST = `
exports.init = async () => { await System.files.writeFile('/n', '0') }
exports.add = async n => {
  const sum = Number(await System.files.readFile('/n')) + n
  await System.files.writeFile('/n', String(sum))
  return 'first'
}`

const SECOND = `
exports.migrate = async () => { await System.files.writeFile('/migrated', 'yes') }
exports.add = async n => {
  const sum = Number(await System.files.readFile('/n')) + n
  await System.files.writeFile('/n', String(sum))
  return 'second'
}
exports.sum = async () => Number(await System.files.readFile('/n'))`

class User {
  constructor(
    readonly replica: Replica,
    readonly calls: Calls
  ) {}

  async call(method: string, ...args: unknown[]): Promise<unknown> {
    return (await this.calls.call(method, args, { timeout: TIMEOUT })).value
  }

  async upgrade(source: string, before?: Contract): Promise<number> {
    const genesis = await this.replica.genesis()
    const inForce = await newestContract(this.replica, TIMEOUT)
    const executor = ground.keep(new Executor())
    const { methods } = await executor.inspect(source)
    const contract = { source, methods }
    const { block } = await upgrade(
      this.calls,
      genesis,
      before ? { block: 0, ...before } : inForce,
      contract,
      { timeout: TIMEOUT }
    )
    return block
  }
}

async function user(key: Uint8Array, keyPair = ALICE): Promise<User> {
  const replica = ground.replica(key)
  await replica.ready()
  await replica.sync(TIMEOUT)
  return new User(replica, new Calls(replica, keyPair))
}

async function deployed(source = FIRST, host?: Host): Promise<Service> {
  host ??= await ground.host(ground.folder())
  return host.deploy({ source, title: 'upgraded', owner: ALICE, upgrade: 'owner' })
}

test('calls in flight run under the contract that they have seen, or are told that it changed', async () => {
  const { key } = await deployed()
  const [alice, bob] = [await user(key), await user(key, BOB)]
  const counted = { first: 0, second: 0, changed: 0 }
  const call = async () => {
    try {
      counted[(await bob.call('add', 1)) as 'first' | 'second']++
    } catch (error) {
      if (codeOf(error) !== 'CONTRACT_CHANGED') throw error
      counted.changed++
    }
  }
  await call()
  const calls = Array.from({ length: 300 }, call)
  await alice.upgrade(SECOND)
  calls.push(...Array.from({ length: 50 }, call))
  await Promise.all(calls)
  await call()
  assert.equal(counted.first + counted.second + counted.changed, 352)
  assert.ok(counted.first >= 1 && counted.second >= 1, JSON.stringify(counted))
  assert.equal(await bob.call('sum'), counted.first + counted.second)
  const { verdict, findings } = await ground.audit(key)
  assert.equal(verdict, 'verified', JSON.stringify(findings))
})

const REFUSED: [string, string, string, RegExp][] = [
  [
    'migrate throws',
    `exports.migrate = () => { throw new Error('no') }`,
    'INVALID_CONTRACT',
    /migrate failed: no/
  ],
  ['migrate runs without end', `exports.migrate = () => { for (;;); }`, 'INVALID_CONTRACT', /gas/],
  [
    'migrate throws after it has written',
    `exports.migrate = async () => { await System.files.writeFile('/n', 'gone'); throw new Error('no') }`,
    'INVALID_CONTRACT',
    /no/
  ],
  ['it cannot be loaded', 'exports.add = (', 'INVALID_CONTRACT', /cannot be loaded/],
  [
    'it asks oracles that genesis does not list',
    'throw new Error("x")',
    'INVALID_CONTRACT',
    /cannot be loaded/
  ]
]

test('an upgrade that fails changes nothing, and the next one is taken', async () => {
  const service = await deployed()
  const alice = await user(service.key)
  for (const [name, source, code, says] of REFUSED) {
    const { length } = service.machine.head
    await assert.rejects(alice.upgrade(source), (error: Error) => {
      assert.deepEqual([name, codeOf(error)], [name, code])
      assert.match(error.message, says)
      return true
    })
    assert.equal(await alice.call('add', 1), 'first')
    assert.equal(service.machine.head.length, length + 1)
  }
  await alice.upgrade(SECOND)
  assert.equal(await alice.call('sum'), REFUSED.length)
  assert.equal((await ground.audit(service.key)).verdict, 'verified')
})

test('only the owner replaces the contract, and what was seen of it must be in force', async () => {
  const service = await deployed()
  const [alice, bob] = [await user(service.key), await user(service.key, BOB)]
  const { length } = service.machine.head
  await assert.rejects(bob.upgrade(SECOND), { code: 'FORBIDDEN' })
  await assert.rejects(alice.call(MIGRATE, 1), { code: 'BAD_REQUEST' })
  const args = upgradeArguments(service.machine.contract, { source: SECOND, methods: ['add'] })
  await assert.rejects(alice.call(MIGRATE, ...args), { code: 'INVALID_CONTRACT' }) // it exports more
  const stale = { source: 'exports.x = 1', methods: ['x'] }
  await assert.rejects(alice.upgrade(SECOND, stale), { code: 'CONTRACT_CHANGED' })
  await assert.rejects(alice.upgrade(FIRST), { code: 'USAGE' })
  assert.equal(service.machine.head.length, length)
  // two at once: one is, and the other hears of it
  const outcomes = await Promise.allSettled([alice.upgrade(SECOND), alice.upgrade(SECOND + '\n')])
  assert.deepEqual(outcomes.map(one => (one.status === 'fulfilled' ? 'done' : codeOf(one.reason))).sort(), [
    'CONTRACT_CHANGED',
    'done'
  ])
})

test('a list of methods that only reads like the right one is refused', async () => {
  const service = await deployed()
  const alice = await user(service.key)
  const source = `exports.migrate = () => { throw new Error('no') }\nexports.a = () => 1`
  const args = upgradeArguments(service.machine.contract, { source, methods: ['a,migrate'] })
  await assert.rejects(alice.call(MIGRATE, ...args), { code: 'INVALID_CONTRACT' })
})

test('a call that waited while the contract was replaced is not signed again for the new one', async t => {
  const service = await deployed()
  const [alice, bob] = [await user(service.key), await user(service.key, BOB)]
  await bob.call('add', 1)
  // the host refuses it as too old, which it may be after a while, and meanwhile the contract was replaced
  const check = Object.getOwnPropertyDescriptor(Admission.prototype, 'checkExpiry')!.value as CheckExpiry
  let refuse = true
  t.mock.method(
    Admission.prototype,
    'checkExpiry',
    function (this: Admission, request: Request, last: number) {
      if (refuse && request.method === 'add') throw new VMSError('STALE', 'too old')
      check.call(this, request, last)
    }
  )
  const call = bob.call('add', 1)
  const ended = assert.rejects(call, { code: 'CONTRACT_CHANGED' })
  await alice.upgrade(SECOND)
  refuse = false
  await ended
  assert.equal(await alice.call('sum'), 1)
})

test('where nobody may replace the contract, nobody does', async () => {
  const host = await ground.host(ground.folder())
  const { key } = await host.deploy({ source: FIRST, title: 'fixed', owner: ALICE })
  const alice = await user(key)
  await assert.rejects(alice.upgrade(SECOND), { code: 'FORBIDDEN' })
  const args = upgradeArguments({ source: FIRST, methods: [] }, { source: SECOND, methods: [] })
  await assert.rejects(alice.call(MIGRATE, ...args), { code: 'NO_SUCH_METHOD' })
})

test('a host that starts again runs the contract that is in force', async () => {
  const storage = ground.folder()
  const host = await ground.host(storage)
  const { key } = await deployed(FIRST, host)
  const alice = await user(key)
  assert.equal(await alice.call('add', 5), 'first')
  const block = await alice.upgrade(SECOND)
  await host.close()
  const again = await ground.host(storage)
  const [service] = again.services.values()
  assert.deepEqual([service.machine.contract.block, service.machine.contract.source], [block, SECOND])
  assert.equal(await alice.call('add', 1), 'second')
  assert.equal(await alice.call('sum'), 6)
  await again.close()
  assert.deepEqual((await newestContract(alice.replica, TIMEOUT)).block, block)
})
