// vms serve: deploys, resumes, refuses, and stops.

import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { fixture, World } from '../helpers/cli.js'

test('a ready line says all there is to know', async t => {
  const world = await World.make(t)
  const { ready, running } = await world.serve([fixture('rsvp.js')])
  const [{ key, files, hash, ...line }] = ready
  assert.deepEqual(line, {
    event: 'ready',
    length: 2,
    resumed: false,
    title: 'rsvp',
    methods: ['RSVP'],
    trust: 'trustless'
  })
  for (const one of [key, files]) assert.match(String(one), /^[a-z0-9]{52}$/)
  assert.match(String(hash), /^[0-9a-f]{64}$/)
  const [, network] = await running.json(2)
  assert.deepEqual(network, { event: 'network', online: true, relays: 2, nat: 'open' })
  const { status, stdout, stderr } = await running.stop('SIGTERM')
  assert.deepEqual([status, stdout.split('\n').length, stderr], [0, 3, ''])
})

test('people are told how to call and audit', async t => {
  const world = await World.make(t)
  const host = await world.start('host', 'serve', fixture('counter.js'), '--bootstrap', world.bootstrap)
  await host.until(({ stdout }) => stdout.includes('vms audit'))
  const typed = /^ {2}vms (call --bootstrap \S+ \S+ get …)$/m.exec(host.stdout)![1].replace(' …', '')
  const { status, stdout } = await world.run('alice', ...typed.split(' '))
  assert.deepEqual([status, stdout], [0, '0\n'])
  assert.match(host.stdout, /vms call --bootstrap \S+ \S+ increment …\n/)
})

test('what is deployed already is resumed, as often as it is named', async t => {
  const world = await World.make(t)
  const scripts = [fixture('hello.js'), fixture('hello.js')]
  const first = await world.serve(scripts)
  await first.running.stop()
  const keys = (lines: { key?: unknown }[]) => lines.map(({ key }) => String(key)).sort()

  const again = await world.serve(scripts)
  assert.deepEqual(keys(again.ready), keys(first.ready))
  assert.deepEqual(
    again.ready.map(({ resumed }) => resumed),
    [true, true]
  )
  const { lines } = await again.running.stop()
  assert.equal(lines.filter(({ event }) => event === 'ready').length, 2)

  const resumed = await world.start('host', 'serve', '--json')
  assert.deepEqual(keys(await resumed.json(2)), keys(first.ready))
  await resumed.stop()

  const more = await world.start('host', 'serve', fixture('hello.js'), '--new', '--json')
  assert.deepEqual(
    (await more.json(3)).map(({ resumed }) => resumed),
    [true, true, false]
  )
})

test('a storage admits one host', async t => {
  const world = await World.make(t)
  await world.serve([fixture('hello.js')])
  const second = await world.run('host', 'serve', fixture('hello.js'))
  assert.equal(second.status, 70)
  assert.match(
    second.stderr,
    /^vms: the storage .* is in use by another process: stop it, or use another --storage\n$/
  )
})

test('a VM that cannot be served is reported, and the others are served', async t => {
  const world = await World.make(t)
  const { ready, running } = await world.serve([fixture('hello.js'), fixture('rsvp.js')])
  await running.stop()
  const vms = path.join(await world.home('host'), 'data', 'vms', 'host', 'vms')
  const [hello, rsvp] = ready.map(({ key }) => String(key))
  assert.deepEqual((await readdir(vms)).sort(), [`${hello}.json`, `${rsvp}.json`].sort())
  // a name that no VM of this storage was made with
  await writeFile(path.join(vms, `${hello}.json`), JSON.stringify({ name: 'lost' }))

  const host = await world.start('host', 'serve', '--json')
  const lines = await host.json(2)
  const refused = lines.find(({ event }) => event === 'refused')!
  assert.deepEqual([refused.key, refused.code], [hello, 'STORAGE_BROKEN'])
  assert.equal(lines.find(({ event }) => event === 'ready')!.key, rsvp)
  await host.until(({ stderr }) => stderr.includes(hello))
  assert.match(host.stderr, new RegExp(`^vms: .*${hello}`))
  await host.stop()

  const lost = await readFile(path.join(vms, `${hello}.json`))
  await writeFile(path.join(vms, `${rsvp}.json`), lost)
  const none = await world.run('host', 'serve')
  assert.equal(none.status, 70)
  assert.match(none.stderr, /none of the VMs in .* can be served/)
})

test('the console of a contract goes to stderr, under the key of its VM', async t => {
  const world = await World.make(t)
  await writeFile(
    path.join(await world.home('host'), 'talk.js'),
    `exports.talk = text => console.warn('said', text)`
  )
  const { key, running } = await world.serve(['talk.js'])
  await world.run('alice', 'call', key, 'talk', 'hello')
  await running.until(({ stderr }) => stderr.includes('hello'))
  assert.equal(running.stderr, `${key.slice(0, 8)} #1 warn: said hello\n`)
  const { lines } = await running.stop('SIGINT')
  assert.ok(lines.every(({ event }) => event === 'ready' || event === 'network'))
})

test('a call that never ends is stopped by the watchdog, and not logged', async t => {
  const world = await World.make(t)
  await writeFile(
    path.join(await world.home('host'), 'loop.js'),
    `exports.loop = () => { for (;;) /(a|b)*c/.test('ab'.repeat(99)) }`
  )
  const { key } = await world.serve(['loop.js'], '--gas', String(2 ** 31 - 1), '--watchdog', '7')
  const { status, lines } = await world.run('alice', 'call', key, 'loop', '--json')
  assert.equal(status, 1)
  assert.equal((lines[0].error as { code: string }).code, 'HOST_ABORTED')
  assert.equal((await world.run('alice', 'log', key, '--json')).lines.length, 1)
})
