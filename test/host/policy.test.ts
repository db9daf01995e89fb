// Whom a host serves, and how much each may have.

import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import type { ErrorCode } from '../../lib/errors.js'
import { VMSError } from '../../lib/errors.js'
import { Policy, type PolicyOptions } from '../../lib/host/policy.js'
import { encodeKey } from '../../lib/ledger/keys.js'
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
      [refusal(() => policy.admit(alice)), refusal(() => policy.admit(bob))],
      [forAlice, forBob]
    )
    assert.equal(
      refusal(() => policy.admitDeployment(alice, 1000)),
      null
    )
  })
}

test('who may deploy, and how much', () => {
  const policy = new Policy({ deployers: list(alice), vmsPerOwner: 2 })
  assert.equal(
    refusal(() => policy.admit(bob)),
    null
  )
  assert.equal(
    refusal(() => policy.admitDeployment(bob, 0)),
    'FORBIDDEN'
  )
  assert.equal(
    refusal(() => policy.admitDeployment(alice, 1)),
    null
  )
  assert.equal(
    refusal(() => policy.admitDeployment(alice, 2)),
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
      refusal(() => policy.admit(alice)),
      null
    )
  assert.throws(() => policy.admit(alice), /30 calls a minute of a caller: try again in 2 s/)
  assert.equal(
    refusal(() => policy.admit(bob)),
    null
  )
  now += 2000
  assert.equal(
    refusal(() => policy.admit(alice)),
    null
  )
  assert.equal(
    refusal(() => policy.admit(alice)),
    'QUOTA'
  )
  // who calls once is forgotten in time, who goes on calling is not
  for (let i = 0; i < 20_000; i++) {
    policy.admit(`stranger ${i}`)
    if (i % 1000 === 0)
      assert.equal(
        refusal(() => policy.admit(alice)),
        'QUOTA'
      )
  }
})
