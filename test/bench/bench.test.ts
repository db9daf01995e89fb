import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { test } from 'node:test'
import b4a from 'b4a'
import { Ground } from './ground.js'
import { HostProcess, killAll } from './host.js'
import { Load } from './load.js'
import type { Row } from './measure.js'
import { auditAndCompare, BrokenPromise, proveUnder } from './prove.js'

const RUN = fileURLToPath(new URL('./run.js', import.meta.url))

/** All but the other systems, which have to be fetched, and growth, which takes hours. */
const PARTS = process.env.VMS_TEST_FULL
  ? ['calls', 'audits', 'start', 'watch', 'vms', 'fairness', 'sandbox']
  : ['calls']

const SMALL = {
  BENCH_SECONDS: '0.5',
  BENCH_CALLS: '200',
  BENCH_FILES: '50',
  BENCH_VMS: '5',
  BENCH_BLOCKS: '10,20'
}

test('benchmarks print their rows as JSON, and a table beside it', async t => {
  const options = { env: { ...process.env, ...SMALL }, signal: t.signal }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [RUN, ...PARTS], options)
  const { machine, rows } = JSON.parse(stdout) as { machine: { cores: number }; rows: Row[] }
  assert.ok(machine.cores > 0)
  for (const { work, value, unit, conditions } of rows) {
    assert.ok(Number.isFinite(value), work)
    assert.ok(unit !== '' && conditions !== '', work)
    assert.ok(stderr.includes(work))
  }
  const one = rows.find(({ work }) => work === 'RSVP calls, one at a time')
  assert.ok(one!.latency!.p50 <= one!.latency!.p99)
})

test('what was acknowledged and is not in the log as it was is noticed', async t => {
  const ground = await Ground.make()
  t.after(async () => {
    killAll()
    await ground.close()
  })
  const first = await HostProcess.deploy(ground, 'host')
  const load = await Load.open({ key: first.key, nodes: ground.nodes, folder: ground.path('callers') })
  const { acknowledged } = load
  const { host, audited } = await proveUnder(ground, first, load)
  assert.ok(audited.checked > acknowledged.count) // init, and what nobody was told of
  acknowledged.add(audited.checked, b4a.alloc(32, 1))
  await assert.rejects(auditAndCompare(ground, host.key, acknowledged), BrokenPromise)
})
