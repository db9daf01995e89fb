// What somebody who runs a host for good relies on: its port, how it stops, and the health check.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { test } from 'node:test'
import { Client } from '../../lib/client/client.js'
import { parsePort } from '../../lib/commands/context.js'
import type { HostStatus } from '../../lib/host/status.js'
import crypto from '../../lib/ledger/crypto.js'
import type { Refusal } from '../../lib/ledger/messages.js'
import { fixture, World, type Ended, type Running, type Serving } from '../helpers/cli.js'
import { takePort } from '../helpers/port.js'

/** What systemd and docker give a service at least before they kill it, ms. */
const STOP_MS = 10_000

/** Stops a host as systemd and docker do. */
async function stopped(running: Running): Promise<Ended> {
  const since = performance.now()
  const ended = await running.stop('SIGTERM')
  const ms = performance.now() - since
  assert.ok(ms < STOP_MS, `it took ${ms} ms`)
  assert.equal(ended.status, 0, ended.stderr)
  assert.doesNotMatch(ended.stderr, /not everything could be closed/)
  return ended
}

/** The UDP ports that a process has. */
function portsOf({ child }: Running): number[] {
  const fds = `/proc/${child.pid}/fd`
  const inodes = new Set(
    readdirSync(fds).flatMap(fd => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(path.join(fds, fd)))?.[1] ?? []
      } catch {
        return [] // it was closed meanwhile
      }
    })
  )
  const lines = readFileSync('/proc/net/udp', 'utf8').trim().split('\n').slice(1)
  return lines.flatMap(line => {
    const [, local, , , , , , , , inode] = line.trim().split(/\s+/)
    return inodes.has(inode) ? [parseInt(local.split(':')[1], 16)] : []
  })
}

async function statusOf(world: World): Promise<[number | null, HostStatus]> {
  const { status, lines } = await world.run('host', 'status', '--json')
  return [status, lines[0] as unknown as HostStatus]
}

test('--port is the UDP port of a host, and one that cannot be had is an error', async t => {
  const world = await World.make(t)
  const { port, release } = await takePort()
  const flags = ['serve', fixture('counter.js'), '--port']

  const taken = await world.run('host', ...flags, String(port))
  assert.deepEqual([taken.status, taken.stdout], [64, ''])
  assert.match(
    taken.stderr,
    new RegExp(`^vms: the UDP port ${port} cannot be used: .*address already in use.*\\n$`)
  )
  await release()
  const bad = await world.run('host', ...flags, '65536')
  assert.deepEqual([bad.status, bad.stdout], [64, ''])
  assert.equal(bad.stderr, 'vms: --port takes a whole number from 1 up to 65535, not "65536"\n')
  for (const text of ['0', '-1', '1.5', 'http', '']) assert.throws(() => parsePort(text), { code: 'USAGE' })

  const { key, running } = await world.serve([fixture('counter.js')], '--port', String(port))
  if (process.platform === 'linux') assert.ok(portsOf(running).includes(port))
  const { status, stdout } = await world.run('alice', 'call', key, 'increment', '2')
  assert.deepEqual([status, stdout], [0, '2\n'])
  await stopped(running)
  await world.serve([], '--port', String(port)) // it is free again
})

test('SIGTERM with calls in flight: what was answered is in the log, what waits is called again, and each runs once', async t => {
  const world = await World.make(t)
  // slow enough for a batch to hold a third of them: one runs, one is written, and one waits
  const [before, total, atOnce] = [128, 320, 96]
  const script = path.join(await world.home('host'), 'slow.js')
  await writeFile(
    script,
    `exports.increment = async () => {
      let n = 0
      for (let i = 0; i < 50000; i++) n += i
      const count = 1 + Number(await System.files.readFile('/count').catch(() => '0'))
      await System.files.writeFile('/count', String(count))
      return count
    }`
  )
  let host: Serving = await world.serve([script])
  const { key } = host
  const client = world.use(
    new Client(key, {
      bootstrap: world.bootstrap.split(','),
      storage: await world.home('client'),
      identity: crypto.keyPair()
    })
  )
  const refused: string[] = []
  client['replica'].on('refusal', ({ code }: Refusal) => refused.push(code))
  const answers: { index: number; value: unknown }[] = []
  let left = total
  const restarts: Promise<void>[] = []
  const restart = async () => {
    await stopped(host.running)
    host = await world.serve([])
  }
  const caller = async () => {
    while (left-- > 0) {
      answers.push(await client.request('increment', []))
      if (answers.length >= before) restarts[0] ??= restart()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, caller))
  await restarts[0]
  assert.deepEqual([...new Set(refused)], ['HOST_CLOSING'])
  assert.deepEqual(
    answers.map(({ value }) => value as number).sort((a, b) => a - b),
    Array.from({ length: total }, (_, i) => i + 1)
  )
  const { lines } = await world.run('eve', 'log', key, '--json')
  const logged = new Map(lines.map(({ index, outcome }) => [index, outcome]))
  assert.equal(logged.size, 1 + total) // and init
  for (const { index, value } of answers) assert.deepEqual(logged.get(index), { value })
})

test('the health check, and SIGTERM, while the network is gone', async t => {
  const world = await World.make(t)
  const { running, ready } = await world.serve([fixture('counter.js'), fixture('hello.js')])
  await running.until(({ stdout }) => stdout.includes('"online":true'))
  const [well, { network, problems }] = await statusOf(world)
  assert.deepEqual([well, network, problems], [0, { online: true, relays: 2, nat: 'open' }, []])

  await world.darken()
  await running.until(({ stdout }) => stdout.includes('"online":false'))
  const offline = 'no node of the network answers: nobody can find this host'
  const [ill, dark] = await statusOf(world)
  assert.deepEqual([ill, dark.network!.online, dark.problems], [1, false, [offline]])
  const shown = await world.run('host', 'status')
  assert.equal(shown.status, 1)
  assert.equal(shown.stderr, `vms: ${offline}\n`)
  assert.match(shown.stdout, /^network +offline: no node of the network answers; trying again$/m)
  assert.match(shown.stdout, new RegExp(`^${String(ready[0].key)}  running  `, 'm'))
  await stopped(running)
})

test('the health check names a VM that is not served', async t => {
  const world = await World.make(t)
  const { running, ready } = await world.serve([fixture('counter.js'), fixture('hello.js')])
  const [damaged, whole] = ready.map(({ key }) => String(key))
  await stopped(running)
  const registered = path.join(await world.home('host'), 'data', 'vms', 'host', 'vms', `${damaged}.json`)
  await writeFile(registered, '{')
  const host = await world.start('host', 'serve', '--json')
  await host.until(({ stdout }) => stdout.includes('"network"'))
  const [status, { problems, notServed, vms }] = await statusOf(world)
  assert.deepEqual([status, problems], [1, [`${damaged} is not served (STORAGE_BROKEN)`]])
  assert.deepEqual([notServed.map(({ key }) => key), vms.map(({ key }) => key)], [[damaged], [whole]])
  await stopped(host)
  const [none] = await statusOf(world)
  assert.equal(none, 2)
})

test('SIGTERM while a call waits for an oracle that never answers', async t => {
  const world = await World.make(t)
  const asked: (() => void)[] = []
  const server = createServer(() => asked.pop()?.()).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const script = path.join(await world.home('host'), 'stuck.js')
  await writeFile(script, `exports.ask = () => System.oracles.fetch.get('${origin}/')`)
  const { key, running } = await world.serve([script], '--fetch', origin)
  const waits = new Promise<void>(resolve => asked.push(resolve))
  const call = await world.start('alice', 'call', key, 'ask', '--json', '--timeout', '300')
  await waits
  await stopped(running)
  // it was not logged, and is asked again when the host is back
  const again = new Promise<void>(resolve => asked.push(resolve))
  const second = await world.start('host', 'serve', '--json')
  await Promise.race([
    again,
    call.ended.then(({ stdout, stderr }) => assert.fail(`the call ended: ${stdout}${stderr}`))
  ])
  await call.stop('SIGKILL')
  assert.equal((await world.run('eve', 'log', key, '--json')).lines.length, 1)
  await stopped(second)
})
