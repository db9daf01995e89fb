// Whatever a contract tries, each call ends in the way that the table says, and the next one is none the worse for it.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Executor } from '../../../lib/sandbox/executor.js'
import { decodeValue, encodeValue } from '../../../lib/ledger/values.js'
import { Pool } from '../../../lib/sandbox/pool.js'
import { World, type Ended } from '../helper.js'
import { contractOf, ESCAPES, RESOURCES, RESULTS, type Snippet } from './snippets.js'

const GAS = 10_000_000

const WATCHDOG = 120_000 // no outcome here may come from it

const shared = new Executor({ watchdog: WATCHDOG })
after(() => shared.close())

interface Run {
  ended: Ended[]
  gas: number[]
}

const runs = new Map<Snippet[], Run>()

async function run(executor: Executor, snippets: Snippet[]): Promise<Run> {
  const source = `${contractOf(snippets)}\nexports.well = async (...args) => args`
  const ended: Ended[] = []
  const gas: number[] = []
  for (const [i, { name }] of snippets.entries()) {
    const world = new World(executor, source)
    world.files.set('/present', 'x')
    const args = [{}, new Uint8Array(2)]
    const count = await world.batch({ method: `m${i}`, args }, { method: 'well', args: [i] })
    assert.equal(count, 2, `${name}: killed`)
    assert.deepEqual(world.ended[1], { value: [i] }, `after ${name}`)
    ended.push(world.ended[0])
    gas.push(world.gas[0])
  }
  return { ended, gas }
}

function check({ name, ends }: Snippet, ended: Ended, gas: number) {
  const shown = `${name}: ${JSON.stringify(ended)}`
  assert.ok(gas <= GAS, shown)
  if ('value' in ends) {
    assert.deepEqual(ended, { value: decodeValue(encodeValue(ends.value)) }, shown)
  } else if ('code' in ends) {
    assert.equal('value' in ended ? null : ended.code, ends.code, shown)
    if (ends.code === 'OUT_OF_GAS') assert.equal(gas, GAS, shown)
  } else {
    assert.match('value' in ended ? '' : ended.message, ends.message, shown)
  }
}

for (const [what, snippets] of Object.entries({ escapes: ESCAPES, results: RESULTS, resources: RESOURCES })) {
  test(what, async () => {
    const { ended, gas } = await run(shared, snippets)
    runs.set(snippets, { ended, gas })
    for (const [i, snippet] of snippets.entries()) check(snippet, ended[i], gas[i])
  })
}

test('in another process, and in another order, it ends in the same way and for the same gas', async t => {
  const pool = new Pool({ size: 1 })
  const other = new Executor({ watchdog: WATCHDOG, pool })
  t.after(() => other.close())
  const reversed = [...RESULTS].reverse()
  const { ended, gas } = await run(other, reversed)
  assert.deepEqual({ ended: ended.reverse(), gas: gas.reverse() }, runs.get(RESULTS))
  if (process.env.VMS_TEST_FULL) assert.deepEqual(await run(other, RESOURCES), runs.get(RESOURCES))
})
