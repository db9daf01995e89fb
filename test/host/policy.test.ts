// Whom a host serves, and how much each may have.

import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import type { ErrorCode } from '../../lib/errors.js'
import { VMSError } from '../../lib/errors.js'
import { Policy, type PolicyOptions } from '../../lib/host/policy.js'
import { encodeKey } from '../../lib/ledger/keys.js'
import { DEFAULT_LIMITS } from '../../lib/machine/genesis.js'
import { IdList } from '../../lib/user/ids.js'
import { hashOf } from '../ledger/helper.js'

const [alice, bob] = ['alice', 'bob'].map(name => encodeKey(hashOf(name)))
const list = (...ids: string[]) => new IdList('--allow', [ids.join()], () => {})

function refusal(action: () => void): ErrorCode | null {
  try {
    action()
    return null
  } catch (error) {
    assert.ok(error instanceof VMSError, String(error))
    return error.code
  }
}

for (const [what, options, forAlice, forBob] of [
  ['nothing is said', {}, null, null],
  ['some are allowed', { allow: list(alice) }, null, 'FORBIDDEN'],
  ['some are denied', { deny: list(bob) }, null, 'FORBIDDEN'],
  ['one is both', { allow: list(alice, bob), deny: list(bob) }, null, 'FORBIDDEN']
] as [string, PolicyOptions, ErrorCode | null, ErrorCode | null][]) {
  test(`who may call: ${what}`, () => {
    const policy = new Policy(options)
    assert.deepEqual(
      [refusal(() => policy.admit(alice, 100)), refusal(() => policy.admit(bob, 100))],
      [forAlice, forBob]
    )
    assert.equal(
      refusal(() => policy.admitDeployment(alice, { vms: 1000, bytes: 0 })),
      null
    )
  })
}

test('who may deploy, and how much', () => {
  const policy = new Policy({ deployers: list(alice), vmsPerOwner: 2 })
  assert.equal(
    refusal(() => policy.admit(bob, 100)),
    null
  )
  assert.equal(
    refusal(() => policy.admitDeployment(bob, { vms: 0, bytes: 0 })),
    'FORBIDDEN'
  )
  assert.equal(
    refusal(() => policy.admitDeployment(alice, { vms: 1, bytes: 0 })),
    null
  )
  assert.equal(
    refusal(() => policy.admitDeployment(alice, { vms: 2, bytes: 0 })),
    'QUOTA'
  )
})

test('calls a minute: those of one caller are not those of another, and come back with time', t => {
  let now = 0
  mock.method(performance, 'now', () => now)
  t.after(() => mock.restoreAll())
  const policy = new Policy({ callsPerMinute: 30 })
  for (let i = 0; i < 30; i++)
    assert.equal(
      refusal(() => policy.admit(alice, 100)),
      null
    )
  assert.throws(() => policy.admit(alice, 100), /30 calls a minute of a caller: try again in 2 s/)
  assert.equal(
    refusal(() => policy.admit(bob, 100)),
    null
  )
  now += 2000
  assert.equal(
    refusal(() => policy.admit(alice, 100)),
    null
  )
  assert.equal(
    refusal(() => policy.admit(alice, 100)),
    'QUOTA'
  )
  // who calls once is forgotten in time, who goes on calling is not
  for (let i = 0; i < 20_000; i++) {
    policy.admit(`stranger ${i}`, 100)
    if (i % 1000 === 0)
      assert.equal(
        refusal(() => policy.admit(alice, 100)),
        'QUOTA'
      )
  }
})

test('bytes a minute: of all requests of one caller, whatever else is refused', t => {
  let now = 0
  mock.method(performance, 'now', () => now)
  t.after(() => mock.restoreAll())
  const policy = new Policy({ bytesPerMinute: 6000, callsPerMinute: 3 })
  assert.throws(
    () => policy.admit(alice, 6001),
    /6 kB of requests a minute .*, this one has 6 kB: make it smaller/
  )
  policy.admit(alice, 5000)
  assert.throws(
    () => policy.admit(alice, 1500),
    /takes 6 kB of requests a minute of a caller: try again in 5 s/
  )
  policy.admit(bob, 6000)
  policy.admit(alice, 1000) // what was refused counts for nothing
  now += 1000
  assert.throws(() => policy.admit(alice, 101), /try again in 1 s/)
  policy.admit(alice, 100)
  assert.throws(() => policy.admit(alice, 1), /3 calls a minute/)
  now += 20_000
  policy.admit(alice, 2000)
})

test('when to try again is when it is granted', t => {
  let now = 0
  mock.method(performance, 'now', () => now)
  t.after(() => mock.restoreAll())
  for (const callsPerMinute of [1, 7, 11, 59, 60, 61, 997]) {
    const policy = new Policy({ callsPerMinute })
    for (let i = 0; i < callsPerMinute; i++) policy.admit(alice, 1)
    for (let i = 0; i < 100; i++) {
      const [, seconds] = /try again in (\d+) s$/.exec(messageOf(() => policy.admit(alice, 1)))!
      now += Number(seconds) * 1000
      policy.admit(alice, 1)
      while (refusal(() => policy.admit(alice, 1)) === null); // what came back beside it
      now += 0.1
    }
  }
})

test('bytes of an owner, and gas that a deployer asks for', () => {
  const policy = new Policy({ bytesPerOwner: 1000, maxGas: 500 })
  const owned = { vms: 3, bytes: 900 }
  for (const [expected, action] of [
    [null, () => policy.admitBytes(alice, owned)],
    [null, () => policy.admitBytes(alice, owned, 100)],
    ['QUOTA', () => policy.admitBytes(alice, owned, 101)],
    [null, () => policy.admitDeployment(alice, owned, { bytes: 100, gas: 500 })],
    ['QUOTA', () => policy.admitDeployment(alice, owned, { bytes: 101 })],
    ['QUOTA', () => policy.admitDeployment(alice, owned, { gas: 501 })]
  ] as [ErrorCode | null, () => void][])
    assert.equal(refusal(action), expected)
  assert.equal(new Policy().limitsOfOthers({}).gas, DEFAULT_LIMITS.gas)
  assert.equal(policy.limitsOfOthers({}).gas, 500)
  assert.equal(policy.limitsOfOthers({ gas: 400 }).gas, 400)
  assert.equal(policy.limits({}).gas, DEFAULT_LIMITS.gas) // the operator's own
  assert.equal(policy.limits({}).fileBytes, DEFAULT_LIMITS.fileBytes)
  assert.equal(new Policy({ maxFileBytes: 10 }).limits({}).fileBytes, 10)
})

function messageOf(action: () => void): string {
  try {
    action()
    return ''
  } catch (error) {
    return String(error)
  }
}
