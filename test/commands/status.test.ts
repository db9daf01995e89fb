// vms status, and the quotas that it shows: what is refused, to whom, and until when.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import type { HostStatus } from '../../lib/host/status.js'
import { fixture, World, type Ended, type Running } from '../helpers/cli.js'

const STORE = `
exports.write = async (path, size) => System.files.writeFile(path, 'x'.repeat(size))
exports.keep = text => null
`

async function statusOf(world: World, ...args: string[]): Promise<HostStatus> {
  const { status, stderr, lines } = await world.run('host', 'status', '--json', ...args)
  assert.equal(status, 0, stderr)
  assert.equal(lines.length, 1)
  return lines[0] as unknown as HostStatus
}

function ok({ status, stderr, lines }: Ended) {
  assert.equal(status, 0, stderr)
  return lines[0]
}

function overQuota({ status, lines, stderr }: Ended, why: RegExp): void {
  assert.equal(status, 1, stderr)
  const { code, message } = lines[0].error as { code: string; message: string }
  assert.equal(code, 'QUOTA')
  assert.match(message, why)
}

const idOf = async (world: World, user: string) => (await world.run(user, 'identity')).stdout.split('\n')[0]

async function factoryOf(running: Running, vms: number): Promise<string> {
  return String((await running.json(vms)).find(({ title }) => title === 'factory')!.key)
}

async function storeOf(world: World): Promise<string> {
  const script = path.join(await world.home('host'), 'store.js')
  await writeFile(script, STORE)
  return script
}

test('what a host does, and what it refuses', async t => {
  const world = await World.make(t)
  const home = await world.home('host')
  const [host, alice, carol] = [
    await idOf(world, 'host'),
    await idOf(world, 'alice'),
    await idOf(world, 'carol')
  ]
  const denied = path.join(home, 'denied')
  await writeFile(denied, `${carol}\n`)
  const flags = ['--deny', denied, '--disk', '1GiB', '--vms-per-owner', '1', '--max-gas', '20000000']
  const running = await world.start('host', 'serve', fixture('counter.js'), '--factory', '--json', ...flags)
  const [counter, factory] = (await running.json(2)).map(({ key }) => String(key))
  const { key } = ok(await world.run('alice', 'deploy', fixture('hello.js'), '--host', factory, '--json'))
  ok(await world.run('alice', 'call', counter, 'increment', '5'))
  ok(await world.run('alice', 'stop', String(key)))
  for (const method of ['get', 'increment'])
    assert.equal((await world.run('carol', 'call', counter, method)).status, 1)
  assert.equal((await world.run('alice', 'call', counter, 'nothing', '--json')).status, 1)
  const more = await world.run('bob', 'deploy', fixture('hello.js'), '--host', factory, '--gas', '20000001')
  assert.equal(more.status, 1)
  assert.match(more.stderr, /this host gives a call 20000000 units of gas at most/)

  const found = await statusOf(world)
  const { vms, disk, lastCommit, policy, pid, started, uptime } = found
  assert.deepEqual([pid, found.storage], [running.child.pid, path.join(home, 'data', 'vms', 'host')])
  assert.ok(uptime > 0 && started + uptime <= Date.now())
  assert.deepEqual(
    vms
      .map(({ bytes, ...vm }) => ({ ...vm, bytes: bytes > 0 }))
      .sort((a, b) => a.title.localeCompare(b.title)),
    [
      { key: counter, title: 'counter', owner: host, state: 'running', length: 3, calls: 2, served: 1 },
      { key: factory, title: 'factory', owner: host, state: 'running', length: 5, calls: 4, served: 3 },
      { key, title: 'hello', owner: alice, state: 'stopped', length: 2, calls: 1, served: 0 }
    ].map(vm => ({ ...vm, queue: 0, bytes: true }))
  )
  assert.deepEqual([found.queue, found.served, found.notServed], [0, 4, []])
  assert.deepEqual(found.rejections, { FORBIDDEN: 2, NO_SUCH_METHOD: 1, QUOTA: 1 })
  assert.ok(found.peers >= 0)
  assert.ok(disk.used > 0 && disk.free > 0)
  assert.equal(disk.limit, 1024 ** 3)
  assert.ok(lastCommit!.time > started && lastCommit!.age >= 0)
  assert.deepEqual(policy, {
    allow: null,
    deny: [carol],
    deployers: null,
    vmsPerOwner: 1,
    bytesPerOwner: null,
    callsPerMinute: null,
    bytesPerMinute: null,
    disk: 1024 ** 3,
    maxGas: 20_000_000,
    maxFileBytes: null
  })

  const shown = await world.run('host', 'status')
  assert.equal(shown.status, 0, shown.stderr)
  assert.match(shown.stdout, /^host +running for \d+ (?:s|min), process \d+$/m)
  assert.match(shown.stdout, /^calls +4 served, 0 waiting$/m)
  assert.match(shown.stdout, /^refused +2 FORBIDDEN, 1 NO_SUCH_METHOD, 1 QUOTA$/m)
  assert.match(shown.stdout, /^policy +--deny 1 id, --vms-per-owner 1, --disk 1 GiB, --max-gas 20000000$/m)
  assert.match(
    shown.stdout,
    new RegExp(`^${String(key)}  stopped  ${alice.slice(0, 8)}  hello  2 blocks, 1 call, `, 'm')
  )

  // what was served and refused stays counted when a VM goes
  ok(await world.run('alice', 'remove', String(key)))
  assert.equal((await statusOf(world)).served, 5)
})

test('where no host runs, and where one runs again', async t => {
  const world = await World.make(t)
  const none = async (...args: string[]) => {
    const { status, stdout, stderr } = await world.run('host', 'status', ...args)
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(
      stderr,
      /^vms: no host runs on the storage \S+: "vms serve" starts one, --storage names another\n$/
    )
  }
  await none()
  await none('--json', '--storage', 'missing')
  // longer than the path of a socket can be
  const long = path.join(world.folder, ...Array<string>(6).fill('storage'.repeat(5)))
  for (const storage of [[], ['--storage', long]]) {
    const first = await world.serve([fixture('hello.js')], ...storage)
    const { pid, vms } = await statusOf(world, ...storage)
    assert.deepEqual([pid, vms[0].key], [first.running.child.pid, first.key])
    const second = await world.run('host', 'serve', fixture('hello.js'), ...storage)
    assert.equal(second.status, 70) // and takes nothing from the first
    assert.equal((await statusOf(world, ...storage)).pid, pid)
    await first.running.stop('SIGKILL')
    await none(...storage)
    const again = await world.serve([fixture('hello.js')], ...storage)
    assert.equal((await statusOf(world, ...storage)).pid, again.running.child.pid)
    await again.running.stop()
    await none(...storage)
  }
  // one user, two hosts
  const [one, two] = [
    await world.serve([fixture('hello.js')]),
    await world.serve([fixture('rsvp.js')], '--storage', long)
  ]
  assert.equal((await statusOf(world)).pid, one.running.child.pid)
  assert.equal((await statusOf(world, '--storage', long)).pid, two.running.child.pid)
  await two.running.stop() // its socket is not in the folder of the test
})

test('the storage of one owner: who has filled it is refused until the host gives more, and nobody else is', async t => {
  const world = await World.make(t)
  const script = await storeOf(world)
  const serve = (...flags: string[]) => world.start('host', 'serve', script, '--factory', '--json', ...flags)
  let host = await serve('--bytes-per-owner', '300kB', '--max-file-bytes', '200kB')
  const factory = await factoryOf(host, 2)
  const own = String((await host.json(2)).find(({ title }) => title === 'store')!.key)
  const deploy = (user: string) => world.run(user, 'deploy', script, '--host', factory, '--json')
  const [first, second, bobs] = [await deploy('alice'), await deploy('alice'), await deploy('bob')].map(
    ended => String(ok(ended).key)
  )
  const write = (user: string, key: string, size = 150_000, ...rest: string[]) =>
    world.run(user, 'call', key, 'write', `/${user}`, String(size), '--json', ...rest)
  const larger = await write('alice', first, 200_001)
  assert.equal((larger.lines[0].error as { code: string }).code, 'EFBIG')
  for (const key of [first, second]) ok(await write('alice', key))
  const full = /keeps 300 kB for an owner, and the VMs of \w+ have 30\d kB already/
  for (const key of [first, second]) overQuota(await write('alice', key, 1), full)
  overQuota(await write('bob', first, 1), full) // it is alice's
  const denied = await world.run('alice', 'deploy', script, '--host', factory)
  assert.equal(denied.status, 1)
  assert.match(denied.stderr, full)
  ok(await write('alice', bobs))
  // what the operator has deployed counts for nobody
  for (const user of ['host', 'alice', 'bob']) ok(await write(user, own))
  const logged = async (key: string) => (await world.run('eve', 'log', key, '--json')).lines.length
  assert.deepEqual([await logged(first), await logged(factory)], [3, 7])
  const read = await world.run('eve', 'files', first, 'stat', '/alice', '--json')
  assert.equal(ok(read).size, 150_000)
  assert.deepEqual((await statusOf(world)).rejections, { QUOTA: 4 })

  ok(await world.run('alice', 'remove', second))
  ok(await write('alice', first, 1))
  ok(await write('alice', first))
  overQuota(await write('alice', first), full)
  await host.stop()
  host = await serve('--bytes-per-owner', '1MB')
  await host.json(4)
  ok(await write('alice', first))
  assert.equal((await statusOf(world)).policy.bytesPerOwner, 1_000_000)
})

test('calls and bytes a minute: one caller waits, and another does not', async t => {
  const world = await World.make(t)
  const script = await storeOf(world)
  const serve = (...flags: string[]) => world.serve([script], ...flags)
  const { key, running } = await serve('--bytes-per-minute', '100kB', '--calls-per-minute', '2')
  const keep = (user: string, size: number) =>
    world.run(user, 'call', key, 'keep', 'x'.repeat(size), '--json')
  ok(await keep('alice', 90_000))
  overQuota(await keep('alice', 90_000), /takes 100 kB of requests a minute of a caller: try again in \d+ s$/)
  overQuota(await keep('alice', 110_000), /this one has 110 kB: make it smaller/)
  ok(await keep('bob', 90_000))
  const { lines } = await world.session('carol', [key, '--json'], ['keep("a")', 'keep("b")', 'keep("c")'])
  assert.deepEqual(lines.slice(0, 2), [{ value: null }, { value: null }])
  const { code, message } = lines[2].error as { code: string; message: string }
  assert.equal(code, 'QUOTA')
  assert.match(message, /takes 2 calls a minute of a caller: try again in \d+ s$/)
  assert.equal((await world.run('eve', 'log', key, '--json')).lines.length, 5)
  assert.deepEqual((await statusOf(world)).rejections, { QUOTA: 3 })
  await running.stop()
  await serve()
  for (const size of [90_000, 90_001, 90_002]) ok(await keep('alice', size))
})

test('the disk: over it nothing is written by anybody, everything can be read, and more lets calls through', async t => {
  const world = await World.make(t)
  const script = await storeOf(world)
  const { key, running } = await world.serve([script], '--disk', '500kB')
  const write = (user: string, path: string) =>
    world.run(user, 'call', key, 'write', path, '200000', '--json')
  let last = await write('alice', '/0')
  ok(last)
  for (let i = 1; i < 10 && last.status === 0; i++) last = await write('alice', `/${i}`)
  overQuota(last, /may take 500 kB of its disk, and takes \d+ kB: nothing is written/)
  overQuota(await write('bob', '/b'), /may take 500 kB/)
  assert.equal(ok(await world.run('bob', 'files', key, 'stat', '/0', '--json')).size, 200_000)
  const { disk } = await statusOf(world)
  assert.ok(disk.used >= 500_000 && disk.limit === 500_000)
  await running.stop()

  const refused = await world.run('host', 'serve', script, '--new', '--disk', '1kB')
  assert.equal(refused.status, 1)
  assert.match(refused.stderr, /may take 1 kB of its disk/)
  await world.serve([script], '--disk', '1GB')
  ok(await write('bob', '/b'))
})

test('sizes and limits that make no sense are usage errors', async t => {
  const world = await World.make(t)
  for (const flags of [
    ['--disk', '10XB'],
    ['--bytes-per-owner', '0'],
    ['--bytes-per-minute', 'many'],
    ['--max-gas', '1.5'],
    ['--max-file-bytes', '2MiB']
  ]) {
    const { status, stderr } = await world.run('host', 'serve', '--factory', ...flags)
    assert.equal(status, 64)
    assert.match(stderr, new RegExp(`^vms: ${flags[0]} takes a `))
  }
})
