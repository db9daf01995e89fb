// vms mirror: what VMs are without their host, and how much of them it keeps.

import assert from 'node:assert/strict'
import { rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import Corestore from 'corestore'
import { encodeKey } from '../../lib/ledger/keys.js'
import crypto from '../../lib/ledger/crypto.js'
import { fixture, World, type Ended, type Line, type Running } from '../helpers/cli.js'

const STORE = `
exports.write = async (path, size) => System.files.writeFile(path, 'x'.repeat(size))
exports.size = async path => (await System.files.stat(path)).size
`

const nobodys = () => encodeKey(crypto.keyPair().publicKey)

function ok(ended: Ended): Ended {
  assert.equal(ended.status, 0, ended.stderr)
  return ended
}

/** The last line of an event about a VM; waits for it. */
async function told(mirror: Running, event: string, key: string, where: Line = {}): Promise<Line> {
  const find = () =>
    mirror.stdout
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line) as Line)
      .findLast(line =>
        Object.entries({ event, key, ...where }).every(([name, value]) => line[name] === value)
      )
  await mirror.until(() => find() !== undefined)
  return find()!
}

/** Bytes of the blocks that the store of a user's mirror holds, and the number of its cores that have any. */
async function held(world: World, user: string): Promise<number> {
  const store = new Corestore(path.join(await world.home(user), 'data', 'vms', 'mirror'))
  let bytes = 0
  for await (const discoveryKey of store.list()) {
    const auth = await store.getAuth(discoveryKey)
    const core = store.get({ key: auth!.key })
    await core.ready()
    for (let n = 0; n < core.length; n++) bytes += (await core.get(n, { wait: false }))?.byteLength ?? 0
    await core.close()
  }
  await store.close()
  return bytes
}

async function stop(mirror: Running): Promise<void> {
  const { status, stderr } = await mirror.stop('SIGTERM')
  assert.deepEqual([status, stderr], [0, ''])
}

test('without its host a VM can be read, audited and called locally, from any mirror', async t => {
  const world = await World.make(t)
  const script = path.join(await world.home('host'), 'store.js')
  await writeFile(script, STORE)
  const { running: host, ready } = await world.serve([fixture('rsvp.js'), script])
  const [rsvp, store] = ready.map(({ key }) => String(key))
  const mirror = await world.start('mia', 'mirror', rsvp, `vms://${store}`, '--json')
  for (const key of [rsvp, store]) assert.equal((await told(mirror, 'ready', key)).length, 2)
  await mirror.until(({ stdout }) => stdout.includes('"event":"network","online":true'))

  // it follows
  const { id } = JSON.parse(ok(await world.run('alice', 'identity', '--json')).stdout) as { id: string }
  ok(await world.run('alice', 'call', rsvp, 'RSVP', 'true', 'I bring a cake'))
  ok(await world.run('alice', 'call', store, 'write', '/folder/large', '300000'))
  const last = await Promise.all([rsvp, store].map(key => told(mirror, 'synced', key, { length: 3 })))
  assert.ok(Number(last[1].bytes) > 300_000)

  const answers = async (user: string) => {
    const commands = [
      ['files', rsvp, 'cat', `/rsvps/${id}.json`],
      ['files', store, 'ls', '/', '--recursive'],
      ['log', rsvp, '--json'],
      ['audit', rsvp, store, '--json'],
      ['call', '--local', store, 'size', '/folder/large', '--json']
    ]
    const ended = await Promise.all(commands.map((args, i) => world.run(`${user}-${i}`, ...args)))
    return ended.map(one => ok(one).stdout.replace(/"age":\d+,"online":\w+/, ''))
  }
  const before = await answers('bob')
  assert.match(before[3], /"verdict":"verified".*\n.*"verdict":"verified"/)
  await host.stop('SIGKILL')
  assert.deepEqual(await answers('carol'), before)

  // another one fetches from the first, and takes its place
  const second = await world.start('sue', 'mirror', rsvp, store, '--json')
  for (const [i, key] of [rsvp, store].entries()) {
    const { length, bytes } = await told(second, 'ready', key)
    assert.deepEqual([length, bytes], [3, last[i].bytes])
  }
  await stop(mirror)
  const read = await world.run('dave', 'files', store, 'stat', '/folder/large', '--json')
  assert.equal(ok(read).lines[0].size, 300_000)

  // nobody is there to fetch anything from
  await stop(second)
  const again = await world.start('sue', 'mirror', store, '--json')
  assert.equal((await told(again, 'ready', store)).length, 3)
  await stop(again)
})

test('a list that changes, and a bound for all that is on it', async t => {
  const world = await World.make(t)
  const home = await world.home('mia')
  const script = path.join(await world.home('host'), 'store.js')
  await writeFile(script, STORE)
  const { ready } = await world.serve([script, script, script, fixture('hello.js')])
  const [large, one, two] = ready.filter(({ title }) => title === 'store').map(({ key }) => String(key))
  const hello = String(ready.find(({ title }) => title === 'hello')!.key)
  const nobody = nobodys()
  const limit = 100_000
  for (const [key, size] of [
    [large, 200_000],
    [one, 60_000],
    [two, 60_000]
  ] as const)
    ok(await world.run('alice', 'call', key, 'write', '/file', String(size)))

  const list = async (...keys: string[]) => {
    await writeFile(path.join(home, 'list.new'), keys.join('\n') + '\n')
    await rename(path.join(home, 'list.new'), path.join(home, 'list'))
  }
  await list('# what mia keeps', large, one, nobody)
  const flags = ['--mirror-all-from', 'list', '--disk', '100kB', '--timeout', '1', '--json']
  let mirror = await world.start('mia', 'mirror', ...flags)
  await told(mirror, 'ready', one)
  const { bytes } = await told(mirror, 'no-room', large, { limit })
  assert.ok(Number(bytes) > 200_000)
  await told(mirror, 'waiting', nobody)

  // what fits is fetched, what is not listed any more makes room
  await list(large, one, nobody, two, hello)
  await told(mirror, 'ready', hello)
  await told(mirror, 'no-room', two)
  await list(large, two, hello)
  for (const key of [one, nobody]) await told(mirror, 'removed', key)
  await told(mirror, 'ready', two)
  await stop(mirror)
  assert.ok((await held(world, 'mia')) <= limit)

  // what it held before it was started counts too
  await list(one)
  mirror = await world.start('mia', 'mirror', ...flags)
  await told(mirror, 'ready', one)
  await stop(mirror)
  const left = await held(world, 'mia')
  assert.ok(left > 60_000 && left <= limit)
})

test('what cannot be mirrored', async t => {
  const world = await World.make(t)
  const home = await world.home('mia')
  await writeFile(path.join(home, 'list'), 'nonsense\n')
  for (const [args, why] of [
    [[], /^vms: name the VMs to keep, or a file with one key a line: --mirror-all-from FILE\n$/],
    [['nonsense'], /^vms: "nonsense" is not a VM key: /],
    [['--mirror-all-from', 'list'], /^vms: list is no list: one /]
  ] as const) {
    const { status, stdout, stderr } = await world.run('mia', 'mirror', ...args)
    assert.deepEqual([status, stdout], [64, ''])
    assert.match(stderr, why)
  }
})
