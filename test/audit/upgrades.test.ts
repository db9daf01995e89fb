// Contracts that are replaced: an audit follows them, wherever it begins, and finds out who replaces one without being allowed to,
// or says that one runs and runs another.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifyProof, writeProof } from '../../lib/audit/proof/index.js'
import type { Genesis } from '../../lib/ledger/blocks.js'
import {
  hashSource,
  MIGRATE,
  readUpgrade,
  upgradeArguments,
  UPGRADE_OWNER
} from '../../lib/ledger/contract.js'
import { encodeKey } from '../../lib/ledger/keys.js'
import type { Record } from '../../lib/ledger/record.js'
import { decodeValue, encodeValue, type Value } from '../../lib/ledger/values.js'
import { RUNTIME } from '../../lib/machine/runtime.js'
import { sourceOf } from '../helpers/copy.js'
import { ALICE, BOB, type Forgery } from '../helpers/forger.js'
import { Ground } from '../helpers/ground.js'

const ground = await Ground.open()
const forger = await ground.forger()

const FIRST = `
exports.init = async () => { await System.files.writeFile('/n', '0') }
exports.add = async n => {
  const sum = Number(await System.files.readFile('/n')) + n
  await System.files.writeFile('/n', String(sum))
  return sum
}
exports.old = () => 'old'`

/** Counts twice, and keeps its state otherwise. */
const SECOND = `
exports.migrate = async (...args) => {
  const n = Number(await System.files.readFile('/n'))
  await System.files.writeFile('/n', JSON.stringify({ n, args, caller: System.caller.id }))
  return n
}
exports.add = async n => {
  const state = JSON.parse(await System.files.readFile('/n'))
  state.n += 2 * n
  await System.files.writeFile('/n', JSON.stringify(state))
  return state.n
}
exports.get = async () => JSON.parse(await System.files.readFile('/n'))`

/** Has nothing to migrate. */
const THIRD = `exports.get = async () => System.files.readFile('/n')`

const FAILING = `exports.migrate = () => { throw new Error('not today') }`

const upgradable = (genesis: Genesis) => void (genesis.upgrade = UPGRADE_OWNER)

function valueOf({ outcome }: Record): Value {
  assert.ok(outcome.ok)
  return decodeValue(outcome.value)
}

async function begun(genesis: (genesis: Genesis) => void = upgradable): Promise<Forgery> {
  const vm = await forger.vm({ source: FIRST, genesis })
  await vm.init()
  await vm.call('add', [1])
  return vm
}

test('a contract that is replaced, again and again, is verified from everywhere', async () => {
  const vm = await begun()
  const { records } = await vm.upgrade(SECOND)
  assert.equal(valueOf(records[0]), 1)
  const got = await vm.call('get')
  const args = [Buffer.from(hashSource(FIRST)).toString('hex')]
  assert.deepEqual(valueOf(got.records[0]), { n: 1, args, caller: encodeKey(ALICE.publicKey) })
  await vm.changeRuntime({ ...RUNTIME })
  await vm.commit([await vm.request('add', [4]), await vm.request('add', [5])])
  await vm.upgrade(THIRD)
  await vm.call('get')
  await vm.upgrade(FIRST.replace('init', 'unused'))
  await vm.call('old')
  await vm.changeRuntime({ ...RUNTIME })
  await vm.changeRuntime({ ...RUNTIME })
  await vm.call('old')
  await vm.publish()
  const { length } = vm.cores.log
  for (let start = 0; start < length; start++) {
    const { verdict, findings, doubts } = await ground.audit(vm.key, { from: start })
    assert.equal(verdict, 'verified', `from ${start}: ${JSON.stringify([findings, doubts])}`)
  }
  for (const options of [{ sample: 0.4, seed: 'a' }, { sample: 1 }, { jobs: 2, blocksPerJob: 2 }])
    assert.equal((await ground.audit(vm.key, options)).verdict, 'verified')
})

const wrongOutcome = (vm: Forgery) =>
  vm.call('add', [1], {
    records: ([one]) => void (one.outcome = { ok: true, value: encodeValue(2) })
  })

/** What a host does, and what is found of it where. */
const FRAUDS: [string, (vm: Forgery) => Promise<unknown>, string, number][] = [
  ['somebody else replaces the contract', vm => vm.upgrade(SECOND, { by: BOB }), 'bad-record', 3],
  [
    'another contract was to be replaced',
    async vm => {
      const args = upgradeArguments(
        { source: SECOND, methods: [] },
        { source: SECOND, methods: ['add', 'get', MIGRATE] }
      )
      await vm.upgrade(SECOND, { args: encodeValue(args) })
    },
    'bad-record',
    3
  ],
  ['the methods are others', vm => vm.upgrade(SECOND, { methods: ['add', MIGRATE] }), 'bad-record', 3],
  [
    'a method more is named than there is',
    vm => vm.upgrade(SECOND, { methods: ['add', 'get', MIGRATE, 'more'] }),
    'bad-record',
    3
  ],
  [
    'the methods are not in order',
    async vm => {
      const [good, bad] = [
        ['add', 'get', MIGRATE],
        ['get', 'add', MIGRATE]
      ].map(methods => upgradeArguments(vm.genesis, { source: SECOND, methods }))
      const { request } = await vm.request(MIGRATE, good)
      const { signed } = await vm.request(MIGRATE, bad)
      await vm.commit([{ request, signed }], {}, readUpgrade(request))
    },
    'bad-record',
    3
  ],
  [
    'the contract cannot be loaded',
    vm => vm.upgrade('exports.get = (', { methods: ['get'] }),
    'bad-record',
    3
  ],
  ['migrate throws', vm => vm.upgrade(FAILING), 'bad-record', 3],
  [
    'migrate throws, and is said to have returned',
    vm =>
      vm.upgrade(FAILING, {
        lies: { records: ([one]) => void (one.outcome = { ok: true, value: encodeValue(null) }) }
      }),
    'wrong-outcome',
    3
  ],
  [
    'migrate is said to have returned something else',
    vm =>
      vm.upgrade(SECOND, {
        lies: { records: ([one]) => void (one.outcome = { ok: true, value: encodeValue(7) }) }
      }),
    'wrong-outcome',
    3
  ],
  [
    'a contract without migrate is said to have had one',
    vm => vm.upgrade(THIRD, { lies: { records: ([one]) => void (one.gas = 5) } }),
    'wrong-gas',
    3
  ],
  [
    'what migrate writes is left out',
    vm =>
      vm.upgrade(SECOND, {
        lies: { records: ([one]) => void (one.writes = []), changes: changes => changes.clear() }
      }),
    'wrong-writes',
    3
  ],
  [
    'an upgrade that is written as a commit',
    vm =>
      vm.upgrade(SECOND, {
        lies: { commit: commit => void (commit.upgrade = null) }
      }),
    'bad-record',
    3
  ],
  [
    'a commit that is written as an upgrade',
    vm =>
      vm.call('add', [1], {
        commit: commit => void (commit.upgrade = { from: '', source: '', methods: [] })
      }),
    'bad-record',
    3
  ],
  [
    'two calls in an upgrade',
    vm => vm.upgrade(SECOND, { lies: { records: ([one]) => [one, structuredClone(one)] } }),
    'bad-record',
    3
  ],
  [
    'a call runs under the contract before',
    async vm => {
      await vm.upgrade(FIRST.replace('+ n', '- n'))
      await wrongOutcome(vm)
    },
    'wrong-outcome',
    4
  ],
  [
    'the commit after it names the base before',
    async vm => {
      await vm.upgrade(SECOND)
      await vm.call('get', [], { commit: commit => void (commit.base = 0) })
    },
    'bad-record',
    4
  ],
  [
    'a call runs that was signed for the contract before',
    async vm => {
      const request = await vm.request('add', [1])
      await vm.upgrade(SECOND)
      await vm.commit([request])
    },
    'bad-freshness',
    4
  ],
  [
    'a call runs that saw all but the upgrade',
    async vm => {
      const seen = await vm.head()
      await vm.upgrade(SECOND)
      await vm.changeRuntime({ ...RUNTIME })
      await vm.commit([await vm.request('add', [1], { seen })])
    },
    'bad-freshness',
    5
  ],
  [
    'a method of the contract before is called',
    async vm => {
      await vm.upgrade(THIRD)
      await vm.call('old')
    },
    'bad-record',
    4
  ],
  [
    'migrate is called by hand',
    async vm => {
      await vm.upgrade(SECOND)
      await vm.call(MIGRATE, [1])
    },
    'bad-record',
    4
  ],
  [
    'an upgrade is repeated',
    async vm => {
      const request = await vm.request(
        MIGRATE,
        upgradeArguments(vm.genesis, { source: THIRD, methods: ['get'] })
      )
      const upgrade = { from: '', source: THIRD, methods: ['get'] }
      await vm.commit([request], {}, upgrade)
      await vm.commit([request], {}, upgrade)
    },
    'bad-record',
    4
  ]
]

for (const [name, lie, kind, block] of FRAUDS) {
  test(`fraud with upgrades: ${name}`, async () => {
    const vm = await begun()
    await lie(vm)
    await vm.publish()
    for (const options of [{}, { from: block }, { sample: 1 }]) {
      const { verdict, findings, doubts } = await ground.audit(vm.key, options)
      assert.equal(verdict, 'fraud', JSON.stringify(doubts))
      assert.deepEqual([findings[0].kind, findings[0].block], [kind, block], JSON.stringify(findings))
    }
    const proof = await writeProof(sourceOf(vm.cores), block)
    const proven = await verifyProof(proof!)
    assert.deepEqual([proven.verdict, proven.findings[0].kind], ['proven', kind])
  })
}

const NOBODYS: [string, (vm: Forgery) => Promise<unknown>, (genesis: Genesis) => void][] = [
  ['genesis does not allow it', vm => vm.upgrade(SECOND), () => {}],
  ['somebody else signs it', vm => vm.upgrade(SECOND, { by: BOB }), upgradable],
  ['migrate throws', vm => vm.upgrade(FAILING + THIRD), upgradable],
  ['it was for another VM', async vm => vm.upgrade(SECOND, { vm: (await begun()).key }), upgradable],
  [
    'nobody has signed it',
    vm => vm.upgrade(SECOND, { lies: { records: ([one]) => void one.signature.fill(0) } }),
    upgradable
  ]
]

for (const [name, lie, genesis] of NOBODYS) {
  test(`an audit that begins after an upgrade that is nobody’s does not go on from it: ${name}`, async () => {
    const vm = await begun(genesis)
    await lie(vm)
    await vm.call('get')
    await vm.changeRuntime({ ...RUNTIME })
    await vm.call('get')
    await vm.publish()
    for (const options of [{ from: 4 }, { from: 6 }, { last: 1 }]) {
      const { verdict, findings } = await ground.audit(vm.key, options)
      assert.deepEqual([verdict, findings[0].kind], ['fraud', 'bad-record'], JSON.stringify(options))
    }
  })
}

for (const [name, source, methods] of [
  ['init', `exports.init = async () => {}\nexports.a = () => 1`, ['a,init']],
  ['migrate', FAILING.replace('migrate', 'a') + FAILING, ['a,migrate']]
] as const) {
  test(`a list of methods that only reads like the right one: without ${name}`, async () => {
    const isInit = name === 'init'
    const vm = isInit
      ? await forger.vm({ source, genesis: one => void (one.methods = [...methods]) })
      : await begun()
    if (isInit) await vm.init()
    else await vm.upgrade(source, { methods: [...methods] })
    await vm.publish()
    const { verdict, findings } = await ground.audit(vm.key)
    assert.deepEqual([verdict, findings[0].kind], ['fraud', isInit ? 'bad-genesis' : 'bad-record'])
  })
}

test('fraud with upgrades: genesis says that nobody may replace the contract', async () => {
  const vm = await begun(() => {})
  await vm.upgrade(SECOND)
  await vm.publish()
  const { findings } = await ground.audit(vm.key)
  assert.deepEqual([findings[0].kind, findings[0].block], ['bad-record', 3])
})

test('fraud with upgrades: a policy that there is not', async () => {
  const vm = await begun(genesis => void (genesis.upgrade = 2))
  await vm.publish()
  const { findings } = await ground.audit(vm.key)
  assert.deepEqual([findings[0].kind, findings[0].block], ['bad-genesis', 0])
})

test('fraud with upgrades: it comes before init', async () => {
  const vm = await forger.vm({ source: FIRST, genesis: upgradable })
  await vm.upgrade(THIRD)
  await vm.publish()
  const { findings } = await ground.audit(vm.key)
  assert.deepEqual([findings[0].kind, findings[0].block], ['bad-record', 1])
})

test('a base that is none is no place to begin', async () => {
  for (const base of [2, 4, 1000]) {
    const other = await begun()
    await other.upgrade(SECOND)
    await other.call('get', [], { commit: commit => void (commit.base = base) })
    await other.call('get')
    await other.publish()
    const { verdict, findings } = await ground.audit(other.key, { from: 5 })
    assert.deepEqual([verdict, findings[0].kind, findings[0].block], ['fraud', 'bad-record', 4])
  }
})

test('bases that lead in a circle end', { timeout: 60_000 }, async () => {
  for (const base of [3, 4]) {
    const vm = await begun()
    await vm.changeRuntime({ ...RUNTIME }, base)
    await vm.call('get', [], { commit: commit => void (commit.base = 3) })
    await vm.call('get')
    await vm.publish()
    const { verdict, findings } = await ground.audit(vm.key, { from: 5 })
    assert.deepEqual([verdict, findings[0].kind, findings[0].block], ['fraud', 'bad-record', 4])
  }
})

test('where genesis says that nobody may replace the contract, migrate is a method like others', async () => {
  const vm = await forger.vm({ source: `exports.migrate = (a, b) => [a, b]` })
  await vm.init()
  const { records } = await vm.call(MIGRATE, [1, 2])
  assert.deepEqual(valueOf(records[0]), [1, 2])
  await vm.publish()
  assert.equal((await ground.audit(vm.key)).verdict, 'verified')
})
