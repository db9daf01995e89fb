// vms serve --oracle and --fetch: what is deployed with them, and what every command says of it.

import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { fixture, World } from '../helpers/cli.js'

const RATES = fileURLToPath(new URL('../../../fixtures/oracles/rates.mjs', import.meta.url))

test('what a VM is deployed with is shown, logged, verified, and there again', async t => {
  const world = await World.make(t)
  const flags = [
    '--oracle',
    `clock,${RATES}`,
    '--fetch',
    'https://example.com/',
    '--fetch',
    'https://example.com'
  ]
  const { key, ready, running } = await world.serve([fixture('invoice.js')], ...flags)
  const trust = 'semi-trusted: clock, fetch, rates'
  assert.equal(ready[0].trust, trust)
  const call = async (...args: string[]) =>
    (await world.run('alice', 'call', key, ...args, '--json')).lines[0]
  assert.equal((await call('add', '100', 'usd')).value, 80)
  assert.deepEqual((await call('add', '1', 'chf')).error, {
    name: 'Error',
    message: 'no rate for chf',
    code: 'NO_RATE'
  })
  const { lines } = await world.run('alice', 'log', key, '--json')
  const asked = (currency: string, output: object) => [
    { name: 'rates', method: 'euro', inputs: [currency], output }
  ]
  assert.deepEqual(
    lines.map(({ oracles }) => oracles),
    [
      [],
      asked('usd', { value: 1.25 }),
      asked('chf', { error: { name: 'Error', message: 'no rate for chf', code: 'NO_RATE' } })
    ]
  )
  const [info] = (await world.run('alice', 'info', key, '--json')).lines
  assert.equal(info.trust, trust)
  const [clock, fetch, rates] = info.oracles as { name: string; hash: string | null; scope: string[] }[]
  assert.deepEqual([clock.name, clock.hash], ['clock', null])
  assert.deepEqual([fetch.name, fetch.scope], ['fetch', ['https://example.com']])
  assert.match(rates.hash!, /^[0-9a-f]{64}$/)
  await running.stop('SIGKILL')

  const again = await world.start('host', 'serve')
  await again.until(({ stdout }) => stdout.endsWith('\n\n'))
  assert.ok(again.stdout.includes(`\n  ${trust}\n`))
  assert.equal((await call('total')).value, 80)
  const audit = await world.run('eve', 'audit', key, '--json')
  assert.equal(audit.lines[0].verdict, 'verified')
  const session = await world.session('alice', [key], ['await total()'])
  assert.match(session.stdout + session.stderr, new RegExp(trust))
  const local = await world.run('alice', 'call', '--local', key, 'add', '1', 'usd', '--json')
  assert.deepEqual([local.status, (local.lines[0].error as { code: string }).code], [1, 'NO_ORACLE'])
})

test('oracles that make no sense are usage errors', async t => {
  const world = await World.make(t)
  for (const [flags, why] of [
    [['--oracle', 'fetch'], /needs the origins that it may ask: --fetch/],
    [['--oracle', 'weather'], /there is no oracle weather/],
    [['--oracle', 'clock,clock'], /two oracles named clock/],
    [['--fetch', 'example.com'], /example\.com is no origin/],
    [['--fetch', 'https://example.com/path'], /is no origin/]
  ] as [string[], RegExp][]) {
    for (const command of ['serve', 'check']) {
      const { status, stderr } = await world.run('host', command, fixture('hello.js'), ...flags)
      assert.equal(status, 64, stderr)
      assert.match(stderr, why)
    }
  }
  const missing = path.join(world.folder, 'missing.mjs')
  const { status, stderr } = await world.run('host', 'serve', fixture('hello.js'), '--oracle', missing)
  assert.equal(status, 1)
  assert.match(stderr, /there is no file .*missing\.mjs/)
})
