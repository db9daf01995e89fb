// Random histories of honest hosts, each from a seed: calls of every outcome, one after the other and many at once. Several
// VMs share a host, which restarts between their calls and in the middle of them. Contracts ask oracles, and are replaced while
// they are called. Each history is audited in every way.
//
// node histories.js <first seed> <count>     prints what there was, as JSON; run by honest.test.ts

import assert from 'node:assert/strict'
import b4a from 'b4a'
import { audit, type AuditOptions } from '../../lib/audit/auditor.js'
import { Watch } from '../../lib/audit/watch.js'
import { Calls } from '../../lib/client/calls.js'
import { VMSClient } from '../../lib/client/client.js'
import { CallError } from '../../lib/client/errors.js'
import { upgrade } from '../../lib/client/upgrade.js'
import type { Host } from '../../lib/host/host.js'
import type { KeyPair } from 'hypercore'
import crypto from '../../lib/ledger/crypto.js'
import { encodeKey } from '../../lib/ledger/keys.js'
import { codeOf, messageOf } from '../../lib/errors.js'
import { RUNTIME } from '../../lib/machine/runtime.js'
import { decodeBlock } from '../../lib/ledger/blocks.js'
import type { ContractInForce } from '../../lib/ledger/contract.js'
import type { Outcome, Record } from '../../lib/ledger/record.js'
import { newestContract } from '../../lib/replica/contract.js'
import type { Replica } from '../../lib/replica/replica.js'
import { Executor } from '../../lib/sandbox/executor.js'
import { Ground } from '../helpers/ground.js'
import { Random } from '../helpers/random.js'
import { until } from '../helpers/until.js'

const ground = await Ground.make()

const SOURCE = `
exports.init = async () => { await System.files.writeFile('/count', '0') }
exports.count = async n => {
  const count = Number(await System.files.readFile('/count')) + n
  await System.files.writeFile('/count', String(count))
  return { count, who: System.caller.id, index: System.vm.index, vm: System.vm.key }
}
exports.write = async (path, data) => { await System.files.writeFile(path, data) }
exports.big = async (path, size, fill) => { await System.files.writeFile(path, new Uint8Array(size).fill(fill)) }
exports.read = async (path, encoding) => System.files.readFile(path, encoding)
exports.remove = async path => { await System.files.unlink(path) }
exports.clear = async path => { await System.files.rmdir(path, { recursive: true }) }
exports.list = async path => [await System.files.readdir(path), await System.files.readdir(path, { recursive: true })]
exports.both = async path => {
  await System.files.writeFile(path, 'a')
  await System.files.unlink(path)
  return System.files.stat('/count')
}
exports.many = async n => {
  for (let i = 0; i < n; i++) await System.files.writeFile('/many/' + i, String(i))
  return n
}
exports.echo = value => value
exports.fail = async (name, code) => {
  await System.files.writeFile('/never', 'x')
  throw Object.assign(new TypeError(name), { code })
}
exports.never = () => new Promise(() => {})
exports.spin = () => { for (;;); }
exports.down = () => { const down = n => down(n + 1) + 1; return down(0) }
exports.deep = () => { throw new RangeError('Maximum call stack size exceeded') }
exports.roll = async sides => {
  const [number, now] = [await System.oracles.dice.roll(sides), await System.oracles.clock.now()]
  const bytes = await System.oracles.random.bytes(4)
  await System.files.writeFile('/rolled', [number, now, bytes].join())
  return number
}
exports.rollAll = async count => Promise.all(Array.from({ length: count }, () => System.oracles.dice.roll(6)))
`

/** How long a call may run: no honest one is killed on a machine that does much else. */
const WATCHDOG_MS = 5000

/** What its owner replaces a contract with; now and then with what cannot take its place. */
function replaced(random: Random, version: number): string {
  const fails = random.below(4) === 0
  const migrate = `exports.migrate = async from => {
  await System.files.writeFile('/from', from)
  ${fails ? 'throw new Error("not now")' : 'await System.oracles.dice.roll(6).catch(() => {})'}
}`
  return `${SOURCE}exports.version = () => ${version}\n${random.below(3) === 0 ? '' : migrate}`
}

const DICE = `
let rolls = 0
export const roll = sides => {
  if (sides > 100) throw Object.assign(new Error('too many sides'), { code: 'NO_DICE' })
  return (7 * ++rolls) % sides
}`

const ORACLES = [{ name: 'dice', source: DICE }, { name: 'clock' }, { name: 'random' }]

const LIMITS = {
  gas: 1_000_000,
  fileBytes: 300_000,
  writes: 20,
  valueBytes: 2000,
  writeBytes: 500_000,
  window: 64
}

const PATHS = [
  '/a',
  '/a/b',
  '/a/c',
  '/b',
  '/b/ü',
  '/b/😀',
  '/b/\uffff',
  'c',
  '/d/e/f/g',
  '/count',
  '/../x',
  '/',
  '/x//y',
  '/many'
]

function call(random: Random): [method: string, ...args: unknown[]] {
  const path = random.of(PATHS)
  return random.of<() => [string, ...unknown[]]>([
    () => ['count', random.below(10)],
    () => ['write', path, 'x'.repeat(random.below(40))],
    () => ['write', path, b4a.alloc(random.below(3), random.below(256))],
    () => ['write', path, random.of([null, 5, {}])],
    () => ['big', path, random.of([0, 65_535, 65_536, 65_537, 200_000, 400_000]), random.below(256)],
    () => ['read', path, random.of(['utf8', 'binary', 'latin1'])],
    () => ['remove', path],
    () => ['clear', random.of(['/', '/a', '/b', '/many', path])],
    () => ['list', random.of(['/', '/a', '/b', '/d'])],
    () => ['both', path],
    () => ['many', random.of([3, 19, 21])],
    () => [
      'echo',
      random.of([null, -0, 1.5, [1, [2, { a: '😀' }]], { z: 1, a: 2, __proto__: null }, b4a.alloc(5)])
    ],
    () => ['echo', 'y'.repeat(random.of([100, 1900, 2100, 20_000, 70_000]))],
    () => ['fail', random.of(['', 'no', 'é'.repeat(600)]), random.of([undefined, 'CODE', 5])],
    () => ['roll', random.of([2, 6, 101])],
    () => ['rollAll', random.below(5)],
    () => random.of<[string]>([['never'], ['spin'], ['down']]) // they take their time
  ])()
}

/** Calls that are no outcome: the host gives them up, and logs nothing. */
const KILLED: [string][] = [['deep']]

const { icu } = RUNTIME

/** How many outcomes of each kind the histories hold. */
export type Outcomes = { [name: string]: number }

/** One VM and those who call it. */
class History {
  readonly random: Random
  private readonly owner: KeyPair
  private versions = 0
  private readonly clients: VMSClient[]
  private watch: { replica: Replica; watch: Watch } | null = null

  private constructor(
    readonly seed: number,
    readonly key: Uint8Array,
    callers: KeyPair[]
  ) {
    this.random = new Random(seed)
    this.owner = callers[0]
    const { bootstrap } = ground
    this.clients = callers.map(identity =>
      ground.keep(new VMSClient(key, { bootstrap, identity, storage: ground.folder(), timeout: 120_000 }))
    )
  }

  static async deploy(host: Host, seed: number): Promise<History> {
    const callers = [0, 1].map(i => crypto.keyPair(b4a.alloc(32, seed * 4 + i + 1)))
    const { key } = await host.deploy({
      source: SOURCE,
      title: `history ${seed}`,
      owner: callers[0],
      limits: LIMITS,
      oracles: ORACLES,
      upgrade: seed % 2 === 0 ? 'owner' : 'never'
    })
    const history = new History(seed, key, callers)
    if (seed % 4 === 0) await history.startWatch()
    return history
  }

  private async startWatch(): Promise<void> {
    const replica = ground.replica(this.key)
    const watch = ground.keep(new Watch(replica, { timeout: 20_000, folder: ground.folder() }))
    this.watch = { replica, watch }
    await watch.ready()
  }

  /** Calls, mostly one after the other, now and then many at once. */
  async go(rounds: number): Promise<void> {
    const { random } = this
    for (let round = 0; round < rounds; round++) {
      const calls = Array.from({ length: random.below(8) === 0 ? 2 + random.below(6) : 1 }, () =>
        call(random)
      )
      if (random.below(100) === 0) calls.splice(random.below(calls.length), 0, random.of(KILLED))
      const answers = await Promise.allSettled(
        calls.map(([method, ...args]) => random.of(this.clients).call(method, ...args))
      )
      for (const [i, answer] of answers.entries()) {
        const killed = KILLED.some(([method]) => method === calls[i][0])
        if (answer.status === 'rejected' && codeOf(answer.reason) === 'CONTRACT_CHANGED') continue
        if (killed) assert.equal(answer.status === 'rejected' && codeOf(answer.reason), 'HOST_ABORTED')
        else if (answer.status === 'rejected')
          assert.ok(answer.reason instanceof CallError, String(answer.reason))
      }
    }
  }

  /** Its owner replaces the contract, if genesis allows that. */
  async upgrade(): Promise<void> {
    if (this.seed % 2 === 1) return
    const replica = ground.replica(this.key)
    const source = replaced(this.random, ++this.versions)
    const executor = new Executor()
    try {
      await replica.sync(120_000)
      const { oracles, ...genesis } = await replica.genesis()
      const { methods } = await executor.inspect(source, { oracles })
      const before = await this.contractNow(replica)
      const calls = new Calls(replica, this.owner)
      await upgrade(calls, { ...genesis, oracles }, before, { source, methods }, { timeout: 120_000 })
    } catch (error) {
      assert.equal(codeOf(error), 'INVALID_CONTRACT', messageOf(error))
      assert.match(messageOf(error), /migrate failed: not now/)
    } finally {
      await executor.close()
      await replica.close()
    }
  }

  /** The contract in force, from the host: without it, the copy knows that of the newest block that it holds. */
  private async contractNow(replica: Replica): Promise<ContractInForce> {
    for (;;) {
      await replica.until(() => replica.host !== null && replica.caughtUp(), 120_000)
      const found = await newestContract(replica, 120_000)
      if (replica.host !== null) return found
    }
  }

  /** Audits it in every way. @returns how many commits it has */
  async verify(outcomes: Outcomes): Promise<number> {
    await Promise.all(this.clients.map(client => client.close()))
    const replica = ground.replica(this.key)
    const { length } = await this.audit(replica, {})
    const ways: Partial<AuditOptions>[] = [
      { sample: 0.2, seed: `${this.seed}` },
      { from: this.random.below(length) },
      { last: 1 + this.random.below(20) },
      { jobs: 2, blocksPerJob: 8 }
    ]
    await this.audit(replica, ways[this.seed % ways.length])
    const commits = await countCommits(replica, outcomes)
    await replica.close()
    if (this.watch) await this.endWatch(length)
    return commits
  }

  private async audit(replica: Replica, options: Partial<AuditOptions>): Promise<{ length: number }> {
    const result = await audit(replica, { timeout: 20_000, ...options })
    const { calls, checked, ...rest } = result
    const told = `${encodeKey(this.key)}: ${JSON.stringify([options, rest])}`
    assert.equal(result.verdict, 'verified', told)
    if (Object.keys(options).length === 0) assert.equal(checked, calls, told)
    return result
  }

  private async endWatch(length: number): Promise<void> {
    const { replica, watch } = this.watch!
    await until(
      () => watch.progress.length === length || watch.verdict === 'fraud',
      () => JSON.stringify(watch.progress)
    )
    await watch.close()
    await replica.close()
    assert.deepEqual([watch.verdict, watch.progress.findings], ['verified', []])
  }
}

/** Counts commits and outcomes. */
async function countCommits(replica: Replica, outcomes: Outcomes): Promise<number> {
  let commits = 0
  for (let n = 1; n < replica.log.length; n++) {
    const block = decodeBlock((await replica.bytes(n, 20_000))!)
    if (block.type !== 'commit') continue
    commits++
    for (const record of block.records)
      for (const name of kindsOf(record, block.upgrade !== null)) outcomes[name] = (outcomes[name] ?? 0) + 1
  }
  return commits
}

function kindsOf({ outcome, oracles }: Record, isUpgrade: boolean): string[] {
  const asked = oracles.length > 0 ? ['asked oracles'] : []
  return [nameOf(outcome), ...asked, ...(isUpgrade ? ['upgraded'] : [])]
}

function nameOf(outcome: Outcome): string {
  if (outcome.ok) return 'value'
  return [outcome.error.name, outcome.error.code].filter(part => part !== null && part !== '').join(' ')
}

const ROUNDS = 16
const AT_ONCE = 8

/** Histories that share a host, with their seeds. @returns how many commits they have */
async function together(seeds: number[], outcomes: Outcomes): Promise<number> {
  const random = new Random(seeds[0])
  const storage = ground.folder()
  let host = await ground.host(storage, { watchdog: WATCHDOG_MS })
  const restart = async () => {
    await host.close()
    // the host comes back on another runtime: it logs that, and the results are the same
    if (random.below(2) === 0) RUNTIME.icu = `${icu}.${random.below(1000)}`
    host = await ground.host(storage, { watchdog: WATCHDOG_MS })
  }
  try {
    const histories = await Promise.all(seeds.map(seed => History.deploy(host, seed)))
    for (let part = 0; part < 3; part++) {
      const going = Promise.all(
        histories.flatMap(history => [history.go(ROUNDS), part > 0 ? history.upgrade() : Promise.resolve()])
      )
      const choice = random.below(3)
      if (choice === 0) await restart()
      await going
      if (choice === 1) await restart()
    }
    RUNTIME.icu = icu
    const commits = await Promise.all(histories.map(history => history.verify(outcomes)))
    await host.close()
    return commits.reduce((sum, one) => sum + one)
  } finally {
    RUNTIME.icu = icu
  }
}

/** What the histories held, and the audits that were made of them. */
export interface Held {
  histories: number
  commits: number
  outcomes: Outcomes
}

async function run(first: number, end: number): Promise<Held> {
  const outcomes: Outcomes = {}
  let commits = 0
  for (let seed = first; seed < end; seed += AT_ONCE) {
    const seeds = Array.from({ length: Math.min(AT_ONCE, end - seed) }, (_, i) => seed + i)
    try {
      commits += await together(seeds, outcomes)
    } catch (error) {
      const repeat = `VMS_TEST_SEED=${seed} VMS_TEST_RUNS=${seeds.length} repeats it`
      throw new Error(`one of the seeds ${seeds.join()} fails (${repeat}): ${messageOf(error)}`, {
        cause: error
      })
    }
  }
  return { histories: end - first, commits, outcomes }
}

const [first, count] = process.argv.slice(2).map(Number)
process.stdout.write(JSON.stringify(await run(first, first + count)) + '\n')
await ground.close()
