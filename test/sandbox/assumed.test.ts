// Writes that are assumed to go well: nothing shows that they are. What a call does is the same as if it had waited for
// every answer, and who is killed is who deserves it.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { LoggedOracles } from '../../lib/audit/oracles.js'
import { Overlay } from '../../lib/files/overlay.js'
import type { Terms } from '../../lib/ledger/blocks.js'
import { encodeRecord, type Record } from '../../lib/ledger/record.js'
import { signRequest, type CheckedRequest } from '../../lib/ledger/request.js'
import { decodeValue, encodeValue, type Value } from '../../lib/ledger/values.js'
import { execute } from '../../lib/machine/execute.js'
import { NO_ORACLES, type Oracles } from '../../lib/machine/oracles.js'
import { LiveOracles, oracleOf } from '../../lib/oracles/index.js'
import { Executor, type ConsoleLine } from '../../lib/sandbox/executor.js'
import { Pool } from '../../lib/sandbox/pool.js'
import type { BatchHandler } from '../../lib/sandbox/types.js'
import { EMPTY } from '../../lib/testing/files.js'
import { keyPairOf } from '../ledger/helper.js'
import { fakes, waiting } from './fakes.js'
import { executor, HASTY, MOST_GAS, SPIN, World, type TestCall } from './helper.js'

const PATIENT = 60_000
const ROUNDS = process.env.VMS_TEST_FULL ? 60 : 3
const CALLS = 60 // of a round

/** Does what it is told. */
const SOURCE = `
exports.run = async steps => {
  const { files, oracles } = System
  const seen = []
  const run = async ([what, a, b]) => {
    switch (what) {
      case 'write': return files.writeFile(a, 'x'.repeat(b))
      case 'nothing': return files.writeFile(a, null)
      case 'many': for (let i = 0; i < b; i++) await files.writeFile(a + '/' + i, 'x'); return
      case 'unlink': return files.unlink(a)
      case 'mkdir': return files.mkdir(a)
      case 'rmdir': return files.rmdir(a, { recursive: b })
      case 'read': return files.readFile(a)
      case 'stat': return (await files.stat(a)).type
      case 'list': return files.readdir(a, { recursive: b })
      case 'roll': return oracles.dice.roll(a)
      case 'log': return console.log(a, seen.length)
      case 'turns': for (let i = 0; i < a; i++) await null; return
      case 'throw': throw Object.assign(new Error(a), { code: 'MINE' })
      case 'try':
        try { return await run(a) } catch ({ code, message }) { console.warn(code, message); return b && run(b) }
      case 'all': return Promise.all(a.map(run))
      case 'race': return Promise.race(a.map(run))
      case 'settle': return (await Promise.allSettled(a.map(run))).map(({ status }) => status)
      case 'loose': run(a).then(() => seen.push('loose'), ({ code }) => seen.push(code)); return
      case 'late': (async () => { await null; await run(a) })(); return
    }
  }
  for (const step of steps) seen.push(await run(step) ?? null)
  return seen
}`

const TERMS: Terms = {
  source: SOURCE,
  methods: ['run'],
  limits: { gas: 10_000_000, fileBytes: 300, valueBytes: 4096, writes: 12, writeBytes: 1500, window: 100 },
  oracles: [{ name: 'dice', methods: ['roll'], hash: null, scope: [] }]
}

/** Notes what the handler is asked, as far as it counts. */
class Watched extends Executor {
  asked: string[] = []
  /** how many calls began again */
  again = 0

  override run(...[source, calls, handler, options]: Parameters<Executor['run']>): Promise<number> {
    let asked: string[] = []
    const watching: BatchHandler = {
      system: (position, name, args) => {
        asked.push(`${calls[position].index} ${name} ${JSON.stringify(args)}`)
        return handler.system(position, name, args)
      },
      again: position => {
        this.again++
        asked = []
        handler.again(position)
      },
      end: (position, result) => {
        this.asked.push(...asked.splice(0))
        return handler.end(position, result)
      }
    }
    return super.run(source, calls, watching, options)
  }
}

const lines: { [who: string]: ConsoleLine[] } = { fast: [], slow: [] }
const fast = new Watched({ watchdog: PATIENT, onconsole: line => lines.fast.push(line) })
const slow = new Watched({ watchdog: PATIENT, pool: waiting(), onconsole: line => lines.slow.push(line) })
after(() => Promise.all([fast.close(), slow.close()]))

/** Sums and counts; some of it takes longer than a sandbox is held. */
function dice() {
  const rolled: number[] = []
  const roll = async ([n]: Value[]) => {
    rolled.push(n as number)
    if ((n as number) % 10 === 0) await new Promise(resolve => setTimeout(resolve, 30))
    if ((n as number) % 7 === 0) throw new Error('it fell off the table')
    return (n as number) * 2
  }
  return { rolled, oracles: new LiveOracles([oracleOf('dice', { roll })]) }
}

const CALLER = keyPairOf(1)

function requestsOf(programs: Value[]): CheckedRequest[] {
  return programs.map((program, i) => {
    const id = new Uint8Array(16)
    id[0] = i
    const seen = { length: 1, hash: new Uint8Array(32) }
    const request = {
      vm: keyPairOf(2).publicKey,
      caller: CALLER.publicKey,
      method: 'run',
      args: encodeValue([program]),
      id,
      seen
    }
    return { request, signed: signRequest(request, CALLER) }
  })
}

/** Executes all of them, in as many commits as it takes. */
async function executeAll(own: Watched, requests: CheckedRequest[], oracles: Oracles) {
  const tree = new Overlay(EMPTY)
  const records: Record[] = []
  own.asked = []
  while (records.length < requests.length) {
    const done = await execute(own, TERMS, records.length, tree, requests.slice(records.length), { oracles })
    for (const one of done) {
      assert.ok(one !== null, 'a call was killed')
      records.push(one.record)
      tree.apply(one.changes)
    }
  }
  const files = [...tree.changes].map(([path, data]) => [path, data && Buffer.from(data).toString()])
  return { records, files, asked: own.asked }
}

/** Executes them with and without assumptions; all that there is to see must be the same. */
async function compare(programs: Value[]) {
  const requests = requestsOf(programs)
  lines.fast = []
  lines.slow = []
  const [first, second] = [dice(), dice()]
  const found = await executeAll(fast, requests, first.oracles)
  const expected = await executeAll(slow, requests, second.oracles)
  assert.deepEqual(found, expected)
  assert.deepEqual(found.records.map(encodeRecord), expected.records.map(encodeRecord))
  assert.deepEqual(lines.fast, lines.slow)
  assert.deepEqual(first.rolled, second.rolled)
  const audited = await executeAll(fast, requests, new LoggedOracles(requests, found.records))
  assert.deepEqual(audited, expected)
  await Promise.all([first, second].map(({ oracles }) => oracles.close()))
  return found
}

const HARMLESS: Value = [['write', '/harmless', 3]]

test('a write that fails in the middle of a window', async () => {
  const before: Value[] = [
    ['log', 'before'],
    ['write', '/folder/file', 5],
    ['roll', 3],
    ['log', 'rolled']
  ]
  const after: Value[] = [
    ['log', 'after'],
    ['read', '/folder/file'],
    ['roll', 4],
    ['write', '/last', 1]
  ]
  const failing: { [code: string]: Value } = {
    EISDIR: ['write', '/folder', 5],
    ENOTDIR: ['write', '/folder/file/more', 5],
    EFBIG: ['write', '/large', 301],
    EINVAL: ['nothing', '/none'],
    ENOENT: ['unlink', '/none'],
    ENOTEMPTY: ['rmdir', '/folder', false],
    LIMIT: ['many', '/many', 13]
  }
  for (const [code, step] of Object.entries(failing)) {
    const again = fast.again
    const programs: Value[] = Array.from({ length: CALLS }, () => HARMLESS)
    programs[30] = [...before, step, ...after]
    programs[33] = [...before, ['try', step, ['log', 'caught']], ...after]
    programs[34] = [...before, ['loose', step], ...after]
    programs[35] = [...before, ['late', step]]
    programs[36] = [...before, ['settle', [step, ['write', '/b', 1], step]], ...after]
    const { records } = await compare(programs)
    assert.ok(fast.again > again)
    const codes = records.map(({ outcome }) => (outcome.ok ? null : outcome.error.code))
    assert.equal(codes[30], code)
    assert.equal(codes[33], code === 'LIMIT' ? 'LIMIT' : null)
    assert.deepEqual(codes.slice(37), Array(CALLS - 37).fill(null))
    const outcome = records[33].outcome
    if (outcome.ok) assert.deepEqual((decodeValue(outcome.value) as Value[]).length, 9)
  }
})

test('writes that fail again and again', async () => {
  const often: Value = [['try', ['unlink', '/none']], ...HARMLESS]
  const again = fast.again
  await compare(Array.from({ length: 200 }, (_, i) => (i < 150 ? often : HARMLESS)))
  assert.ok(fast.again - again < 2 * 20, 'nearly every call ran twice') // compare has two runs
})

test('random contracts do the same with and without assumptions', async () => {
  let state = 4711
  const below = (n: number) => (state = (state * 48271) % 2147483647) % n
  const pick = <T>(items: T[]): T => items[below(items.length)]
  let calm = false // whether hardly any write fails
  const path = () =>
    pick(
      calm && below(40) > 0
        ? ['/1', '/2', '/3/4', '/3/5']
        : ['/', '/a', '/a/b', '/a/b/c', '/d', '/d/e', 'g', '']
    )
  const list = (depth: number) => Array.from({ length: 1 + below(4) }, () => step(depth - 1))
  const plain: (() => Value)[] = [
    () => ['write', path(), below(20) === 0 ? 301 : below(100)],
    () => ['write', path(), below(100)],
    () => ['unlink', path()],
    () => ['mkdir', path()],
    () => ['rmdir', path(), below(2) === 0],
    () => ['read', path()],
    () => ['stat', path()],
    () => ['list', path(), below(2) === 0],
    () => ['roll', below(40)],
    () => ['log', 'x'.repeat(below(10))],
    () => ['turns', below(20)],
    () =>
      pick<Value>([
        ['throw', 'up'],
        ['many', '/m', 2 + below(14)],
        ['nothing', '/n']
      ])
  ]
  const harmless: (() => Value)[] = [
    () => ['write', path(), below(100)],
    () => ['mkdir', path()],
    () => ['try', ['read', path()], null],
    () => ['roll', 1 + below(6)],
    () => ['log', 'calm']
  ]
  const nested: ((depth: number) => Value)[] = [
    depth => ['try', step(depth - 1), below(2) === 0 ? step(depth - 1) : null],
    depth => ['try', step(depth - 1), null],
    depth => [pick(['all', 'race', 'settle']), list(depth)],
    depth => ['loose', step(depth - 1)],
    depth => ['late', step(depth - 1)]
  ]
  const step = (depth: number): Value => {
    if (depth > 0 && below(2) === 0) return pick(nested)(depth)
    return calm && below(20) > 0 ? pick(harmless)() : pick(plain)()
  }
  // most of them such that most of it goes well
  const program = (): Value => {
    const steps = Array.from({ length: 1 + below(8) }, () => step(2))
    return below(3) === 0 ? steps : steps.map(one => ['try', one, null])
  }
  for (let round = 0; round < ROUNDS; round++) {
    calm = round % 2 === 0
    await compare(Array.from({ length: CALLS }, program))
  }
})

test('nobody is asked what a call asks only because a write was assumed to go well', async () => {
  // without oracles, asking is an error of the host
  const program: Value = [
    ['unlink', '/none'],
    ['roll', 1]
  ]
  const { records } = await executeAll(fast, requestsOf([HARMLESS, program]), NO_ORACLES)
  assert.deepEqual(
    records.map(({ outcome }) => outcome.ok),
    [true, false]
  )
})

const MIXED = `
exports.run = async n => { await System.files.writeFile('/' + n, 'x'); return n }
exports.spin = async () => { await System.files.writeFile('/spin', 'x'); console.log('spins'); await System.files.readdir('/'); ${SPIN} }
exports.fill = async () => { const m = []; for (;;) m.push(new Uint8Array(1e7).fill(1)) }
exports.fails = async () => {
  try { await System.files.unlink('/none') } catch { return 'caught' }
  ${SPIN}
}`

/** Enough of them that several are in the child at once, and one in their midst. */
function amidst(method: string): { calls: TestCall[]; at: number } {
  const calls: TestCall[] = Array.from({ length: 150 }, (_, n) => ({ method: 'run', args: [n] }))
  const at = 100
  calls[at] = { method }
  return { calls, at }
}

test('a call that spins amidst others is the one that is killed, and nothing else is lost', async t => {
  const shown: string[] = []
  const own = executor(t, {
    watchdog: 3 * HASTY,
    onconsole: ({ index, text }) => shown.push(`${index} ${text}`)
  })
  const { calls, at } = amidst('spin')
  const world = new World(own, MIXED, { gas: MOST_GAS })
  assert.equal(await world.batch(...calls), at)
  assert.deepEqual(
    world.ended,
    calls.slice(0, at).map((_, n) => ({ value: n }))
  )
  assert.equal(world.files.size, at)
  assert.deepEqual(shown, [`${at} spins`])
  assert.equal(await world.batch(...calls.slice(at + 1)), calls.length - at - 1)
})

test(
  'a call that takes all memory amidst others is the one that is given up',
  { skip: process.platform !== 'linux' },
  async t => {
    const own = executor(t, { watchdog: PATIENT })
    const { calls, at } = amidst('fill')
    const world = new World(own, MIXED, { gas: MOST_GAS })
    assert.equal(await world.batch(...calls), at)
    assert.equal(world.ended.length, at)
  }
)

test('a call that spins only because a write was assumed to go well is none that spins', async t => {
  const own = executor(t, { watchdog: 3 * HASTY })
  const { calls, at } = amidst('fails')
  const world = new World(own, MIXED, { gas: MOST_GAS })
  assert.equal(await world.batch(...calls), calls.length)
  assert.deepEqual(world.ended[at], { value: 'caught' })
  assert.deepEqual(await world.call('fails'), { value: 'caught' })
})

test('a child that is killed amidst calls costs none of them its outcome', async t => {
  const own = executor(t, { watchdog: PATIENT, pool: new Pool({ size: 1, extra: 0 }) })
  const calls = Array.from({ length: 150 }, (_, n) => ({ method: 'run', args: [n] }))
  const world = new World(own, MIXED)
  const system = world.system.bind(world)
  let killed = false
  world.system = (position, name, args) => {
    if (position === 30 && !killed) killed = process.kill(own.pid!, 'SIGKILL')
    return system(position, name, args)
  }
  assert.equal(await world.batch(...calls), calls.length)
  assert.deepEqual(
    world.ended,
    calls.map((_, n) => ({ value: n }))
  )
})

test('a child that assumes what it may not, or goes on after its end, has no outcome', async t => {
  for (const mode of ['hasty', 'prophet', 'defiant', 'haunting']) {
    const world = new World(executor(t, { pool: fakes(mode), watchdog: PATIENT }), '')
    let asked = 0
    world.system = () => {
      asked++
      return Promise.resolve({ ok: false, code: 'EISDIR', message: 'no' })
    }
    const count = await world.batch({ method: 'a' })
    assert.deepEqual([count, world.ended.length, asked], [0, 0, mode === 'defiant' ? 1 : 0], mode)
  }
})
