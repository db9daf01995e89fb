// No false accusation: whatever callers, contracts and restarts do to an honest host, its log is verified, however it is
// audited (histories.ts). VMS_TEST_RUNS asks for more histories than a few (VMS_TEST_FULL for so many that they hold 10,000
// commits), VMS_TEST_SEED for those from a seed on; where one fails, its seed is printed.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Held, Outcomes } from './histories.js'

const HISTORIES = fileURLToPath(new URL('./histories.js', import.meta.url))

/** Every way in which a call can end that is logged. */
const OUTCOMES = [
  'value',
  'Error EINVAL',
  'Error ENOENT',
  'Error EISDIR',
  'Error ENOTDIR',
  'Error EFBIG',
  'Error NEVER_SETTLES',
  'LimitError STACK_DEPTH',
  'LimitError OUT_OF_GAS',
  'LimitError LIMIT',
  'TypeError',
  'TypeError CODE',
  'TypeError INVALID_VALUE',
  'Error NO_DICE',
  'asked oracles',
  'upgraded'
]

const PROCESSES = 2

const { VMS_TEST_FULL, VMS_TEST_RUNS = VMS_TEST_FULL ? '208' : '4', VMS_TEST_SEED = '1' } = process.env
const [first, runs] = [Number(VMS_TEST_SEED), Number(VMS_TEST_RUNS)]

async function histories(from: number, count: number): Promise<Held> {
  const { stdout } = await promisify(execFile)(process.execPath, [HISTORIES, String(from), String(count)])
  return JSON.parse(stdout) as Held
}

test(`${runs} random histories of an honest host are verified`, async t => {
  const share = Math.ceil(runs / PROCESSES)
  const starts = Array.from({ length: Math.ceil(runs / share) }, (_, i) => i * share)
  const start = performance.now()
  const held = await Promise.all(starts.map(at => histories(first + at, Math.min(share, runs - at))))
  const seconds = ((performance.now() - start) / 1000).toFixed()
  const sum = (of: (one: Held) => number) => held.reduce((all, one) => all + of(one), 0)
  const commits = sum(one => one.commits)
  t.diagnostic(`seeds ${first} to ${first + runs - 1}: ${commits} commits in ${runs} histories, ${seconds} s`)
  const outcomes: Outcomes = {}
  for (const name of new Set(held.flatMap(one => Object.keys(one.outcomes)))) {
    outcomes[name] = sum(one => one.outcomes[name] ?? 0)
    t.diagnostic(`${outcomes[name]} × ${name}`)
  }
  assert.equal(
    sum(one => one.histories),
    runs
  )
  if (!VMS_TEST_FULL) return
  assert.ok(commits >= 10_000, `${commits} commits`)
  assert.deepEqual(
    OUTCOMES.filter(name => !(outcomes[name] > 0)),
    []
  )
})
