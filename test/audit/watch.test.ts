// The watch over VMs: that it goes on where it was, however it ended; that it waits for what is late; that it tells of
// everything once, and needs no more room the longer it runs.

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import Hypercore from 'hypercore'
import { Findings, type Doubt, type Finding } from '../../lib/audit/findings.js'
import type { Progress } from '../../lib/audit/progress.js'
import { Replay } from '../../lib/audit/replay.js'
import { Watch, type Verified, type WatchOptions } from '../../lib/audit/watch.js'
import { encodeKey } from '../../lib/ledger/keys.js'
import { encodeValue } from '../../lib/ledger/values.js'
import { ENGINE, RUNTIME } from '../../lib/machine/runtime.js'
import type { Record } from '../../lib/ledger/record.js'
import type { Forger, Forgery } from '../helpers/forger.js'
import { Ground } from '../helpers/ground.js'
import { SOURCE, tell } from '../helpers/story.js'
import { until } from '../helpers/until.js'

type TreeHash = (this: Hypercore, length: number) => Promise<Uint8Array>

const ground = await Ground.open()
const forger = await ground.forger()

const wrong = {
  records: ([one]: Record[]) => void (one.outcome = { ok: true, value: encodeValue('forged') })
}

/** A user who watches a VM, and is to be started again and again. */
class Watcher {
  readonly data = ground.folder()
  readonly folder = ground.folder()

  constructor(
    private readonly key: Uint8Array,
    private readonly options: Partial<WatchOptions> = {}
  ) {}

  get file(): string {
    return path.join(this.folder, `${encodeKey(this.key)}.json`)
  }

  async progress(): Promise<Progress> {
    return JSON.parse(await readFile(this.file, 'utf8')) as Progress
  }

  async start(): Promise<Watching> {
    const replica = ground.replica(this.key, this.data)
    const watch = new Watch(replica, { timeout: 1500, folder: this.folder, ...this.options })
    const watching = new Watching(watch, () => replica.close())
    await watch.ready()
    return watching
  }
}

/** A watch that runs, and what it has told. */
class Watching {
  readonly events: string[] = []
  readonly verified: Verified[] = []
  readonly findings: Finding[] = []
  readonly doubts: Doubt[] = []

  constructor(
    readonly watch: Watch,
    private readonly closeReplica: () => Promise<void>
  ) {
    for (const event of ['online', 'offline']) watch.on(event, () => this.events.push(event))
    watch.on('verified', (one: Verified) => this.verified.push(one))
    watch.on('fraud', (one: Finding) => this.findings.push(one))
    watch.on('inconclusive', (one: Doubt) => this.doubts.push(one))
  }

  /** Resolves once this many blocks are checked, and the progress is written down. */
  async reaches(length: number): Promise<void> {
    const written = () => {
      const { progress, settled } = this.watch as unknown as { progress: Progress; settled: Progress }
      return progress.length === length && settled.length === length
    }
    await until(written, () => JSON.stringify([this.watch.progress, this.events]))
  }

  get found() {
    return this.findings.map(({ kind, block, index }) => [kind, block, index])
  }

  async close(): Promise<void> {
    await this.watch.close()
    await this.closeReplica()
  }
}

async function told(from: Forger = forger): Promise<Forgery> {
  const vm = await from.vm({ source: SOURCE })
  await tell(vm)
  await vm.publish()
  return vm
}

/** A log that nobody changes. */
const standing = await told()

/** The blocks that are replayed from here on. */
function replayed(t: TestContext): number[] {
  const blocks: number[] = []
  const step = Object.getOwnPropertyDescriptor(Replay.prototype, 'step')!.value as (
    this: Replay
  ) => Promise<void>
  t.mock.method(Replay.prototype, 'step', async function (this: Replay) {
    const { block } = this.position
    await step.call(this) // which fails where something does not come in time
    blocks.push(block)
  })
  return blocks
}

async function goOn(vm: Forgery, calls = 1): Promise<void> {
  for (let i = 0; i < calls; i++) await vm.call('add', [1])
  await vm.show()
}

// where it goes on

test('a watch goes on where it was, and replays nothing twice', async t => {
  const vm = await told()
  const watcher = new Watcher(vm.key)
  const blocks = replayed(t)

  const first = await watcher.start()
  await first.reaches(6)
  await goOn(vm)
  await first.reaches(7)
  await first.close()
  assert.deepEqual(blocks.splice(0), [1, 2, 3, 4, 5, 6])
  assert.deepEqual([first.verified.at(-1)!.length, first.verified.at(-1)!.calls], [7, 9])

  await goOn(vm, 3)
  const second = await watcher.start()
  await second.reaches(10)
  await second.close()
  assert.deepEqual(blocks.splice(0), [7, 8, 9])
  assert.deepEqual([second.verified.at(-1)!.length, second.verified.at(-1)!.calls], [10, 12])

  const third = await watcher.start()
  await until(
    () => third.verified.length > 0,
    () => 'nothing new'
  )
  await third.close()
  assert.deepEqual([blocks, third.verified.at(-1)!.length, third.watch.verdict], [[], 10, 'verified'])
  assert.deepEqual([...first.found, ...second.found, ...third.found], [])
})

test('a watch that is closed on the way goes on from what it has written down', async t => {
  const vm = await told()
  await goOn(vm, 30)
  const watcher = new Watcher(vm.key)
  const first = await watcher.start()
  await until(
    () => first.watch.progress.length > 10,
    () => 'nothing'
  )
  await first.close()
  const blocks = replayed(t)
  const second = await watcher.start()
  await second.reaches(36)
  await second.close()
  const from = blocks[0]
  assert.deepEqual(
    blocks,
    Array.from({ length: 36 - from }, (_, i) => from + i)
  )
  assert.equal(second.watch.verdict, 'verified')
})

test('what was checked is known again although its hash comes late', async t => {
  const vm = await told()
  const [before, watcher] = [new Watcher(vm.key), new Watcher(vm.key, { timeout: 300 })]
  const first = await before.start()
  await first.reaches(6)
  await first.close()
  await mkdir(watcher.folder, { recursive: true })
  await writeFile(watcher.file, await readFile(before.file))
  await goOn(vm)
  const treeHash = Object.getOwnPropertyDescriptor(Hypercore.prototype, 'treeHash')!.value as TreeHash
  let late = 0
  t.mock.method(Hypercore.prototype, 'treeHash', function (this: Hypercore, length: number) {
    const isAsked = !this.writable && this.length === 7 && length === 6
    return isAsked && late++ < 2 ? new Promise(() => {}) : treeHash.call(this, length)
  })
  const blocks = replayed(t)
  const second = await watcher.start()
  await second.reaches(7)
  await second.close()
  assert.deepEqual([blocks, second.watch.verdict, late > 2], [[6], 'verified', true])
})

test('a fraud is known after a restart, and is told once each time', async t => {
  const vm = await forger.vm({ source: SOURCE })
  await tell(vm, { lies: { 2: wrong } })
  await vm.publish()
  const watcher = new Watcher(vm.key)
  const blocks = replayed(t)
  for (const expected of [[1, 2, 3, 4, 5], []]) {
    const watching = await watcher.start()
    await watching.reaches(6)
    await until(
      () => watching.findings.length > 0,
      () => 'no fraud'
    )
    assert.equal(watching.watch.verdict, 'fraud')
    await watching.close()
    assert.deepEqual(watching.found, [['wrong-outcome', 2, 1]])
    assert.deepEqual([blocks.splice(0), watching.verified.filter(({ length }) => length > 2)], [expected, []])
  }
})

test('what was checked is not what the log holds: it begins again', async t => {
  const [vm, other] = [await told(), await told()]
  const watcher = new Watcher(vm.key)
  const before = new Watcher(other.key)
  const watching = await before.start()
  await watching.reaches(6)
  await watching.close()
  await mkdir(watcher.folder, { recursive: true })
  await writeFile(watcher.file, await readFile(before.file))
  const blocks = replayed(t)
  const again = await watcher.start()
  await again.reaches(6)
  await again.close()
  assert.deepEqual(blocks, [1, 2, 3, 4, 5])
})

const finding = { kind: 'wrong-gas', block: 2, index: 1, detail: 'x' }
const doubt = { block: 2, reason: 'x', cause: 'runtime' }

type Saved = { [name: string]: unknown }

const damages: [name: string, damage: (file: Saved) => unknown][] = [
  ['nothing', () => ''],
  ['garbage', () => '\u0000\u0001{'],
  ['a part of it', file => JSON.stringify(file).slice(0, -20)],
  ['null', () => null],
  ['a list', () => []],
  ['another format', file => ({ ...file, format: 2 })],
  ['another hash', file => ({ ...file, hash: '00'.repeat(32) })],
  ['no hash', file => ({ ...file, hash: undefined })],
  ['a hash that is a number', file => ({ ...file, hash: 5 })],
  ['a length beyond the log', file => ({ ...file, length: 4000 })],
  ['a length below 0', file => ({ ...file, length: -4 })],
  ['half a block', file => ({ ...file, length: 2.5 })],
  ['a length that is text', file => ({ ...file, length: '6' })],
  ['calls that are none', file => ({ ...file, calls: null })],
  ['no findings', file => ({ ...file, findings: undefined })],
  ['findings that are none', file => ({ ...file, findings: [null] })],
  ['findings of no kind', file => ({ ...file, findings: [{ ...finding, kind: 'evil' }] })],
  ['findings in no block', file => ({ ...file, findings: [{ ...finding, block: 'x' }] })],
  ['findings that say nothing', file => ({ ...file, findings: [{ ...finding, detail: 3 }] })],
  ['no doubts', file => ({ ...file, doubts: undefined })],
  ['doubts that are none', file => ({ ...file, doubts: [5] })],
  ['doubts in no block', file => ({ ...file, doubts: [{ ...doubt, block: null }] })],
  ['doubts of another engine', file => ({ ...file, engine: ENGINE + 1, doubts: [doubt] })],
  ['doubts of another machine', file => ({ ...file, runtime: 'node 1', doubts: [doubt] })]
]

/** Watches with a progress file that was changed. @returns the blocks that were replayed */
async function damaged(t: TestContext, vm: Forgery, change: (file: Saved) => unknown) {
  const watcher = new Watcher(vm.key)
  const before = await watcher.start()
  await before.reaches(6)
  await before.close()
  const content = change(JSON.parse(await readFile(watcher.file, 'utf8')) as Saved)
  await writeFile(watcher.file, typeof content === 'string' ? content : JSON.stringify(content))
  const blocks = replayed(t)
  const watching = await watcher.start()
  await watching.reaches(6)
  await watching.close()
  return { blocks, watching, progress: await watcher.progress() }
}

for (const [name, damage] of damages) {
  test(`the progress file holds ${name}: it begins again`, async t => {
    const { blocks, watching, progress } = await damaged(t, standing, damage)
    assert.deepEqual(blocks, [1, 2, 3, 4, 5])
    assert.deepEqual([watching.watch.verdict, watching.found, progress.length], ['verified', [], 6])
  })
}

test('the progress of another engine stands, if it had no doubts', async t => {
  const { blocks, watching } = await damaged(t, standing, file => ({
    ...file,
    engine: ENGINE + 1,
    runtime: 'node 1'
  }))
  assert.deepEqual([blocks, watching.watch.verdict], [[], 'verified'])
})

test('the doubts of the same engine and machine stand', async t => {
  const { blocks, watching } = await damaged(t, standing, file => ({ ...file, doubts: [doubt] }))
  assert.deepEqual([blocks, watching.doubts, watching.watch.verdict], [[], [doubt], 'inconclusive'])
})

// hosts that come and go

test('a host that goes and comes again', async () => {
  let host = await ground.forger()
  const vm = await told(host)
  const watching = await new Watcher(vm.key).start()
  assert.equal(watching.watch.verdict, 'inconclusive', 'nothing is checked yet')
  await watching.reaches(6)
  assert.deepEqual(watching.events, ['online'])
  host = ground.keep(await host.restart())
  await until(
    () => watching.events.length === 2,
    () => watching.events.join()
  )
  await goOn(host.vms[0])
  await host.vms[0].publish()
  await watching.reaches(7)
  await watching.close()
  assert.deepEqual(watching.events, ['online', 'offline', 'online'])
  assert.deepEqual([watching.watch.verdict, watching.found, watching.doubts], ['verified', [], []])
  await host.close()
})

/** Resolves once a watch has found something missing. */
async function missing(t: TestContext, watching: Watching): Promise<void> {
  const doubt = t.mock.method(Findings.prototype, 'doubt')
  await until(
    () => doubt.mock.callCount() > 0,
    () => JSON.stringify(watching.watch.progress)
  )
}

for (const block of [0, 1, 3, 5]) {
  test(`block ${block} of the log comes late`, async t => {
    const host = await ground.forger()
    const vm = await host.vm({ source: SOURCE })
    await tell(vm)
    await host.withhold(vm, 'log', block)
    await vm.publish()
    const watching = await new Watcher(vm.key, { timeout: 300 }).start()
    await missing(t, watching)
    await host.deliver(vm)
    await watching.reaches(6)
    await watching.close()
    assert.deepEqual([watching.watch.verdict, watching.found, watching.doubts], ['verified', [], []])
    await host.close()
  })
}

test('a block that never comes is told once, and what came before it is verified', async t => {
  const host = await ground.forger()
  const vm = await host.vm({ source: SOURCE })
  await tell(vm)
  await host.withhold(vm, 'log', 4)
  await vm.publish()
  const replica = ground.replica(vm.key)
  await replica.sync(20_000)
  const { log, db, blobs } = await replica.cores()
  const rest = [db, blobs].flatMap(core => Array.from({ length: core.length }, (_, n) => core.get(n)))
  await Promise.all([...[0, 1, 2, 3, 5].map(n => log.get(n)), ...rest]) // nothing but that block can be late
  const watch = ground.keep(new Watch(replica, { timeout: 200, folder: ground.folder() }))
  const late: Doubt[] = []
  watch.on('late', (doubt: Doubt) => late.push(doubt))
  let verified = 0
  watch.on('verified', ({ length }: Verified) => (verified = length))
  const doubt = t.mock.method(Findings.prototype, 'doubt')
  await watch.ready()
  // it is asked for again and again
  await until(
    () => verified === 4 && doubt.mock.callCount() >= 3,
    () => `${verified} blocks are verified`
  )
  assert.deepEqual(
    late.map(({ block, cause }) => [block, cause]),
    [[4, 'missing']]
  )
  assert.deepEqual([watch.progress.length, watch.verdict], [4, 'inconclusive'])
})

for (const core of ['db', 'blobs'] as const) {
  test(`a block of the ${core} comes late, to somebody who goes on from there`, async t => {
    const host = await ground.forger()
    const vm = await told(host)
    const [before, watcher] = [new Watcher(vm.key), new Watcher(vm.key, { timeout: 300 })]
    const first = await before.start()
    await first.reaches(6)
    await first.close()
    await mkdir(watcher.folder, { recursive: true })
    await writeFile(watcher.file, await readFile(before.file))
    const block = vm.cores[core].length - 1
    await goOn(vm)
    await host.withhold(vm, core, block)
    const watching = await watcher.start()
    await missing(t, watching)
    assert.equal(watching.watch.progress.length, 6)
    await host.deliver(vm)
    await watching.reaches(7)
    await watching.close()
    assert.deepEqual([watching.watch.verdict, watching.found, watching.doubts], ['verified', [], []])
    await host.close()
  })
}

// long logs

test('processes catch up with a log that is far ahead', async () => {
  const vm = await forger.vm({ source: SOURCE })
  await vm.init()
  while (vm.cores.log.length < 600) {
    const block = vm.cores.log.length
    await vm.commit([await vm.request('echo', [block])], block === 400 ? wrong : {})
  }
  await vm.publish()
  const children: ChildProcess[] = []
  const count = (message: unknown) => void children.push((message as { process: ChildProcess }).process)
  subscribe('child_process', count)
  const watcher = new Watcher(vm.key, { jobs: 2, timeout: 20_000 })
  const watching = await watcher.start()
  await watching.reaches(600)
  unsubscribe('child_process', count)
  assert.ok(children.filter(({ spawnargs }) => spawnargs?.some(arg => arg.endsWith('job.js'))).length >= 2)
  assert.deepEqual(watching.found, [['wrong-outcome', 400, 399]])
  await goOn(vm)
  await watching.reaches(601)
  await watching.close()
  assert.deepEqual([watching.found.length, watching.watch.progress.calls], [1, 600])
})

test('what a watch keeps does not grow with what it finds, nor with the log', async () => {
  const vm = await forger.vm({ source: SOURCE })
  await vm.init()
  for (let i = 0; i < 12; i++) {
    const requests = Array.from({ length: 100 }, (_, n) => vm.request('echo', [n]))
    const lie = (records: Record[]) => records.forEach(one => void one.gas++)
    await vm.commit(await Promise.all(requests), { records: lie })
  }
  // each runtime is one more reason to doubt
  for (let i = 0; i < 110; i++) {
    await vm.changeRuntime({ ...RUNTIME, v8: `0.${i}` })
    await vm.commit([await vm.request('add', [i])], wrong)
  }
  await vm.publish()
  const watcher = new Watcher(vm.key)
  const watching = await watcher.start()
  const { length } = vm.cores.log
  await watching.reaches(length)
  const { replay } = watching.watch as unknown as { replay: { states: unknown[]; draft: { bytes: number } } }
  assert.deepEqual([replay.states.length, replay.draft.bytes], [0, 0])
  await watching.close()
  assert.deepEqual([watching.findings.length, watching.doubts.length], [1000, 100])
  const { findings, doubts } = await watcher.progress()
  assert.deepEqual([findings.length, doubts.length], [100, 100])
})
