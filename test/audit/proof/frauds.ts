// Frauds, of every kind that a block can show, as the tests of proofs tell them.

import b4a from 'b4a'
import type { Kind } from '../../../lib/audit/findings.js'
import type { Commit, Genesis } from '../../../lib/ledger/blocks.js'
import crypto from '../../../lib/ledger/crypto.js'
import type { Record } from '../../../lib/ledger/record.js'
import { encodeValue } from '../../../lib/ledger/values.js'
import { RUNTIME } from '../../../lib/machine/runtime.js'
import { BOB, type Forger, type Forgery, type Lies, type VMOptions } from '../../helpers/forger.js'
import { SOURCE, tell, type Story } from '../../helpers/story.js'

export interface Fraud extends Story, Partial<VMOptions> {
  name: string
  finds: [kind: Kind, block: number, index: number | null]
  /** further kinds that the same block shows */
  also?: Kind[]
  /** seen by whoever executes it on the same runtime, and by nobody else */
  executed?: boolean
  /** number of log blocks that the proof holds, if not genesis, the block before, and the disputed one */
  blocks?: number
}

const nothing = b4a.alloc(32, 7)

const record = (i: number, lie: (one: Record) => void): Lies => ({ records: records => void lie(records[i]) })
const fields = (lie: (commit: Commit) => void): Lies => ({ commit: lie })
const forged = (one: Record) => void (one.outcome = { ok: true, value: encodeValue('forged') })
const written = (path: string, text: string) => {
  const bytes = b4a.from(text)
  return { path, content: { byteLength: bytes.byteLength, hash: crypto.hash(bytes) } }
}
const same = { id: b4a.alloc(16, 3) }

export const FRAUDS: Fraud[] = [
  {
    name: 'a genesis with another hash of the source',
    genesis: (one: Genesis) => void (one.sourceHash = nothing),
    finds: ['bad-genesis', 0, null],
    blocks: 1
  },
  {
    name: 'a genesis that lists a method which is not there',
    genesis: (one: Genesis) => void one.methods.push('zzz'),
    finds: ['bad-genesis', 0, null],
    executed: true,
    blocks: 1
  },
  {
    name: 'a genesis with trailing bytes',
    block: bytes => b4a.concat([bytes, b4a.alloc(1)]),
    finds: ['bad-genesis', 0, null],
    blocks: 1
  },
  {
    name: 'init by somebody else',
    requests: { 1: async vm => [await vm.request('init', [], { by: BOB })] },
    finds: ['bad-record', 1, 0],
    blocks: 2
  },
  {
    name: 'init with a wrong outcome',
    lies: { 1: record(0, forged) },
    finds: ['wrong-outcome', 1, 0],
    executed: true,
    blocks: 2
  },
  {
    name: 'a wrong index of the first call',
    lies: { 3: fields(one => void (one.first = 40)) },
    finds: ['bad-record', 3, null]
  },
  {
    name: 'a wrong base',
    lies: { 3: fields(one => void (one.base = 2)) },
    finds: ['bad-record', 3, null]
  },
  {
    name: 'a base that ignores a change of the runtime',
    before: { 4: vm => vm.changeRuntime(RUNTIME) },
    lies: { 4: fields(one => void (one.base = 0)) },
    finds: ['bad-record', 5, null],
    blocks: 4
  },
  {
    name: 'a block of an unknown type',
    lies: { 3: { block: bytes => (bytes.fill(9, 1, 2), bytes) } },
    finds: ['bad-record', 3, null]
  },
  {
    name: 'a request that is malformed',
    lies: { 3: record(0, one => void (one.request = b4a.alloc(0))) },
    finds: ['bad-record', 3, 4]
  },
  {
    name: 'an altered signature in the middle of a batch',
    lies: { 2: record(1, one => void (one.signature[5] ^= 1)) },
    finds: ['bad-signature', 2, 2]
  },
  {
    name: 'a request from the future',
    requests: { 3: async vm => [await vm.request('add', [2], { seen: { length: 4, hash: nothing } })] },
    finds: ['bad-freshness', 3, 4]
  },
  {
    name: 'a request that has seen another log',
    requests: { 4: async vm => [await vm.request('add', [2], { seen: { length: 3, hash: nothing } })] },
    finds: ['bad-freshness', 4, 5],
    blocks: 4
  },
  {
    name: 'a request at the end of its window',
    genesis: ({ limits }) => void (limits.window = 3),
    requests: { 5: async vm => [await vm.request('add', [1], { seen: await vm.head(2) })] },
    finds: ['bad-freshness', 5, 7]
  },
  {
    name: 'a request twice in a commit',
    requests: { 2: (_, [add]) => [add, add], 4: async vm => [await vm.request('add', [1])] },
    finds: ['replayed-request', 2, 2]
  },
  {
    name: 'a request of an earlier commit',
    requests: {
      2: async vm => [await vm.request('add', [1], { ...same, seen: await vm.head(1) })],
      5: async vm => [await vm.request('add', [1], { ...same, seen: await vm.head(1) })]
    },
    finds: ['replayed-request', 5, 5],
    blocks: 4
  },
  {
    name: 'a wrong value in the middle of a batch',
    lies: { 2: record(1, forged) },
    finds: ['wrong-outcome', 2, 2],
    executed: true
  },
  {
    name: 'a wrong value in the last block',
    lies: { 5: record(0, forged) },
    finds: ['wrong-outcome', 5, 7],
    executed: true
  },
  {
    name: 'wrong gas',
    lies: { 3: record(0, one => one.gas++) },
    finds: ['wrong-gas', 3, 4],
    executed: true
  },
  {
    name: 'a write of other bytes, in log and files alike',
    lies: {
      3: {
        records: ([one]) => void (one.writes = [written('/n', '1000')]),
        changes: changes => void changes.set('/n', b4a.from('1000'))
      }
    },
    finds: ['wrong-writes', 3, 4],
    executed: true
  },
  {
    name: 'a write of other bytes, and the calls after it in the batch that read them',
    requests: {
      2: async vm => [
        await vm.request('write', ['/n', '7']),
        await vm.request('get', ['/n']),
        await vm.request('add', [1])
      ],
      4: async vm => [await vm.request('add', [1])]
    },
    lies: {
      2: {
        records: records => {
          records[0].writes = [written('/m', '100')]
          records[1].outcome = { ok: true, value: encodeValue('0') }
          records[2].outcome = { ok: true, value: encodeValue(1) }
          records[2].writes = [written('/n', '1')]
        },
        changes: changes => void changes.set('/m', b4a.from('100')).set('/n', b4a.from('1'))
      }
    },
    finds: ['wrong-writes', 2, 1],
    executed: true
  },
  {
    name: 'a change that no record logs',
    lies: { 3: { changes: changes => void changes.set('/evil', b4a.from('e')) } },
    finds: ['wrong-state', 3, null]
  },
  {
    name: 'files that hold other bytes than the log says',
    lies: { 3: { changes: changes => void changes.set('/n', b4a.from('9')) } },
    finds: ['wrong-state', 3, null]
  },
  {
    name: 'a logged write whose bytes nobody has',
    lies: { 3: record(0, one => void (one.writes[0].content!.hash = nothing)) },
    finds: ['wrong-writes', 3, 4],
    also: ['wrong-state']
  },
  {
    name: 'files changed between two commits',
    before: { 4: vm => vm.tamper([['/n', '50']]) },
    finds: ['wrong-state', 4, null]
  },
  {
    name: 'files changed before init',
    before: { 1: vm => vm.tamper([['/n', '50']]) },
    finds: ['wrong-state', 1, null],
    blocks: 2
  },
  {
    name: 'a wrong hash of the files after a commit',
    lies: { 4: fields(one => void (one.after.db.hash = nothing)) },
    finds: ['wrong-state', 4, null]
  },
  {
    name: 'an answer of an oracle that the contract did not ask for',
    genesis: (one: Genesis) =>
      void (one.oracles = [{ name: 'clock', methods: ['now'], hash: null, scope: [] }]),
    lies: {
      3: record(0, one => {
        const output = { ok: true as const, value: encodeValue(1) }
        one.oracles.push({ name: 'clock', method: 'now', inputs: encodeValue([]), output })
      })
    },
    finds: ['wrong-oracle-call', 3, 4],
    executed: true
  }
]

/** A VM whose host tells a lie. */
export async function forge(forger: Forger, fraud: Partial<VMOptions> & Story): Promise<Forgery> {
  const vm = await forger.vm({ source: SOURCE, ...fraud })
  await tell(vm, fraud)
  return vm
}
