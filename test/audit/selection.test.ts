// Audits that begin anywhere: which blocks are chosen, that an honest log is verified wherever one begins, that what is not
// chosen is not downloaded either, and that a lie is found by those who look at it, and by no others.

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { audit, type AuditOptions } from '../../lib/audit/auditor.js'
import type { AuditResult } from '../../lib/audit/findings.js'
import {
  countBlocks,
  randomSeed,
  rangeOf,
  select,
  shareOut,
  type BlockRange
} from '../../lib/audit/selection.js'
import { encodeValue } from '../../lib/ledger/values.js'
import { RUNTIME } from '../../lib/machine/runtime.js'
import type { Forgery, Lies } from '../helpers/forger.js'
import { Ground } from '../helpers/ground.js'
import { Random } from '../helpers/random.js'
import { SOURCE } from '../helpers/story.js'

const ground = await Ground.open()
const forger = await ground.forger()

const blocksOf = (ranges: BlockRange[]) =>
  ranges.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i))
const row = (start: number, end: number) => blocksOf([{ start, end }])
const found = ({ findings }: AuditResult) => findings.map(({ kind, block, index }) => [kind, block, index])

// what is chosen

test('all blocks after genesis, if nothing else is asked for', () => {
  assert.deepEqual(select(9, {}), [{ start: 1, end: 9 }])
  assert.deepEqual(select(1, {}), [])
  assert.deepEqual(select(0, {}), [])
})

test('blocks from somewhere on', () => {
  assert.deepEqual(select(9, { from: 0 }), [{ start: 1, end: 9 }])
  assert.deepEqual(select(9, { from: 4 }), [{ start: 4, end: 9 }])
  assert.deepEqual(select(9, { from: 8 }), [{ start: 8, end: 9 }])
  for (const from of [9, 10, 1000]) assert.deepEqual(select(9, { from }), [])
})

test('blocks at the end', () => {
  assert.deepEqual(select(9, { last: 3 }), [{ start: 6, end: 9 }])
  assert.deepEqual(select(9, { last: 100 }), [{ start: 1, end: 9 }])
  assert.deepEqual(select(9, { last: 8 }), [{ start: 1, end: 9 }])
})

test('a share of the blocks is ascending, each block once, and about as large as it was to be', () => {
  for (const length of [2, 3, 50, 5000]) {
    for (const sample of [0.001, 0.01, 0.3, 0.9]) {
      for (const seed of ['', 'a', 'b', 'ü']) {
        const ranges = select(length, { sample, seed })
        const blocks = blocksOf(ranges)
        assert.deepEqual(
          blocks,
          [...new Set(blocks)].sort((a, b) => a - b)
        )
        assert.ok(blocks[0] >= 1 && blocks.at(-1)! < length)
        for (const [i, { start }] of ranges.entries()) assert.ok(i === 0 || start > ranges[i - 1].end)
        // of so many draws, none of these seeds is further off than five times what is usual
        const usual = Math.sqrt(length * sample * (1 - sample))
        const off = Math.abs(blocks.length - (length - 1) * sample)
        assert.ok(off <= 5 * usual + 1, `${blocks.length} of ${length} blocks for ${sample}, seed ${seed}`)
      }
    }
  }
})

test('a share of all blocks is all blocks', () => {
  assert.deepEqual(select(50, { sample: 1, seed: 'a' }), [{ start: 1, end: 50 }])
})

test('a share is never empty, and any block may be it', () => {
  const chosen = new Set<number>()
  for (let seed = 0; seed < 200; seed++) {
    const blocks = blocksOf(select(9, { sample: 1e-9, seed: String(seed), from: 4 }))
    assert.equal(blocks.length, 1)
    chosen.add(blocks[0])
  }
  assert.deepEqual([...chosen].sort(), row(4, 9))
})

test('the same seed chooses the same, another one something else, and a log that grows nothing new of what was', () => {
  const chosen = (length: number, seed: string) => blocksOf(select(length, { sample: 0.2, seed }))
  assert.deepEqual(chosen(200, 'a'), chosen(200, 'a'))
  assert.notDeepEqual(chosen(200, 'a'), chosen(200, 'b'))
  assert.deepEqual(
    chosen(100, 'a'),
    chosen(200, 'a').filter(block => block < 100)
  )
  assert.notEqual(randomSeed(), randomSeed())
})

test('shares hold every block once, in order, and about as many each', () => {
  const random = new Random(1)
  for (let run = 0; run < 200; run++) {
    const ranges: BlockRange[] = []
    for (let at = 1, i = random.below(6); i >= 0; i--) {
      const start = at + random.below(5)
      ranges.push({ start, end: (at = start + 1 + random.below(30)) })
      at++
    }
    const count = 1 + random.below(6)
    const shares = shareOut(ranges, count)
    assert.deepEqual(shares.flatMap(blocksOf), blocksOf(ranges))
    const size = Math.ceil(countBlocks(ranges) / count)
    assert.ok(shares.length <= count)
    for (const [i, share] of shares.entries()) {
      const blocks = countBlocks(share)
      assert.ok(i === shares.length - 1 ? blocks > 0 && blocks <= size : blocks === size)
    }
  }
  assert.deepEqual(shareOut([], 3), [])
})

test('the range of a block', () => {
  const ranges = [
    { start: 2, end: 4 },
    { start: 4, end: 5 },
    { start: 7, end: 20 }
  ]
  for (const range of ranges)
    for (const block of blocksOf([range])) assert.deepEqual(rangeOf(ranges, block), range)
  for (const block of [0, 1, 5, 6, 20, 21]) assert.equal(rangeOf(ranges, block), null)
  assert.equal(rangeOf([], 1), null)
})

// an honest history from everywhere

/** Commits of one to three calls, now and then a changed runtime. @returns calls by block */
async function history(vm: Forgery, blocks: number, seed: number, lies: { [block: number]: Lies } = {}) {
  const random = new Random(seed)
  const calls = [0, 1]
  await vm.init(lies[1])
  while (calls.length < blocks) {
    const block = calls.length
    if (!lies[block] && random.below(8) === 0) {
      await vm.changeRuntime({ ...RUNTIME, icu: String(block) })
      calls.push(0)
      continue
    }
    const count = lies[block] ? 2 : 1 + random.below(3)
    const requests = []
    for (let i = 0; i < count; i++) {
      const [method, ...args] = random.of<[string, ...unknown[]]>([
        ['add', random.below(9)],
        ['write', `/${random.below(20)}`, 'x'.repeat(random.below(50))],
        ['remove', `/${random.below(20)}`],
        ['list', '/'],
        ['fail']
      ])
      // a call may have seen only what is some blocks old
      const seen = await vm.head(1 + random.below(vm.cores.log.length))
      requests.push(await vm.request(method, args, { seen }))
    }
    await vm.commit(requests, lies[block])
    calls.push(count)
  }
  await vm.publish()
  return calls
}

const BLOCKS = 16

/** In full all of them; else some, among them those at both ends. */
const some = <T>(all: T[], each: number) =>
  process.env.VMS_TEST_FULL ? all : all.filter((_, i) => i % each === 0 || i === all.length - 1)

const sum = (calls: number[], blocks: number[]) => blocks.reduce((all, block) => all + calls[block], 0)

for (const seed of process.env.VMS_TEST_FULL ? [1, 2] : [1]) {
  test(`an honest history is verified from everywhere, seed ${seed}`, async () => {
    const vm = await forger.vm({ source: SOURCE })
    const calls = await history(vm, BLOCKS, seed)
    const all = sum(calls, row(0, BLOCKS))
    const replica = ground.replica(vm.key)
    const verify = async (options: Partial<AuditOptions>, blocks: number[]) => {
      const result = await audit(replica, { timeout: 20_000, ...options })
      const { verdict, from, calls: told, checked, findings, doubts } = result
      const first = options.sample === undefined ? (blocks.at(0) ?? BLOCKS) : (options.from ?? 1)
      assert.deepEqual(
        { verdict, from, told, checked, findings, doubts },
        {
          verdict: 'verified',
          from: first === 1 ? 0 : first,
          told: all,
          checked: sum(calls, blocks),
          findings: [],
          doubts: []
        },
        `seed ${seed}: ${JSON.stringify(options)}`
      )
      return result
    }
    for (const n of some(row(0, BLOCKS + 1), 3)) await verify({ from: n }, row(Math.max(1, n), BLOCKS))
    for (const n of some(row(1, BLOCKS + 1), 4))
      await verify({ last: n }, row(Math.max(1, BLOCKS - n), BLOCKS))
    for (const sample of [0.01, 0.2, 0.5, 1]) {
      const drawn = await verify(
        { sample, seed: `${seed}` },
        blocksOf(select(BLOCKS, { sample, seed: `${seed}` }))
      )
      assert.deepEqual([drawn.sample, drawn.seed], [sample, `${seed}`])
    }
    for (const jobs of [1, 2, 3]) {
      await verify({ jobs, blocksPerJob: 1 }, row(1, BLOCKS))
      await verify({ jobs, blocksPerJob: 1, from: 9 }, row(9, BLOCKS))
      await verify(
        { jobs, blocksPerJob: 1, sample: 0.5, seed: 'j' },
        blocksOf(select(BLOCKS, { sample: 0.5, seed: 'j' }))
      )
    }
    await replica.close()
  })
}

test('a request that is repeated, in an audit that begins after it stood first', async () => {
  const host = await ground.forger()
  const vm = await host.vm({ source: SOURCE })
  await vm.init()
  const seen = await vm.head()
  const request = await vm.request('add', [1], { seen })
  await vm.commit([request])
  await vm.call('add', [2])
  await vm.commit([request])
  await vm.publish()
  const { verdict, findings } = await ground.audit(vm.key, { from: 4 })
  assert.deepEqual([verdict, findings.length], ['fraud', 1])
  assert.deepEqual([findings[0].kind, findings[0].block, findings[0].related], ['replayed-request', 4, [2]])

  // without the block that it stood in first, nobody can say
  await host.withhold(vm, 'log', 2)
  const blind = await ground.audit(vm.key, { from: 4, timeout: 2000 })
  assert.deepEqual([blind.verdict, blind.findings], ['inconclusive', []])
  assert.deepEqual(
    blind.doubts.map(({ reason }) => reason),
    ['block 2 is not available']
  )
  await host.close()
})

test('a log that ends before the audit is to begin is not verified', async () => {
  const vm = await forger.vm({ source: SOURCE })
  await history(vm, BLOCKS, 5)
  const { verdict, doubts, from } = await ground.audit(vm.key, { from: BLOCKS + 1 })
  assert.deepEqual([verdict, from], ['inconclusive', BLOCKS])
  assert.match(doubts[0].reason, /nothing from block 17 on/)
})

test('a sample without a seed tells the one that repeats it', async () => {
  const vm = await forger.vm({ source: SOURCE })
  await history(vm, BLOCKS, 3)
  const replica = ground.replica(vm.key)
  const first = await audit(replica, { timeout: 20_000, sample: 0.3 })
  const again = await audit(replica, { timeout: 20_000, sample: 0.3, seed: first.seed })
  assert.match(first.seed!, /^[0-9a-f]{16}$/)
  assert.deepEqual([again.seed, again.from, again.checked], [first.seed, first.from, first.checked])
  await replica.close()
})

test('as many processes as are worth their start', async () => {
  const vm = await forger.vm({ source: SOURCE })
  await history(vm, BLOCKS, 4)
  const replica = ground.replica(vm.key)
  let children: ChildProcess[] = []
  const count = (message: unknown) => void children.push((message as { process: ChildProcess }).process)
  subscribe('child_process', count)
  try {
    for (const [options, expected] of [
      [{ jobs: 3, blocksPerJob: 5 }, 3],
      [{ jobs: 3, blocksPerJob: 8 }, 2],
      [{ jobs: 3, blocksPerJob: 15 }, 0],
      [{ jobs: 3 }, 0],
      [{ blocksPerJob: 1 }, 0]
    ] as const) {
      children = []
      assert.equal((await audit(replica, { timeout: 20_000, ...options })).verdict, 'verified')
      const jobs = children.filter(({ spawnargs }) => spawnargs.some(arg => arg.endsWith('job.js')))
      assert.equal(jobs.length, expected, JSON.stringify(options))
    }
  } finally {
    unsubscribe('child_process', count)
    await replica.close()
  }
})

// what is downloaded

test('a sample downloads what it touches, and not the rest', async () => {
  const vm = await forger.vm({ source: SOURCE })
  await vm.init()
  for (let block = 2; block < 150; block++) {
    const path = `/${block % 10}/${block}`
    await vm.commit([await vm.request('write', [path, path.repeat(100)], { seen: await vm.head(block) })])
  }
  await vm.publish()
  const replica = ground.replica(vm.key)
  const result = await audit(replica, { timeout: 20_000, sample: 0.03, seed: 'a' })
  assert.equal(result.verdict, 'verified', JSON.stringify(result))
  const blocks = blocksOf(select(150, { sample: 0.03, seed: 'a' }))
  assert.equal(result.checked, blocks.length)
  const { log, db, blobs } = await replica.cores()
  const held = async (core: typeof log) => {
    let count = 0
    for (let i = 0; i < core.length; i++) if (await core.has(i)) count++
    return count
  }
  // genesis, the last block, each chosen block with the one that it goes on from, and a search for who wrote the files last
  const ofLog = await held(log)
  assert.ok(
    ofLog <= 2 + 2 * blocks.length + Math.ceil(Math.log2(150)),
    `${ofLog} blocks of the log for ${blocks.join()}`
  )
  const ofDb = await held(db)
  assert.ok(ofDb <= db.length / 2, `${ofDb} of ${db.length} blocks of the database`)
  const ofBlobs = await held(blobs)
  assert.ok(ofBlobs <= 1 + 2 * blocks.length, `${ofBlobs} of ${blobs.length} blobs`)
  await replica.close()
})

// a lie

const LYING = 7

const forged: {
  [name: string]: {
    lies: Lies
    finds: [string, number, number | null]
    next?: [string, number, number | null]
  }
} = {
  'a value': {
    lies: { records: records => void (records[1].outcome = { ok: true, value: encodeValue('forged') }) },
    finds: ['wrong-outcome', LYING, 1]
  },
  'the files': {
    lies: { changes: changes => void changes.set('/evil', new Uint8Array(3)) },
    finds: ['wrong-state', LYING, null]
  },
  'a signature': {
    lies: { records: records => void (records[1].signature[3] ^= 1) },
    finds: ['bad-signature', LYING, 1]
  },
  'where its calls begin': {
    lies: { commit: commit => void (commit.first += 2) },
    finds: ['bad-record', LYING, null],
    // whoever begins there believes what the commit before says, and accuses the one that does not go on from it
    next: ['bad-record', LYING + 1, null]
  }
}

for (const [name, { lies, finds, next }] of Object.entries(forged)) {
  test(`a lie about ${name} is found by whoever looks at it, and only there`, async () => {
    const vm = await forger.vm({ source: SOURCE })
    const calls = await history(vm, 12, 5, { [LYING]: lies })
    const [kind, block, i] = finds
    const index = i === null ? null : sum(calls, row(0, LYING)) + i
    const replica = ground.replica(vm.key)
    const expect = async (options: Partial<AuditOptions>, blocks: number[]) => {
      const expected = []
      if (blocks.includes(LYING)) expected.push([kind, block, index])
      else if (next && blocks.includes(LYING + 1)) expected.push(next)
      const result = await audit(replica, { timeout: 20_000, ...options })
      assert.deepEqual(found(result), expected, JSON.stringify({ options, ...result, hash: '' }))
      assert.equal(result.verdict, expected.length > 0 ? 'fraud' : 'verified')
    }
    for (const from of new Set([...some(row(1, 12), 5), LYING, LYING + 1]))
      await expect({ from }, row(from, 12))
    for (const seed of some(row(0, 8), 3)) {
      const sample = { sample: 0.3, seed: `${seed}` }
      await expect(sample, blocksOf(select(12, sample)))
    }
    await expect({ jobs: 3, blocksPerJob: 1 }, row(1, 12))
    await replica.close()
  })
}

test('an audit that begins after a second genesis does not go on from it', async () => {
  const vm = await forger.vm({ source: SOURCE })
  await vm.init()
  await vm.append(vm.genesis)
  const position = { ...vm.position, block: 3 }
  vm.position = position
  await vm.call('add', [1])
  await vm.publish()
  const { verdict, findings } = await ground.audit(vm.key, { from: 3 })
  assert.deepEqual(
    [verdict, findings.map(({ kind, block }) => [kind, block])],
    ['fraud', [['bad-record', 2]]]
  )
})
