// Every kind of fraud at every place where it can be: in the first commit, inside of a batch, in the last commit, in the
// first one after the host was started again, and in one that arrives while somebody watches. However a VM is audited, it
// finds that lie there, calls it by its name, and accuses the host of nothing else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import b4a from 'b4a'
import { audit, type AuditOptions } from '../../lib/audit/auditor.js'
import { KINDS, type Finding, type Kind } from '../../lib/audit/findings.js'
import { Watch } from '../../lib/audit/watch.js'
import crypto from '../../lib/ledger/crypto.js'
import type { Record, Write } from '../../lib/ledger/record.js'
import { encodeValue } from '../../lib/ledger/values.js'
import type { CheckedRequest } from '../../lib/ledger/request.js'
import type { Replica } from '../../lib/replica/replica.js'
import type { Forgery, Lies, VMOptions } from '../helpers/forger.js'
import { Ground } from '../helpers/ground.js'
import { SOURCE } from '../helpers/story.js'
import { until } from '../helpers/until.js'

const PLACES = [
  'in the first commit',
  'in the middle of a batch',
  'in the last commit',
  'after a restart of the host',
  'during a watch'
] as const

type Place = (typeof PLACES)[number]

/** What a host does about one call, the `i`-th of its batch; all of it writes /n, and the calls beside it do not. */
interface Lie {
  genesis?: VMOptions['genesis']
  /** the request that it executes instead */
  request?: (
    vm: Forgery,
    honest: CheckedRequest,
    earlier: CheckedRequest
  ) => Promise<CheckedRequest> | CheckedRequest
  lies?: (i: number) => Lies
  /** what it does after the commit */
  then?: (vm: Forgery) => Promise<void>
  /** what it has told a caller, and the auditor knows of */
  told?: (vm: Forgery, block: number, i: number, replica: Replica) => Promise<void>
  /** whether the finding names the commit, or the first block, and no call */
  whole?: true
  /** whether nothing honest can follow */
  last?: true
  /** places where there is no such lie, and why */
  never: { [place in Place]?: string }
}

const nothing = b4a.alloc(32, 7)

const record =
  (lie: (one: Record) => void) =>
  (i: number): Lies => ({
    records: records => {
      lie(records[i])
    }
  })
const written = (path: string, text: string): Write => {
  const bytes = b4a.from(text)
  return { path, content: { byteLength: bytes.byteLength, hash: crypto.hash(bytes) } }
}
const swap =
  (path: string, text: string): Lies['changes'] =>
  changes =>
    void changes.set(path, b4a.from(text))

const OF_GENESIS = 'genesis is the first block, and no other'
const OF_THE_END = 'commits that follow show it as a state that no record leads to'
const FIRST = 'no request comes before it'

const LIES: { [kind in Kind]: Lie } = {
  'bad-genesis': {
    genesis: one => void (one.sourceHash = nothing),
    whole: true,
    never: {
      'in the middle of a batch': OF_GENESIS,
      'in the last commit': OF_GENESIS,
      'after a restart of the host': OF_GENESIS,
      'during a watch': OF_GENESIS
    }
  },
  'bad-record': {
    request: (vm, { request: { method } }) =>
      vm.request(method, method === 'init' ? [] : [1], { vm: nothing }),
    never: {}
  },
  'bad-signature': { lies: record(one => void (one.signature[0] ^= 1)), never: {} },
  'bad-freshness': {
    request: (vm, { request: { method } }) =>
      vm.request(method, method === 'init' ? [] : [1], { seen: { length: 1, hash: nothing } }),
    never: {}
  },
  'replayed-request': {
    request: (_, __, earlier) => earlier,
    never: { 'in the first commit': FIRST }
  },
  'wrong-outcome': {
    lies: record(one => void (one.outcome = { ok: true, value: encodeValue('forged') })),
    never: {}
  },
  'wrong-gas': { lies: record(one => void one.gas++), never: {} },
  'wrong-writes': {
    lies: i => ({
      ...record(one => void (one.writes = [written('/n', '1000')]))(i),
      changes: swap('/n', '1000')
    }),
    never: {}
  },
  'wrong-state': { lies: () => ({ changes: swap('/n', 'forged') }), whole: true, never: {} },
  'unlogged-write': {
    then: vm => vm.tamper([['/n', null]]), // which the database alone holds
    whole: true,
    last: true,
    never: { 'in the middle of a batch': OF_THE_END }
  },
  forked: { lies: () => ({ signed: swap('/n', 'forged') }), whole: true, last: true, never: {} },
  'answer-not-logged': {
    told: async (vm, block, i, { memory }) =>
      memory.rememberReceipt(await vm.receipt(await vm.commitAt(block), block, i, { record: nothing })),
    never: {}
  },
  'wrong-oracle-call': {
    genesis: one => void (one.oracles = [{ name: 'clock', methods: ['now'], hash: null, scope: [] }]),
    lies: record(one => {
      const output = { ok: true as const, value: encodeValue(1) }
      one.oracles.push({ name: 'clock', method: 'now', inputs: encodeValue([]), output })
    }),
    never: {}
  }
}

/** Where the lie is: its block, and the call in its batch. */
const WHERE: { [place in Place]: { block: number; i: number; index: number } } = {
  'in the first commit': { block: 1, i: 0, index: 0 },
  'in the middle of a batch': { block: 3, i: 1, index: 3 },
  'in the last commit': { block: 6, i: 0, index: 9 },
  'after a restart of the host': { block: 4, i: 0, index: 5 },
  'during a watch': { block: 4, i: 0, index: 5 }
}

const BLOCKS = 7

/** Watches do not promise anything else of their speed. */
const SOON_MS = 2000

/** A history that has a lie somewhere. */
class Telling {
  private earlier!: CheckedRequest

  constructor(
    public vm: Forgery,
    private readonly lie: Lie,
    private readonly place: Place
  ) {}

  /** How many blocks there will be. */
  get length(): number {
    return this.lie.last ? WHERE[this.place].block + 1 : BLOCKS
  }

  /** Goes on up to a block, which is excluded. */
  async until(end: number): Promise<void> {
    for (let block = this.vm.cores.log.length; block < end; block++) await this.commit(block)
  }

  private async commit(block: number): Promise<void> {
    const { vm, lie } = this
    const where = WHERE[this.place]
    const lying = where.block === block
    const requests = await this.requests(block)
    const honest = requests[where.i]
    if (lying && lie.request) requests[where.i] = await lie.request(vm, honest, this.earlier)
    if (block === 2) this.earlier = requests[0]
    await vm.commit(requests, lying ? lie.lies?.(where.i) : {})
    if (lying) await lie.then?.(vm)
  }

  private requests(block: number): Promise<CheckedRequest[]> {
    const { vm } = this
    if (block === 1) return Promise.all([vm.request('init')])
    const add = vm.request('add', [block])
    if (block % 2 === 0) return Promise.all([add])
    return Promise.all([vm.request('write', ['/a', 'a']), add, vm.request('write', ['/b', `${block}`])])
  }
}

type Found = [kind: Kind, block: number, index: number | null]

const found = (findings: Finding[]): Found[] => findings.map(({ kind, block, index }) => [kind, block, index])

/** The ways of auditing beside the full one. */
const OTHER_WAYS: ((block: number, length: number) => Partial<AuditOptions>)[] = [
  () => ({ sample: 1 }),
  block => ({ from: block }),
  (block, length) => ({ last: length - block }),
  () => ({ jobs: 2, blocksPerJob: 2 })
]

/** In full all ways at every place; else a kind meets each of them at one place at least. */
function ways(kind: Kind, place: Place, block: number, length: number): Partial<AuditOptions>[] {
  const places = PLACES.filter(one => LIES[kind].never[one] === undefined)
  const at = places.indexOf(place)
  const all = process.env.VMS_TEST_FULL !== undefined
  const others = OTHER_WAYS.filter((_, way) => all || way % places.length === at)
  return [{}, ...others.map(options => options(block, length))]
}

const ground = await Ground.open()

/** Watches a VM until a lie was told. @returns what it said, and how long it took since the block was there, ms */
async function watched(
  replica: Replica,
  length: number,
  block: number,
  goOn: (watch: Watch) => Promise<void>
) {
  const watch = new Watch(replica, { timeout: 20_000, folder: ground.folder() })
  const findings: Finding[] = []
  let [arrived, told] = [0, 0]
  replica.on('append', () => {
    if (replica.log.length > block) arrived ||= performance.now()
  })
  watch.on('fraud', (finding: Finding) => {
    told ||= performance.now()
    findings.push(finding)
  })
  await watch.ready()
  try {
    await goOn(watch)
    const said = () => `${length} blocks, ${JSON.stringify([found(findings), watch.progress.doubts])}`
    await until(() => findings.length > 0 && watch.progress.length === length, said)
  } finally {
    await watch.close()
  }
  return { findings, ms: told - arrived }
}

async function prove(kind: Kind, place: Place): Promise<void> {
  const lie = LIES[kind]
  const { i, ...where } = WHERE[place]
  const [block, index] = kind === 'bad-genesis' ? [0, null] : [where.block, lie.whole ? null : where.index]
  const expected: Found[] = [[kind, block, index]]
  let forger = await ground.forger()
  const telling = new Telling(await forger.vm({ source: SOURCE, genesis: lie.genesis }), lie, place)
  const { length } = telling
  if (place === 'after a restart of the host') {
    await telling.until(where.block)
    forger = ground.keep(await forger.restart())
    telling.vm = forger.vms[0]
  }
  if (place !== 'during a watch') await telling.until(length)
  else await telling.until(where.block)
  const { vm } = telling
  await vm.publish()

  const replica = ground.replica(vm.key)
  const { findings, ms } = await watched(replica, length, block, async watch => {
    if (place === 'during a watch') {
      await until(
        () => watch.progress.length === where.block && watch.progress.hash !== '',
        () => JSON.stringify(watch.progress)
      )
      assert.deepEqual([watch.progress.length, watch.verdict], [where.block, 'verified'])
      await telling.until(length)
      await vm.show()
    }
    await lie.told?.(vm, block, i, replica)
  })
  assert.deepEqual(found(findings), expected, 'a watch')
  if (process.env.VMS_TEST_FULL) assert.ok(ms < SOON_MS, `told ${ms} ms after it was there`)

  for (const options of ways(kind, place, block, length)) {
    const way = JSON.stringify(options)
    const result = await audit(replica, { timeout: 20_000, ...options })
    assert.deepEqual(
      found(result.findings),
      expected,
      `${way}: ${JSON.stringify(result.findings.map(({ detail }) => detail))}`
    )
    assert.deepEqual([result.verdict, result.length], ['fraud', length], way)
  }
  await replica.close()
  await forger.close()
}

for (const kind of KINDS) {
  for (const place of PLACES) {
    if (LIES[kind].never[place] === undefined) test(`${kind} ${place}`, () => prove(kind, place))
  }
}
