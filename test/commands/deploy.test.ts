// vms deploy, list, stop, resume and remove: VMs on somebody else's host, whose factory's log says what happened.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { fixture, World, type Ended } from '../helpers/cli.js'

const idOf = async (world: World, user: string) => (await world.run(user, 'identity')).stdout.split('\n')[0]

function ok({ status, stderr, lines }: Ended) {
  assert.equal(status, 0, stderr)
  return lines[0]
}

function refused({ status, stderr }: Ended, why: RegExp): void {
  assert.equal(status, 1, stderr)
  assert.match(stderr, why)
}

test('a VM on another host: deployed, called, stopped, resumed, removed, and all of it audited', async t => {
  const world = await World.make(t)
  const host = await world.start('host', 'serve', '--factory', '--oracle', 'clock', '--json')
  const [ready] = await host.json(1)
  const factory = String(ready.key)
  assert.deepEqual([ready.title, ready.trust], ['factory', 'semi-trusted: vms'])

  const deployed = ok(await world.run('alice', 'deploy', fixture('counter.js'), '--host', factory, '--json'))
  const key = String(deployed.key)
  assert.deepEqual([deployed.event, deployed.host, deployed.trust], ['deployed', factory, 'trustless'])
  const [alice, bob] = [await idOf(world, 'alice'), await idOf(world, 'bob')]
  const info = ok(await world.run('bob', 'info', key, '--json'))
  assert.deepEqual([info.owner, info.title, info.factory, info.listed], [alice, 'counter', factory, true])
  assert.equal(ok(await world.run('bob', 'call', key, 'increment', '5', '--json')).value, 5)

  await writeFile(
    path.join(await world.home('bob'), 'watch.js'),
    'exports.now = () => System.oracles.clock.now()'
  )
  const second = ok(
    await world.run('bob', 'deploy', 'watch.js', '--host', factory, '--oracle', 'clock', '--json')
  )
  assert.equal(second.trust, 'semi-trusted: clock')
  const now = ok(await world.run('alice', 'call', String(second.key), 'now', '--json')).value as number
  assert.ok(Math.abs(now - Date.now()) < 60_000)
  const listed = await world.run('carol', 'list', factory, '--json')
  assert.deepEqual(
    listed.lines.map(({ key, owner, title, state }) => [key, owner, title, state]).sort(),
    [
      [key, alice, 'counter', 'running'],
      [second.key, bob, 'watch', 'running']
    ].sort()
  )

  refused(await world.run('bob', 'stop', key, '--host', factory), /only the owner .* \(FORBIDDEN\)/)
  assert.equal((await world.run('bob', 'stop', key)).status, 64) // whose host it is, only alice knows
  ok(await world.run('alice', 'stop', key))
  refused(await world.run('bob', 'call', key, 'increment'), /was stopped: it takes no calls/)
  assert.equal((await world.run('bob', 'files', key, 'cat', '/counter.json')).stdout, '5')

  // it stays so, whatever becomes of the host
  await host.stop('SIGKILL')
  const again = await world.start('host', 'serve', '--factory', '--oracle', 'clock', '--json')
  const back = await again.json(3)
  assert.deepEqual(back.map(({ key }) => key).sort(), [factory, key, second.key].sort())
  refused(await world.run('dave', 'call', key, 'increment'), /was stopped/)
  ok(await world.run('alice', 'resume', key))
  assert.equal(ok(await world.run('dave', 'call', key, 'increment', '--json')).value, 6)

  // the operator may end what others have deployed; nobody may end the factory
  ok(await world.run('host', 'remove', String(second.key), '--host', factory))
  refused(await world.run('host', 'stop', factory, '--host', factory), /NO_SUCH_VM/)
  refused(
    await world.run('bob', 'resume', String(second.key), '--host', factory),
    /was removed \(NO_SUCH_VM\)/
  )
  const gone = await world.run('erin', 'call', String(second.key), 'now', '--timeout', '3')
  assert.equal(gone.status, 2, gone.stdout)
  const left = await world.run('host', 'list', factory, '--json')
  assert.deepEqual(
    left.lines.map(({ key }) => key),
    [key]
  )

  const audits = await world.run('eve', 'audit', factory, key, '--json')
  assert.deepEqual(
    audits.lines.map(({ verdict }) => verdict),
    ['verified', 'verified'],
    audits.stdout
  )
  const log = await world.run('eve', 'log', factory, '--json')
  assert.deepEqual(
    log.lines.filter(({ outcome }) => !(outcome as { error?: object }).error).map(({ method }) => method),
    ['init', 'prepare', 'start', 'prepare', 'start', 'stop', 'resume', 'remove']
  )
})

test('what cannot be deployed, and where', async t => {
  const world = await World.make(t)
  const host = await world.start('host', 'serve', fixture('hello.js'), '--factory', '--json')
  const ready = await host.json(2)
  const [hello, factory] = ready.map(({ key }) => String(key))
  const home = await world.home('alice')
  await writeFile(path.join(home, 'bad.js'), 'exports.a = () => Date.now()\nexports.b = () => fetch()')
  await writeFile(path.join(home, 'throws.js'), 'exports.init = () => { throw new Error("not today") }')
  const deploy = (...args: string[]) => world.run('alice', 'deploy', ...args)
  assert.equal((await deploy(fixture('hello.js'))).status, 64)
  assert.equal((await deploy(fixture('hello.js'), '--host', 'nonsense')).status, 64)
  assert.equal((await deploy(fixture('hello.js'), '--host', factory, '--gas', '0')).status, 64)
  refused(await deploy('bad.js', '--host', factory), /^vms: bad\.js:1:19: a contract has no clock/)
  refused(await deploy('throws.js', '--host', factory), /init failed: not today/)
  const elsewhere = await deploy(fixture('hello.js'), '--host', hello)
  assert.equal(elsewhere.status, 64)
  assert.match(elsewhere.stderr, /the key of a VM, not of the factory/)
  refused(
    await deploy(fixture('hello.js'), '--host', factory, '--oracle', 'clock'),
    /offers: none \(FORBIDDEN\)/
  )
  refused(await deploy(fixture('hello.js'), '--host', factory, '--oracle', 'vms'), /\(FORBIDDEN\)/)
  const listed = await world.run('alice', 'list', factory, '--json')
  assert.deepEqual([listed.status, listed.lines], [0, []])
  assert.match(listed.stderr, /^0 VMs, as of block \d+/)
})

test('whom a host serves, and how much of it each may have', async t => {
  const world = await World.make(t)
  const [alice, bob] = [await idOf(world, 'alice'), await idOf(world, 'bob')]
  const denied = path.join(await world.home('host'), 'denied')
  await writeFile(denied, '# nobody yet\n')
  const flags = [
    '--allow-deploy',
    alice,
    '--vms-per-owner',
    '1',
    '--deny',
    denied,
    '--calls-per-minute',
    '1000'
  ]
  const host = await world.start('host', 'serve', '--factory', ...flags, '--json')
  const factory = String((await host.json(1))[0].key)
  refused(
    await world.run('bob', 'deploy', fixture('counter.js'), '--host', factory),
    /may not deploy to this host/
  )
  const { key } = ok(await world.run('alice', 'deploy', fixture('counter.js'), '--host', factory, '--json'))
  refused(
    await world.run('alice', 'deploy', fixture('hello.js'), '--host', factory),
    /takes 1 VMs of an owner/
  )
  const increment = (user: string) => world.run(user, 'call', String(key), 'increment', '--json')
  assert.equal(ok(await increment('bob')).value, 1)
  await writeFile(denied, `${bob}\n`)
  // until the file was looked at
  const again = async (is: (status: number | null) => boolean) => {
    const until = Date.now() + 60_000
    let last = await increment('bob')
    while (!is(last.status) && Date.now() < until) last = await increment('bob')
    return last
  }
  const last = await again(status => status !== 0)
  refused(last, /does not serve/)
  assert.equal((last.lines[0].error as { code: string }).code, 'FORBIDDEN')
  ok(await increment('alice'))
  await writeFile(denied, '')
  ok(await again(status => status === 0))
  // what was refused left no trace
  const log = await world.run('eve', 'log', factory, '--json')
  assert.deepEqual(
    log.lines.map(({ method }) => method),
    ['init', 'prepare', 'start']
  )
  ok(await world.run('alice', 'remove', String(key)))
  ok(await world.run('alice', 'deploy', fixture('hello.js'), '--host', factory))
})

test('policies that make no sense are usage errors', async t => {
  const world = await World.make(t)
  for (const flags of [
    ['--allow', 'nobody'],
    ['--deny', 'missing'],
    ['--vms-per-owner', '0'],
    ['--calls-per-minute', 'many']
  ])
    assert.equal((await world.run('host', 'serve', '--factory', ...flags)).status, 64)
})
