// Every lie that a host can tell in its log and in its files, and what an audit calls it. Each is told alone, so exactly one
// thing is found: the audit goes on after it, and accuses the host of nothing that is right.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import b4a from 'b4a'
import type { AuditResult, Kind } from '../../lib/audit/findings.js'
import { CEILINGS, encodeBlock, type Commit, type Genesis, type Limits } from '../../lib/ledger/blocks.js'
import crypto from '../../lib/ledger/crypto.js'
import type { Record, Write } from '../../lib/ledger/record.js'
import { signRequest } from '../../lib/ledger/request.js'
import { encodeValue } from '../../lib/ledger/values.js'
import { RUNTIME } from '../../lib/machine/runtime.js'
import { ALICE, BOB, type Forgery, type Lies, type VMOptions } from '../helpers/forger.js'
import { Ground } from '../helpers/ground.js'
import { SOURCE, tell, type Story } from '../helpers/story.js'

const ground = await Ground.open()
const forger = await ground.forger()

type Found = [kind: Kind, block: number, index: number | null]

interface Fraud extends Story, Partial<VMOptions> {
  name: string
  finds: Found[]
  /** in the detail of the first finding */
  says?: RegExp
  /** records that can be executed again, if not all */
  checked?: number
}

async function audited(options: Partial<VMOptions>, story: Story): Promise<AuditResult> {
  const vm = await forger.vm({ source: SOURCE, ...options })
  await tell(vm, story)
  await vm.publish()
  return ground.audit(vm.key)
}

function check(frauds: Fraud[]): void {
  for (const { name, finds, says, checked, ...story } of frauds) {
    test(name, async () => {
      const result = await audited(story, story)
      assert.deepEqual(
        result.findings.map(({ kind, block, index }) => [kind, block, index]),
        finds,
        JSON.stringify(result, null, 1)
      )
      assert.equal(result.verdict, finds.length > 0 ? 'fraud' : 'verified')
      if (says) assert.match(result.findings[0].detail, says)
      if (checked !== undefined) assert.equal(result.checked, checked)
      assert.equal(result.length, 6)
    })
  }
}

const value = (i: number, of: unknown): Lies => ({
  records: records => {
    records[i].outcome = { ok: true, value: encodeValue(of) }
  }
})
const record = (i: number, lie: (one: Record) => void): Lies => ({
  records: records => {
    lie(records[i])
  }
})
const fields = (lie: (commit: Commit) => void): Lies => ({ commit: lie })
const genesis = (lie: (genesis: Genesis) => void) => ({ genesis: lie })
const written = (path: string, text: string): Write => {
  const bytes = b4a.from(text)
  return { path, content: { byteLength: bytes.byteLength, hash: crypto.hash(bytes) } }
}
const nothing = b4a.alloc(32, 7)

// 0: nothing to find

check([
  { name: 'an honest history', finds: [], checked: 8 },
  {
    name: 'a request in the last block of its window',
    finds: [],
    genesis: ({ limits }) => void (limits.window = 3),
    requests: {
      5: async vm => [await vm.request('add', [1], { seen: await vm.head(3) })]
    }
  },
  {
    name: 'a request that was signed again, on a log that does not hold it',
    finds: [],
    requests: {
      2: async vm => [await vm.request('add', [1], { id: b4a.alloc(16, 3) })],
      5: async vm => [await vm.request('add', [1], { id: b4a.alloc(16, 3), seen: await vm.head(3) })]
    }
  },
  {
    name: 'the same id of two callers',
    finds: [],
    requests: {
      2: async vm => [
        await vm.request('add', [1], { id: b4a.alloc(16, 3) }),
        await vm.request('add', [1], { id: b4a.alloc(16, 3), by: BOB })
      ]
    }
  },
  {
    name: 'a contract without init',
    finds: [],
    source: SOURCE.replace('exports.init', 'const _init'),
    requests: {
      2: async vm => [await vm.request('write', ['/n', '5'])],
      4: async vm => [await vm.request('add', [2])]
    }
  }
])

// 1: genesis

check([
  {
    name: 'genesis: the hash is not that of the source',
    ...genesis(one => void (one.sourceHash = nothing)),
    finds: [['bad-genesis', 0, null]],
    says: /hash/
  },
  {
    name: "genesis: another files' key",
    ...genesis(one => void (one.files = nothing)),
    finds: [['bad-genesis', 0, null]],
    says: /files' key/
  },
  {
    name: 'genesis: methods out of order',
    ...genesis(one => void one.methods.reverse()),
    finds: [
      ['bad-genesis', 0, null],
      ['bad-genesis', 0, null]
    ],
    says: /not in order/
  },
  {
    name: 'genesis: a policy of upgrades that does not exist',
    ...genesis(one => void (one.upgrade = 2)),
    finds: [['bad-genesis', 0, null]],
    says: /upgrades/
  },
  {
    name: 'genesis: an oracle that nothing can be called by',
    ...genesis(one => void one.oracles.push({ name: 'a.b', methods: ['c'], hash: null, scope: [] })),
    finds: [['bad-genesis', 0, null]],
    says: /a\.b/
  },
  ...(Object.keys(CEILINGS) as (keyof Limits)[]).map((name): Fraud => ({
    name: `genesis: the limit of ${name} is above its ceiling`,
    ...genesis(one => void (one.limits[name] = CEILINGS[name] + 1)),
    finds: [['bad-genesis', 0, null]],
    says: new RegExp(`limit of ${name} `)
  })),
  {
    name: 'genesis: a method that the contract does not export',
    ...genesis(one => void one.methods.push('zzz')),
    finds: [['bad-genesis', 0, null]],
    says: /exports/
  },
  {
    name: 'genesis: a method that the contract exports is left out',
    ...genesis(one => void (one.methods = one.methods.filter(name => name !== 'where'))),
    finds: [['bad-genesis', 0, null]],
    says: /exports/
  },
  {
    name: 'genesis: a contract that cannot be deployed',
    source: SOURCE + 'let count = 0; exports.count = () => ++count',
    finds: [['bad-genesis', 0, null]],
    says: /cannot be loaded: count is assigned/
  },
  {
    name: 'genesis: trailing bytes',
    block: bytes => b4a.concat([bytes, b4a.alloc(1)]),
    finds: [['bad-genesis', 0, null]],
    checked: 0
  },
  {
    name: 'genesis: a commit instead',
    block: () =>
      encodeBlock({
        type: 'runtime',
        base: 0,
        runtime: RUNTIME
      }),
    finds: [['bad-genesis', 0, null]],
    says: /does not begin/,
    checked: 0
  }
])

// 2: init

check([
  {
    name: 'init: the first call is another',
    requests: { 1: async vm => [await vm.request('write', ['/n', '0'])] },
    finds: [['bad-record', 1, 0]],
    says: /not init/
  },
  {
    name: 'init: signed by somebody who is not the owner',
    requests: { 1: async vm => [await vm.request('init', [], { by: BOB })] },
    finds: [['bad-record', 1, 0]],
    says: /owner/
  },
  {
    name: 'init: it failed',
    source: SOURCE.replace("writeFile('/n', '0')", "writeFile('/n', '0'); throw new Error('no')"),
    requests: {
      2: async vm => [await vm.request('write', ['/n', '5'])],
      4: async vm => [await vm.request('add', [1])]
    },
    finds: [['bad-record', 1, 0]],
    says: /init failed/
  },
  {
    name: 'init: another call in the same commit',
    requests: { 1: async (vm, [init]) => [init, await vm.request('add', [5])] },
    finds: [['bad-record', 1, null]],
    says: /more than init/,
    checked: 9
  },
  {
    name: 'init: another call in the same commit, which fails',
    requests: { 1: async (vm, [init]) => [init, await vm.request('fail')] },
    finds: [['bad-record', 1, null]],
    says: /more than init/,
    checked: 9
  },
  {
    name: 'init: a wrong value, of a contract that has none',
    source: SOURCE.replace('exports.init', 'const _init'),
    requests: {
      2: async vm => [await vm.request('write', ['/n', '5'])],
      4: async vm => [await vm.request('add', [2])]
    },
    lies: { 1: value(0, 1) },
    finds: [['wrong-outcome', 1, 0]]
  },
  {
    name: 'init: another call in the same commit, of a contract that has none',
    source: SOURCE.replace('exports.init', 'const _init'),
    requests: {
      1: async (vm, [init]) => [init, await vm.request('write', ['/n', '5'])],
      4: async vm => [await vm.request('add', [2])]
    },
    finds: [['bad-record', 1, null]]
  },
  { name: 'init: a wrong outcome', lies: { 1: value(0, 1) }, finds: [['wrong-outcome', 1, 0]] },
  { name: 'init: wrong gas', lies: { 1: record(0, one => one.gas++) }, finds: [['wrong-gas', 1, 0]] },
  {
    name: 'init: a signature of nobody',
    lies: { 1: record(0, one => void (one.signature[0] ^= 1)) },
    finds: [['bad-signature', 1, 0]]
  },
  {
    name: 'init: seen before there was a log',
    requests: { 1: async vm => [await vm.request('init', [], { seen: { length: 1, hash: nothing } })] },
    finds: [['bad-freshness', 1, 0]]
  }
])

// 3: results

for (const [where, block, i, index] of [
  ['in the first commit', 2, 0, 1],
  ['in the middle of a batch', 2, 1, 2],
  ['at the end of a batch', 4, 1, 6],
  ['in the last block', 5, 0, 7]
] as const) {
  check([
    {
      name: `a wrong value ${where}`,
      lies: { [block]: value(i, 'forged') },
      finds: [['wrong-outcome', block, index]],
      checked: 8
    },
    {
      name: `an error that was none ${where}`,
      lies: {
        [block]: {
          records: records => {
            records[i].outcome = { ok: false, error: { name: 'Error', message: 'no', code: null } }
            records[i].writes = []
          },
          changes: changes => changes.delete(index === 2 || index === 6 ? '/a' : '/n')
        }
      },
      requests: index === 2 ? { 4: async vm => [await vm.request('add', [3])] } : {},
      finds: [
        ['wrong-outcome', block, index],
        ['wrong-writes', block, index]
      ]
    },
    {
      name: `wrong gas ${where}`,
      lies: { [block]: record(i, one => one.gas++) },
      finds: [['wrong-gas', block, index]]
    },
    {
      name: `an altered signature ${where}`,
      lies: { [block]: record(i, one => void (one.signature[5] ^= 1)) },
      finds: [['bad-signature', block, index]]
    }
  ])
}

check([
  {
    name: 'a failure that is logged as success',
    lies: { 2: value(2, null) },
    finds: [['wrong-outcome', 2, 3]]
  },
  {
    name: 'an error with another message',
    lies: {
      2: record(2, one => {
        one.outcome = { ok: false, error: { name: 'TypeError', message: 'nope!', code: null } }
      })
    },
    finds: [['wrong-outcome', 2, 3]]
  },
  {
    name: 'a write of other bytes, in log and files alike',
    lies: {
      3: {
        records: ([one]) => void (one.writes = [written('/n', '1000')]),
        changes: changes => void changes.set('/n', b4a.from('1000'))
      }
    },
    finds: [['wrong-writes', 3, 4]],
    checked: 8
  },
  {
    name: 'a write of other bytes, and the calls after it in the batch that read them',
    requests: {
      2: async vm => [
        await vm.request('add', [1]),
        await vm.request('write', ['/n', '7']),
        await vm.request('write', ['/a', 'x']),
        await vm.request('get', ['/n']),
        await vm.request('add', [1])
      ]
    },
    lies: {
      2: {
        records: records => {
          records[1].writes = [written('/n', '100')]
          records[3].outcome = { ok: true, value: encodeValue('100') }
          records[4].outcome = { ok: true, value: encodeValue(101) }
          records[4].writes = [written('/n', '101')]
        },
        changes: changes => void changes.set('/n', b4a.from('101'))
      }
    },
    finds: [['wrong-writes', 2, 2]]
  },
  {
    name: 'a write that the call did not make, in log and files alike',
    lies: {
      3: {
        records: ([one]) => void one.writes.unshift(written('/evil', 'e')),
        changes: changes => void changes.set('/evil', b4a.from('e'))
      }
    },
    finds: [['wrong-writes', 3, 4]]
  },
  {
    name: 'a write left out, in log and files alike',
    lies: { 3: { records: ([one]) => void (one.writes = []), changes: changes => changes.clear() } },
    finds: [['wrong-writes', 3, 4]]
  },
  {
    name: 'a deletion logged as a write',
    lies: {
      4: {
        records: records => void (records[1].writes = [written('/a', 'x')]),
        changes: changes => void changes.set('/a', b4a.from('x'))
      }
    },
    finds: [['wrong-writes', 4, 6]]
  },
  {
    name: 'a write logged as a deletion',
    lies: {
      5: {
        records: ([one]) => void (one.writes[0].content = null),
        changes: changes => void changes.set('/n', null)
      }
    },
    finds: [['wrong-writes', 5, 7]]
  },
  {
    name: 'a write of another length',
    lies: { 3: record(0, one => void (one.writes[0].content!.byteLength = 5)) },
    finds: [['wrong-writes', 3, 4]]
  },
  {
    name: 'a lie each in three blocks',
    lies: { 2: value(1, 'forged'), 4: record(0, one => one.gas++), 5: value(0, 'forged') },
    finds: [
      ['wrong-outcome', 2, 2],
      ['wrong-gas', 4, 5],
      ['wrong-outcome', 5, 7]
    ],
    checked: 8
  }
])

// 4: the files

check([
  {
    name: 'a change that no record logs',
    lies: { 3: { changes: changes => void changes.set('/evil', b4a.from('e')) } },
    finds: [['wrong-state', 3, null]],
    says: /with the writes that it logs/,
    checked: 8
  },
  {
    name: 'a deletion that is logged and not made',
    lies: { 4: { changes: changes => changes.delete('/a') } },
    finds: [['wrong-state', 4, null]]
  },
  {
    name: 'files that hold other bytes than the log says',
    lies: { 3: { changes: changes => void changes.set('/n', b4a.from('9')) } },
    finds: [['wrong-state', 3, null]],
    checked: 8
  },
  {
    name: 'a logged write whose bytes nobody has',
    lies: { 3: record(0, one => void (one.writes[0].content!.hash = nothing)) },
    finds: [
      ['wrong-writes', 3, 4],
      ['wrong-state', 3, null]
    ],
    checked: 8
  },
  {
    name: 'files changed between two commits',
    before: { 4: vm => vm.tamper([['/n', '50']]) },
    finds: [['wrong-state', 4, null]],
    says: /outside of the log/,
    checked: 8
  },
  {
    name: 'files changed before init',
    before: { 1: vm => vm.tamper([['/n', '50']]) },
    finds: [['wrong-state', 1, null]],
    says: /outside of the log/
  },
  ...(['db', 'blobs'] as const).flatMap((core): Fraud[] => [
    {
      name: `a wrong hash of the ${core} after a commit`,
      lies: { 3: fields(one => void (one.after[core].hash = nothing)) },
      finds: [['wrong-state', 3, null]],
      says: /with the writes/,
      checked: 8
    },
    {
      name: `a wrong length of the ${core} after a commit`,
      lies: { 5: fields(one => one.after[core].length++) },
      finds: [['wrong-state', 5, null]]
    },
    {
      name: `a wrong hash of the ${core} before a commit`,
      lies: { 3: fields(one => void (one.before[core].hash = nothing)) },
      finds: [['wrong-state', 3, null]],
      checked: 4
    }
  ]),
  {
    name: 'a wrong state that the next commit goes on from',
    lies: {
      3: fields(one => void (one.after.db.hash = nothing)),
      4: fields(one => void (one.before.db.hash = nothing))
    },
    finds: [['wrong-state', 3, null]],
    checked: 5
  }
])

// 5: continuity and form

const FILLING =
  SOURCE +
  "exports.fill = async n => { for (let i = 0; i < n; i++) await System.files.writeFile('/big' + System.vm.index + '/' + i, new Uint8Array(1 << 20)) }"

check([
  {
    name: 'a wrong index of the first call',
    lies: { 3: fields(one => void (one.first = 40)) },
    finds: [['bad-record', 3, null]],
    says: /due is 4/,
    checked: 8
  },
  {
    name: 'a wrong index of the first call, and a wrong outcome',
    lies: { 3: { ...fields(one => void (one.first = 40)), ...value(0, 'forged') } },
    finds: [
      ['bad-record', 3, null],
      ['wrong-outcome', 3, 4]
    ]
  },
  {
    name: 'a wrong base',
    lies: { 3: fields(one => void (one.base = 2)) },
    finds: [['bad-record', 3, null]],
    says: /its base is block 2, in force is block 0/
  },
  {
    name: 'a commit without records',
    lies: { 3: { records: () => [], changes: changes => changes.clear() } },
    finds: [['bad-record', 3, null]],
    says: /no records/,
    checked: 7
  },
  {
    name: 'a block above 60 KiB with several records',
    requests: {
      3: async vm => [
        await vm.request('echo', ['x'.repeat(40_000)]),
        await vm.request('echo', ['y'.repeat(40_000)])
      ]
    },
    finds: [['bad-record', 3, null]],
    says: /2 records/
  },
  {
    name: 'a block above 60 KiB with one record',
    requests: { 3: async vm => [await vm.request('echo', ['x'.repeat(70_000)])] },
    finds: []
  },
  {
    name: 'a block whose several records write more than 32 MiB',
    source: FILLING,
    requests: {
      3: async vm => [
        await vm.request('fill', [12]),
        await vm.request('fill', [12]),
        await vm.request('fill', [12])
      ]
    },
    finds: [['bad-record', 3, null]],
    says: /3 records write 37748736 bytes/
  },
  {
    name: 'a block whose only record writes more than 32 MiB',
    source: FILLING,
    genesis: ({ limits }) =>
      void Object.assign(limits, { writeBytes: CEILINGS.writeBytes, gas: CEILINGS.gas }),
    requests: { 3: async vm => [await vm.request('fill', [36])] },
    finds: []
  },
  {
    name: 'a record above 1 MiB',
    genesis: ({ limits }) => void (limits.valueBytes = 1024 * 1024),
    requests: { 3: async vm => [await vm.request('echo', ['x'.repeat(600_000)])] },
    lies: { 3: value(0, 'x'.repeat(600_000)) },
    finds: [['bad-record', 3, 4]],
    says: /more than 1048576 bytes/
  },
  {
    name: 'an oracle call',
    lies: {
      3: record(0, one => {
        const output = { ok: true as const, value: encodeValue(null) }
        one.oracles.push({ name: 'weather', method: 'get', inputs: encodeValue([]), output })
      })
    },
    finds: [['bad-record', 3, 4]],
    says: /oracle/,
    checked: 7
  },
  {
    name: 'a value that is not in its canonical encoding',
    lies: { 3: record(0, one => void (one.outcome = { ok: true, value: b4a.from([3, 0xfd, 3, 0]) })) },
    finds: [['bad-record', 3, 4]],
    says: /canonical/
  },
  {
    name: 'writes of a call that failed',
    lies: {
      2: {
        records: records => void records[2].writes.push(written('/b', 'b')),
        changes: changes => void changes.set('/b', b4a.from('b'))
      }
    },
    finds: [['bad-record', 2, 3]],
    says: /failed and has writes/,
    checked: 5
  },
  ...['/b/../c', 'b', '/', '/b\\c', '/b//c'].map((path): Fraud => ({
    name: `a write to ${path}`,
    lies: {
      3: {
        records: ([one]) => void one.writes.unshift(written(path, 'b')),
        changes: changes => void changes.set(path, b4a.from('b'))
      }
    },
    finds: [['bad-record', 3, 4]],
    says: /writes to|segment|backslash/
  })),
  {
    name: 'writes out of order',
    lies: {
      3: {
        records: ([one]) => void one.writes.push(written('/b', 'b')),
        changes: changes => void changes.set('/b', b4a.from('b'))
      }
    },
    finds: [['bad-record', 3, 4]],
    says: /not in order/
  },
  {
    name: 'two writes to one path',
    lies: { 3: record(0, one => void one.writes.push(one.writes[0])) },
    finds: [['bad-record', 3, 4]],
    says: /not in order/
  },
  {
    name: 'a request that is malformed',
    lies: { 3: record(0, one => void (one.request = b4a.concat([one.request, b4a.alloc(1)]))) },
    finds: [['bad-record', 3, 4]],
    says: /malformed/
  },
  {
    name: 'a request that is malformed, in the last block',
    lies: { 5: record(0, one => void (one.request = b4a.alloc(0))) },
    finds: [['bad-record', 5, 7]],
    says: /malformed/
  },
  {
    name: 'an unknown version of the format',
    lies: { 5: { block: bytes => (bytes.fill(2, 0, 1), bytes) } },
    finds: [['bad-record', 5, null]],
    says: /format 2/
  },
  {
    name: 'an unknown type of block',
    lies: { 5: { block: bytes => (bytes.fill(9, 1, 2), bytes) } },
    finds: [['bad-record', 5, null]],
    says: /type 9/
  },
  {
    name: 'trailing bytes',
    lies: { 3: { block: bytes => b4a.concat([bytes, b4a.alloc(1)]) } },
    finds: [['bad-record', 3, null]],
    says: /canonical/,
    checked: 4
  },
  {
    name: 'an empty block',
    lies: { 3: { block: () => b4a.alloc(0) } },
    finds: [['bad-record', 3, null]],
    says: /malformed/
  }
])

// 6: who asked, and when

check([
  {
    name: 'a request for another VM',
    requests: { 3: async vm => [await vm.request('add', [2], { vm: nothing })] },
    finds: [['bad-record', 3, 4]],
    says: /another VM/
  },
  {
    name: 'a request that somebody else signed',
    requests: {
      3: async vm => {
        const { request } = await vm.request('add', [2], { by: BOB })
        return [{ request, signed: signRequest(request, ALICE) }]
      }
    },
    finds: [['bad-signature', 3, 4]]
  },
  {
    name: 'arguments that the caller did not sign',
    requests: {
      3: async vm => {
        const [asked, made] = [await vm.request('add', [2]), await vm.request('add', [2000])]
        return [{ request: made.request, signed: { ...made.signed, signature: asked.signed.signature } }]
      }
    },
    finds: [['bad-signature', 3, 4]]
  },
  {
    name: 'init later',
    requests: { 3: async vm => [await vm.request('init')] },
    finds: [['bad-record', 3, 4]],
    says: /not a method to call/
  },
  {
    name: 'a method that is not there',
    requests: { 3: async vm => [await vm.request('nothing')] },
    finds: [['bad-record', 3, 4]],
    says: /nothing is not a method/
  },
  {
    name: 'a request from the future',
    requests: { 3: async vm => [await vm.request('add', [2], { seen: { length: 4, hash: nothing } })] },
    finds: [['bad-freshness', 3, 4]],
    says: /cannot have seen/
  },
  {
    name: 'a request from beyond the end of the log',
    requests: { 5: async vm => [await vm.request('add', [2], { seen: { length: 2 ** 40, hash: nothing } })] },
    finds: [['bad-freshness', 5, 7]],
    says: /cannot have seen/
  },
  {
    name: 'a request at the end of its window',
    genesis: ({ limits }) => void (limits.window = 3),
    requests: { 5: async vm => [await vm.request('add', [1], { seen: await vm.head(2) })] },
    finds: [['bad-freshness', 5, 7]],
    says: /up to block 4/
  },
  {
    name: 'a request that has seen another log',
    requests: { 3: async vm => [await vm.request('add', [2], { seen: { length: 2, hash: nothing } })] },
    finds: [['bad-freshness', 3, 4]],
    says: /not this log/
  },
  {
    name: 'a request twice in a commit',
    requests: { 2: (_, [add]) => [add, add], 4: async vm => [await vm.request('add', [1])] },
    finds: [['replayed-request', 2, 2]],
    says: /call 1 in block 2/
  },
  {
    name: 'a request of an earlier commit',
    requests: {
      2: async vm => [await vm.request('add', [1], { id: b4a.alloc(16, 3), seen: await vm.head(1) })],
      4: async vm => [await vm.request('add', [1], { id: b4a.alloc(16, 3), seen: await vm.head(1) })]
    },
    finds: [['replayed-request', 4, 3]]
  },
  {
    name: 'a request that was signed again on a log that holds it already',
    requests: {
      2: async vm => [await vm.request('add', [1], { id: b4a.alloc(16, 3), seen: await vm.head(1) })],
      5: async vm => [await vm.request('add', [1], { id: b4a.alloc(16, 3), seen: await vm.head(2) })]
    },
    finds: [['replayed-request', 5, 5]]
  },
  {
    name: 'a request of three callers, repeated for one',
    requests: {
      2: async vm => [
        await vm.request('add', [1], { id: b4a.alloc(16, 3) }),
        await vm.request('add', [1], { id: b4a.alloc(16, 3), by: BOB })
      ],
      3: async vm => [await vm.request('add', [1], { id: b4a.alloc(16, 3), by: BOB, seen: await vm.head(2) })]
    },
    finds: [['replayed-request', 3, 3]],
    says: /call 2 in block 2/
  }
])

// 7: other blocks

async function blocks(story: (vm: Forgery) => Promise<void>): Promise<AuditResult> {
  const vm = await forger.vm({ source: SOURCE })
  await story(vm)
  await vm.publish()
  return ground.audit(vm.key)
}

const found = ({ findings }: AuditResult) => findings.map(({ kind, block, index }) => [kind, block, index])

test('a runtime block', async () => {
  const result = await blocks(async vm => {
    await vm.init()
    await vm.changeRuntime(RUNTIME)
    await vm.call('add', [1])
  })
  assert.deepEqual([result.verdict, result.checked, result.doubts], ['verified', 2, []])
})

test('a runtime block with a wrong base', async () => {
  const result = await blocks(async vm => {
    await vm.init()
    await vm.changeRuntime(RUNTIME, 1)
    await vm.call('add', [1])
  })
  assert.deepEqual(found(result), [['bad-record', 2, null]])
})

test('a commit that ignores the runtime block before it', async () => {
  const result = await blocks(async vm => {
    await vm.init()
    await vm.changeRuntime(RUNTIME)
    await vm.call(
      'add',
      [1],
      fields(one => void (one.base = 0))
    )
  })
  assert.deepEqual(found(result), [['bad-record', 3, null]])
})

test('a runtime block before init', async () => {
  const result = await blocks(async vm => {
    await vm.changeRuntime(RUNTIME)
    await vm.call('write', ['/n', '1'], {})
    await vm.call('add', [1])
  })
  assert.deepEqual(found(result), [['bad-record', 1, null]])
})

test('a second genesis', async () => {
  const result = await blocks(async vm => {
    await vm.init()
    await vm.call('add', [1])
    await vm.append(vm.genesis)
    await vm.call('add', [1])
  })
  assert.deepEqual(found(result), [['bad-record', 3, null]])
  assert.match(result.findings[0].detail, /second genesis/)
  assert.equal(result.checked, 2)
})
