// Everything at once, for long: callers, a mirror and an auditor at a host, while processes are killed, held and started
// again, connections drop, and strangers send garbage. What must come of it is in the end what a quiet day leaves: every
// call that was acknowledged is in the log, none twice, all of it is verified, and nobody needs ever more memory.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { decodeKey } from '../../lib/ledger/keys.js'
import { World } from '../helpers/cli.js'
import { Random } from '../helpers/random.js'
import { loggedCalls, openStored } from '../helpers/stored.js'
import { until } from '../helpers/until.js'
import type { CallerSettings, Said } from './caller-process.js'
import { visit } from './garbage.js'
import { Callers, Member, Memory } from './members.js'

const FULL = process.env.VMS_TEST_FULL !== undefined
const MINUTES = Number(process.env.SOAK_MINUTES ?? (FULL ? 30 : 0))
const SEED = Number(process.env.SOAK_SEED ?? 1)

/** Callers in all, and the processes that they are in. */
const CALLERS = 20
const PROCESSES = 2

/** Longer than a silent connection is kept. */
const HOLD_MS = 7000

/** The share of the time in which processes are killed; then they are left alive, to see what memory they come to need. */
const STORM = 0.4

/** A process that has lived for so long has come to what it needs, ms. */
const LONG_MS = Math.min(300_000, MINUTES * 60_000 * 0.5)

/**
 * What the memory of a process may still grow by from the second quarter of its life to the last. RocksDB gathers writes in
 * 64 MiB before it flushes them: what lies between an empty and a full one is no leak. Once it has flushed, its cache of 32 MiB
 * fills. To these come what V8 leaves uncollected (a tenth) and indexes of hypercore, bytes for a block. In half an hour a
 * leak of 2 KiB a call exceeds it.
 */
const GROWTH_MIB = 64 + 32
const GROWTH = 1.1

const SOURCE = `
exports.add = async name => {
  const path = '/calls/' + System.caller.id + '/' + name
  const times = Number(await System.files.readFile(path).catch(() => '0')) + 1
  await System.files.writeFile(path, String(times))
  return times
}
`

test(
  `a soak of ${MINUTES === 0 ? 'some seconds' : `${MINUTES} minutes`}`,
  { timeout: (MINUTES + 30) * 60_000 },
  async t => {
    const soak = await Soak.begin(t)
    if (MINUTES === 0) await soak.shortly()
    else await soak.storm(MINUTES * 60_000)
    await soak.end()
  }
)

class Soak {
  private readonly random = new Random(SEED)
  private readonly memory = new Memory()
  private readonly problems: string[] = []
  private readonly story: string[] = []
  private readonly begun = performance.now()
  private readonly acknowledged: { name: string; index: number; hash: string }[] = []
  private readonly failed = new Map<string, number>()
  private callers: Callers[] = []
  private mirror!: Member
  private auditor!: Member

  private constructor(
    private readonly t: TestContext,
    private readonly world: World,
    private readonly host: Member,
    private readonly storage: string
  ) {}

  static async begin(t: TestContext): Promise<Soak> {
    const world = await World.make(t)
    const home = await world.home('host')
    await writeFile(path.join(home, 'add.js'), SOURCE)
    const storage = path.join(home, 'storage')
    const onproblem = (problem: string) => soak.problems.push(problem)
    const host = new Member(world, 'host', ['serve', 'add.js', '--storage', storage, '--json'], onproblem)
    const soak = new Soak(t, world, host, storage)
    await host.start()
    const { key } = soak
    soak.mirror = new Member(world, 'mirror', ['mirror', key, '--json'], onproblem)
    soak.auditor = new Member(world, 'auditor', ['audit', key, '--watch', '--json'], onproblem)
    for (let n = 0; n < PROCESSES; n++) {
      const folder = await world.home(`callers-${n}`)
      const settings: CallerSettings = {
        seed: SEED + n * CALLERS,
        key,
        bootstrap: world.bootstrap.split(','),
        folder,
        callers: CALLERS / PROCESSES,
        pause: 150,
        reopen: MINUTES === 0 ? 20_000 : 60_000
      }
      const callers = Callers.start(settings, path.join(folder, 'data'), said => soak.hear(said), onproblem)
      soak.callers.push(world.use(callers))
    }
    await Promise.all([soak.mirror.start(), soak.auditor.start()])
    const timer = setInterval(() => soak.look(), 1000)
    t.after(() => clearInterval(timer))
    return soak
  }

  private get key(): string {
    return String(this.host.lines()[0].key)
  }

  private hear(said: Said): void {
    if (!said.ok) {
      this.failed.set(said.code, (this.failed.get(said.code) ?? 0) + 1)
      // whose client was closed is not answered; anything else is no accident
      if (said.code !== 'CLOSED') this.problems.push(`${said.name} failed: ${said.code}: ${said.message}`)
      return
    }
    if (said.value !== 1) this.problems.push(`${said.name} ran ${String(said.value)} times`)
    this.acknowledged.push(said)
  }

  private look(): void {
    for (const { name, running } of [this.host, this.mirror, this.auditor])
      this.memory.take(name, running.child.pid!)
    this.memory.take("host's children", this.host.running.child.pid!, true)
    for (const [n, { child }] of this.callers.entries()) this.memory.take(`callers ${n}`, child.pid!)
  }

  private async do(what: string, action: () => Promise<void>): Promise<void> {
    this.story.push(`${((performance.now() - this.begun) / 1000).toFixed(0)} s: ${what}`)
    try {
      await action()
    } catch (error) {
      this.problems.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
    assert.deepEqual(this.problems, [], `seed ${SEED}: ${this.story.slice(-10).join('; ')}`)
  }

  private restart(member: Member): Promise<void> {
    return this.do(`kill the ${member.name}`, async () => {
      const before = this.acknowledged.length
      await member.restart()
      if (member !== this.host) return
      const [{ event, resumed, length }] = await member.running.json()
      assert.deepEqual([event, resumed], ['ready', true])
      assert.ok(Number(length) > 2 || before === 0)
    })
  }

  private hold(member: Member): Promise<void> {
    return this.do(`hold the ${member.name}`, () => member.hold(HOLD_MS + this.random.below(HOLD_MS)))
  }

  private garbage(): Promise<void> {
    return this.do('garbage', () => visit(decodeKey(this.key), this.world.bootstrap.split(','), this.random))
  }

  /** Calls go on, whatever happened. */
  private async moreCalls(count: number): Promise<void> {
    const enough = this.acknowledged.length + count
    const what = () => `${this.acknowledged.length} of ${enough} calls; ${this.story.slice(-10).join('; ')}`
    await until(() => this.acknowledged.length >= enough, what, 180_000)
  }

  /** Each thing once. */
  async shortly(): Promise<void> {
    await this.moreCalls(50)
    await this.restart(this.host)
    await this.moreCalls(50)
    await Promise.all([
      this.do('hold the host', () => this.host.hold(HOLD_MS)),
      this.restart(this.mirror),
      this.restart(this.auditor),
      this.garbage()
    ])
    await this.moreCalls(50)
  }

  /** All of it at random. */
  async storm(ms: number): Promise<void> {
    const { random, host, mirror, auditor } = this
    while (performance.now() - this.begun < ms) {
      const kills = performance.now() - this.begun < ms * STORM
      const members = [host, mirror, auditor]
      const one = random.of(members)
      const other = random.of(members)
      const all = [kills ? this.restart(one) : this.hold(one), this.garbage()]
      if (other !== one) all.push(this.hold(other))
      await Promise.all(all)
      await this.moreCalls(20 + random.below(500))
    }
  }

  async end(): Promise<void> {
    const { t, world, host, mirror, auditor, key } = this
    assert.deepEqual(this.problems, [])
    const memory = this.memory.judge(LONG_MS)
    const stopped = await Promise.all(this.callers.map(callers => callers.stop()))
    assert.deepEqual(
      stopped,
      this.callers.map(() => 0)
    )
    this.callers = []
    assert.deepEqual(this.problems, [])
    const closed = this.failed.get('CLOSED') ?? 0
    const restarts = [host, mirror, auditor].map(({ name, restarts }) => `${name} ${restarts}`).join(', ')
    if (process.env.SOAK_STORY) t.diagnostic(this.story.join('; '))
    t.diagnostic(`${this.acknowledged.length} calls acknowledged, ${closed} given up; killed: ${restarts}`)

    const audited = await world.run('stranger', 'audit', key, '--timeout', '120', '--json')
    assert.equal(audited.status, 0, audited.stdout + audited.stderr)
    const [{ verdict, length, hash, calls, checked }] = audited.lines
    assert.deepEqual([verdict, checked], ['verified', calls])

    await until(
      () => mirror.newest('synced') === length || mirror.newest('ready') === length,
      () => `the mirror has ${mirror.newest('synced')} of ${String(length)} blocks`
    )
    await until(
      () => auditor.newest('verified') === length,
      () => `${auditor.newest('verified')} of ${String(length)} blocks are verified`,
      300_000
    )
    const told = auditor.lines()
    assert.deepEqual(
      told.filter(({ event }) => ['fraud', 'inconclusive', 'rewound'].includes(String(event))),
      []
    )
    assert.equal(told.findLast(({ event }) => event === 'verified')!.hash, hash)
    const watched = await auditor.stop('SIGTERM')
    assert.equal(watched.status, 0, watched.stderr)

    const ended = await host.stop('SIGTERM')
    assert.equal(ended.status, 0, ended.stderr)
    const offline = await world.run('other', 'audit', key, '--timeout', '120', '--json')
    assert.equal(offline.status, 0, offline.stdout + offline.stderr)
    assert.deepEqual(
      [offline.lines[0].length, offline.lines[0].hash],
      [length, hash],
      'from the mirror alone'
    )
    assert.equal((await mirror.stop('SIGTERM')).status, 0)

    await this.assertLogged(Number(calls))
    for (const { name, minutes, second, last } of memory) {
      const figures = `${name}: ${second.toFixed(0)} MiB, then ${last.toFixed(0)} MiB, in ${minutes.toFixed(1)} minutes`
      t.diagnostic(figures)
      // some seconds show nothing: everybody still fills what memory they are to have
      if (MINUTES >= 10) assert.ok(last <= second * GROWTH + GROWTH_MIB, figures)
    }
  }

  private async assertLogged(calls: number): Promise<void> {
    const stored = await openStored(this.storage, this.key)
    try {
      const logged = await loggedCalls(stored.cores.log)
      assert.equal(logged.length, calls)
      assert.equal(
        new Set(logged.map(({ request }) => request)).size,
        logged.length,
        'a request is there twice'
      )
      const names = this.acknowledged.map(({ name, index, hash }) => {
        assert.equal(logged[index]?.hash, hash, `${name} was acknowledged as call ${index} and is not there`)
        return index
      })
      assert.equal(new Set(names).size, names.length, 'two calls were acknowledged as one')
      const others = logged.length - 1 - names.length // init is none of theirs
      assert.ok(others <= (this.failed.get('CLOSED') ?? 0), `${others} calls are there that nobody made`)
    } finally {
      await stored.close()
    }
  }
}
