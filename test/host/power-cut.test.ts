// The promise that no acknowledged call is lost and no second history is signed, against power cuts: of a real host under
// load it is recorded what it wrote and what it synced, and copies of its storage are cut back to what a disk could have been
// left with at some moment.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type Hypercore from 'hypercore'
import { VMSClient } from '../../lib/client/client.js'
import crypto from '../../lib/ledger/crypto.js'
import { Ground } from '../helpers/ground.js'
import { Random } from '../helpers/random.js'
import { loggedCalls, openStored, type Stored } from '../helpers/stored.js'
import { World } from '../helpers/cli.js'
import { difference, Disk, restore } from './power/disk.js'
import type { LoadSettings } from './power/load-process.js'
import { readTrace, traced, Unseen, untraceable, type Event } from './power/trace.js'

const FULL = process.env.VMS_TEST_FULL !== undefined
/** Repeats the calls and the cuts; when each thing happens in the recording is for the machine. */
const SEED = Number(process.env.POWER_CUT_SEED ?? 1)
/** A kill of the host falls amid something that it does to its disk in some of a hundred recordings. */
const ATTEMPTS = 5

const SOURCE = `
exports.add = async (name, text) => {
  await System.files.writeFile('/calls/' + name, text)
  const total = Number(await System.files.readFile('/total').catch(() => '0')) + 1
  await System.files.writeFile('/total', String(total))
  return total
}
`

/** What is recorded, and how often it is cut; some of the cuts are served and audited by the command line. */
interface Recording {
  name: string
  runs: LoadSettings['runs']
  /** bytes of the largest files */
  largest: number
  /** write-ahead logs that its database begins, at least */
  logs: number
  cuts: number
  commands: number
}

const SHORT: Recording = {
  name: 'two starts',
  runs: [
    { calls: 100, signal: 'SIGKILL' },
    { calls: 60, signal: 'SIGTERM' }
  ],
  largest: 20_000,
  logs: 2,
  cuts: 6,
  commands: 1
}

const RECORDINGS: Recording[] = FULL
  ? [
      {
        name: 'many starts',
        runs: [
          { calls: 300, signal: 'SIGKILL' },
          { calls: 200, signal: 'SIGTERM' },
          { calls: 200, signal: 'SIGKILL' },
          { calls: 200, signal: 'SIGTERM' }
        ],
        largest: 100_000,
        logs: 4,
        cuts: 160,
        commands: 10
      },
      // so much that the database begins other files, and removes those before
      {
        name: 'much data',
        runs: [{ calls: 700, signal: 'SIGTERM' }],
        largest: 900_000,
        logs: 2,
        cuts: 40,
        commands: 2
      }
    ]
  : [SHORT]

const reason = untraceable()
const ground = await Ground.open()
const root = await mkdtemp(path.join(tmpdir(), 'vms-power-'))
after(() => rm(root, { recursive: true, force: true }))

test('a call amid which its process was killed: a sync promises nothing, of anything else nobody knows', async () => {
  const [disk, marks, file] = ['disk', 'marks', 'trace-of-a-kill'].map(name => path.join(root, name))
  const on = (place: string) => Array.from(Buffer.from(place), byte => `\\x${byte.toString(16)}`).join('')
  const read = async (...lines: string[]) => {
    await writeFile(file, lines.map(line => `${line}\n`).join(''))
    return await readTrace(file, disk, marks)
  }
  const [log, elsewhere] = [path.join(disk, '1.log'), `${disk}s`].map(on)
  const written = { at: 1, kind: 'write', path: path.join(disk, '1.log'), offset: null }
  assert.deepEqual(await read(`7 write(5<${log}>, "\\x61\\x62", 2) = 1`), [
    { ...written, bytes: Buffer.from('a') }
  ])
  const write = (place: string) => `7 write(5<${place}>, "\\x61", 1`
  const sync = `7 fdatasync(5<${log}>`
  for (const [end, ...more] of [
    [') = ?'],
    [') = ? <unavailable>'],
    [' <detached ...>'],
    [' <unfinished ...>'],
    [' <unfinished ...>', '8 <... futex resumed>) = 0', '7 <... write resumed>)       = ?']
  ]) {
    await assert.rejects(read(write(log) + end, ...more), Unseen, end)
    assert.deepEqual(await read(write(elsewhere) + end, ...more), [], end)
    assert.deepEqual(await read(sync + end, ...more), [], end)
  }
})

for (const [i, recording] of RECORDINGS.entries()) {
  const { name, cuts } = recording
  test(
    `${cuts} power cuts at random: nothing acknowledged is lost, never a fork (${name})`,
    { skip: reason ?? false },
    async t => {
      const random = new Random(SEED + i)
      const folder = path.join(root, String(i))
      await mkdir(folder)
      const { events, disk: place } = await record(folder, recording, SEED + i)
      await assertRecorded(events, place)
      const logs = events.filter(event => event.kind === 'make' && event.path.endsWith('.log'))
      assert.ok(new Set(logs.map(event => 'path' in event && event.path)).size >= recording.logs)
      const everything = new Shown()
      for (const event of events) everything.add(event)
      const original = await openStored(path.join(place, 'host'), everything.key!)
      t.after(() => original.close())
      await assertAcknowledged(original.cores.log, everything)
      const names = events.flatMap((event, n) =>
        ['make', 'remove', 'rename'].includes(event.kind) ? [n] : []
      )
      const moments = Array.from({ length: cuts }, (_, n) =>
        n % 4 === 3 ? random.of(names) + 1 : random.below(events.length + 1)
      ).sort((a, b) => a - b)
      const world = await World.make(t)
      const mark = path.join(place, 'host', 'cores', 'CORESTORE')
      const disk = new Disk(place)
      const shown = new Shown()
      let done = 0
      for (const [n, moment] of moments.entries()) {
        for (; done < moment; done++) {
          const event = events[done]
          if (event.kind === 'mark') shown.add(event)
          else disk.apply(event)
        }
        const left = disk.cut(random)
        const what = `seed ${SEED}, cut ${n} after event ${moment} of ${events.length} (lost: ${left.loss}; ${shown.acknowledged.size} calls were acknowledged)`
        // without its mark, or with half of it, a storage passes for one that was moved
        if (shown.key !== null)
          assert.deepEqual(left.files.get('host/cores/CORESTORE'), await readFile(mark), what)
        const copy = path.join(folder, `cut-${n}`)
        await restore(left, copy)
        try {
          const isCommand = n % Math.ceil(cuts / recording.commands) === 0
          await (isCommand ? assertServes(world, n, copy, shown) : assertWhole(copy, shown, original))
        } catch (error) {
          throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, {
            cause: error
          })
        }
        await rm(copy, { recursive: true })
      }
    }
  )
}

/** What callers and a copy had been shown. */
class Shown {
  key: string | null = null
  readonly acknowledged = new Map<number, string>()
  readonly seen = { log: 0, db: 0, blobs: 0 }

  add(event: Event): void {
    if (event.kind !== 'mark') return
    const [kind, one, two] = event.text.split(' ')
    if (kind === 'ready') this.key = one
    if (kind === 'acknowledged') this.acknowledged.set(Number(one), two)
    if (kind === 'seen') this.seen[one as 'log' | 'db' | 'blobs'] = Number(two)
  }
}

/** Records what a host does to a folder: again, if it was killed at a moment of which nobody knows what was done. */
async function record(
  folder: string,
  recording: Recording,
  seed: number
): Promise<{ events: Event[]; disk: string }> {
  for (let attempt = 1; ; attempt++) {
    const own = path.join(folder, `recording-${attempt}`)
    await mkdir(own)
    try {
      return await recordOnce(own, recording, seed)
    } catch (error) {
      if (!(error instanceof Unseen) || attempt === ATTEMPTS) throw error
      await rm(own, { recursive: true })
    }
  }
}

async function recordOnce(
  folder: string,
  { runs, largest }: Recording,
  seed: number
): Promise<{ events: Event[]; disk: string }> {
  const [disk, marks, trace] = ['disk', 'marks', 'trace'].map(name => path.join(folder, name))
  const script = path.join(folder, 'add.js')
  await writeFile(script, SOURCE)
  await writeFile(marks, '')
  await mkdir(disk)
  const storage = path.join(disk, 'host')
  const bootstrap = ground.bootstrap.join()
  const settings: LoadSettings = { seed, bootstrap, script, storage, marks, folder, runs, largest }
  const file = fileURLToPath(new URL('./power/load-process.js', import.meta.url))
  const [command, ...args] = traced(trace, disk, marks, [process.execPath, file, JSON.stringify(settings)])
  // a group of its own, to end whatever is left of it
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, XDG_DATA_HOME: path.join(folder, 'data'), UV_USE_IO_URING: '0' }
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), FULL ? 600_000 : 120_000)
  const [status] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  assert.equal(status, 0, errors)
  return { events: await readTrace(trace, disk, marks), disk }
}

/** Everything that changed the folder was recorded: what was recorded makes the same folder. */
async function assertRecorded(events: Event[], place: string): Promise<void> {
  const disk = new Disk(place)
  for (const event of events) disk.apply(event)
  assert.equal(await difference(disk.now(new Random(0)), place), null, 'not everything was recorded')
}

/** A host on what is left goes on with the history that was shown. */
async function assertWhole(copy: string, shown: Shown, { cores }: Stored): Promise<void> {
  const storage = path.join(copy, 'host')
  await rm(path.join(storage, 'cores', 'CORESTORE'), { force: true }) // a copy is for an operator to allow
  const host = await ground.host(storage, { wait: false })
  try {
    assert.deepEqual(host.refused, [])
    const [service] = host.services.values()
    if (shown.key === null && service === undefined) return
    assert.ok(service, 'the VM is gone')
    const { machine } = service
    for (const name of ['log', 'db', 'blobs'] as const) {
      const [ours, theirs] = [machine.cores[name], cores[name]]
      assert.ok(
        ours.length >= shown.seen[name],
        `${name} has ${ours.length} blocks, ${shown.seen[name]} were seen`
      )
      assert.ok(ours.length <= theirs.length, `${name} has blocks that nobody wrote`)
      for (let length = 1; length <= ours.length; length++)
        assert.deepEqual(
          await ours.treeHash(length),
          await theirs.treeHash(length),
          `${name} forks at ${length}`
        )
    }
    await assertAcknowledged(machine.cores.log, shown)
    const { calls } = machine
    process.env.XDG_DATA_HOME = ground.folder() // the histories of the copies part from here on
    const client = new VMSClient(service.key, {
      bootstrap: ground.bootstrap,
      identity: crypto.keyPair(),
      timeout: 20_000
    })
    try {
      const { value, index } = await client.request('add', ['after', 'x'])
      assert.deepEqual([value, index], [calls, calls])
    } finally {
      await client.close()
    }
    const { verdict, findings, doubts, length } = await ground.audit(service.key)
    assert.deepEqual([verdict, findings, doubts, length], ['verified', [], [], machine.head.length])
  } finally {
    await host.close()
  }
}

/** The same by the command line. */
async function assertServes(world: World, n: number, copy: string, shown: Shown): Promise<void> {
  const storage = path.join(copy, 'host')
  await rm(path.join(storage, 'cores', 'CORESTORE'), { force: true })
  await writeFile(path.join(await world.home(`host-${n}`), 'add.js'), SOURCE)
  const host = await world.start(`host-${n}`, 'serve', 'add.js', '--storage', storage, '--json')
  const [{ key, resumed, length }] = await host.json()
  if (shown.key !== null) {
    assert.deepEqual([key, resumed], [shown.key, true])
    assert.ok(
      Number(length) >= shown.seen.log,
      `the log has ${String(length)} blocks, ${shown.seen.log} were seen`
    )
  }
  const user = `user-${n}`
  const called = await world.run(user, 'call', String(key), 'add', 'after', 'x', '--json')
  assert.equal(called.status, 0, called.stderr)
  assert.ok(Number(called.lines[0].index) > shown.acknowledged.size)
  const audited = await world.run(user, 'audit', String(key), '--json')
  assert.deepEqual([audited.status, audited.lines[0].verdict], [0, 'verified'], audited.stderr)
  assert.equal((await host.stop()).status, 0, host.stderr)
}

async function assertAcknowledged(log: Hypercore, { acknowledged }: Shown): Promise<void> {
  const calls = await loggedCalls(log)
  for (const [index, hash] of acknowledged) assert.equal(calls[index]?.hash, hash, `call ${index} is lost`)
}
