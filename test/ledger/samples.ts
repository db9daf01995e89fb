// One of everything that the formats can hold, made from fixed seeds: what the vectors are generated from, and what the
// mutation tests start with.

import b4a from 'b4a'
import { type Commit, type Genesis, type Runtime, type RuntimeChange } from '../../lib/ledger/blocks.js'
import {
  MIGRATE,
  readUpgrade,
  UPGRADE_NEVER,
  UPGRADE_OWNER,
  upgradeArguments
} from '../../lib/ledger/contract.js'
import type { FilesState } from '../../lib/ledger/encoding.js'
import { deriveKeys } from '../../lib/ledger/keys.js'
import type { Record } from '../../lib/ledger/record.js'
import { signRequest, type Request } from '../../lib/ledger/request.js'
import type { HeadMessage, Hello, Receipt } from '../../lib/ledger/statements.js'
import { encodeValue, type Value } from '../../lib/ledger/values.js'
import { hashOf, keyPairOf } from './helper.js'

export const VM_SEED = 1
export const CALLER_SEED = 2

const vm = keyPairOf(VM_SEED)
const caller = keyPairOf(CALLER_SEED)
const keys = deriveKeys(vm.publicKey)

export const VALUES: [string, Value][] = [
  ['null', null],
  ['false', false],
  ['true', true],
  ['zero', 0],
  ['the largest integer of one byte', 252],
  ['the smallest integer of three bytes', 253],
  ['the largest integer of three bytes', 65535],
  ['the smallest integer of five bytes', 65536],
  ['the largest integer of five bytes', 4294967295],
  ['the smallest integer of nine bytes', 4294967296],
  ['the largest integer', Number.MAX_SAFE_INTEGER],
  ['minus one', -1],
  ['a negative integer of three bytes', -254],
  ['the smallest integer', Number.MIN_SAFE_INTEGER],
  ['an integral number beyond the safe integers', 2 ** 53],
  ['a fraction', 0.1],
  ['a negative fraction', -1.5],
  ['the smallest number above zero', Number.MIN_VALUE],
  ['the largest number', Number.MAX_VALUE],
  ['an empty string', ''],
  ['a string', 'Grüße, 世界 🎉'],
  ['a string with NUL and a byte order mark', '\ufeffa\0b'],
  ['no bytes', new Uint8Array(0)],
  ['bytes', Uint8Array.of(0, 127, 128, 255)],
  ['an empty array', []],
  ['an array', [null, [1, [2]], 'three']],
  ['an empty object', {}],
  [
    'keys in the order of their UTF-8 bytes',
    { '': 0, '10': 1, '9': 2, a: 3, b: 4, '\uffee': 5, '\u{1f600}': 6 }
  ],
  ['a key named __proto__', JSON.parse('{"__proto__":{"polluted":true}}') as Value],
  ['objects in arrays in objects', { list: [{ n: 1 }, { n: -1, bytes: Uint8Array.of(1) }] }]
]

export const REQUEST: Request = {
  vm: keys.log,
  caller: caller.publicKey,
  method: 'RSVP',
  args: encodeValue([true, 'Grüße 🎉']),
  id: b4a.from('000102030405060708090a0b0c0d0e0f', 'hex'),
  seen: { length: 300, hash: hashOf('seen') }
}

const signed = signRequest(REQUEST, caller)
const base = { request: signed.bytes, signature: signed.signature, writes: [], oracles: [] }

export const RECORDS: [string, Record][] = [
  ['a value, no writes', { ...base, outcome: { ok: true, value: encodeValue(null) }, gas: 0 }],
  [
    'an error with a code',
    {
      ...base,
      outcome: { ok: false, error: { name: 'Error', message: 'not yours', code: 'FORBIDDEN' } },
      gas: 1234
    }
  ],
  [
    'an error without a code',
    { ...base, outcome: { ok: false, error: { name: 'TypeError', message: '', code: null } }, gas: 70_000 }
  ],
  [
    'writes, a deletion and an empty file',
    {
      ...base,
      outcome: { ok: true, value: encodeValue({ done: true }) },
      gas: 99,
      writes: [
        { path: '/a', content: { byteLength: 5, hash: hashOf('hello') } },
        { path: '/b/empty', content: { byteLength: 0, hash: hashOf('') } },
        { path: '/\uffee', content: null },
        { path: '/\u{1f600}', content: { byteLength: 70_000, hash: hashOf('x'.repeat(70_000)) } }
      ]
    }
  ],
  [
    'calls of oracles',
    {
      ...base,
      outcome: { ok: true, value: encodeValue('ok') },
      gas: 5,
      oracles: [
        {
          name: 'mail',
          method: 'send',
          inputs: encodeValue(['a@b.c']),
          output: { ok: true, value: encodeValue(1) }
        },
        {
          name: 'mail',
          method: 'send',
          inputs: encodeValue([]),
          output: { ok: false, error: { name: 'Error', message: 'offline', code: null } }
        }
      ]
    }
  ]
]

const RUNTIME: Runtime = {
  node: '20.20.2',
  v8: '11.3.244.8-node.33',
  icu: '77.1',
  unicode: '16.0',
  arch: 'x64',
  ses: '2.3.0'
}

const EMPTY: FilesState = {
  db: { length: 0, hash: hashOf('empty') },
  blobs: { length: 0, hash: hashOf('empty') }
}

const LATER: FilesState = {
  db: { length: 300, hash: hashOf('db') },
  blobs: { length: 70_000, hash: hashOf('blobs') }
}

const SOURCE = "exports.init = async () => {}\nexports.greet = async () => 'Grüße'\n"

export const GENESIS: Genesis = {
  type: 'genesis',
  source: SOURCE,
  sourceHash: hashOf(SOURCE),
  methods: ['greet', 'init'],
  files: keys.db,
  owner: caller.publicKey,
  title: 'Grüße',
  oracles: [],
  upgrade: UPGRADE_NEVER,
  factory: null,
  limits: {
    gas: 10_000_000,
    fileBytes: 1024 * 1024,
    valueBytes: 512 * 1024,
    writes: 1000,
    writeBytes: 16 * 1024 * 1024,
    window: 1024
  },
  runtime: RUNTIME,
  engine: 0
}

export const WITH_ORACLES: Genesis = {
  ...GENESIS,
  oracles: [
    { name: 'clock', methods: ['now'], hash: null, scope: [] },
    {
      name: 'fetch',
      methods: ['get', 'post'],
      hash: null,
      scope: ['https://example.com', 'http://127.0.0.1:8080']
    },
    { name: 'rates', methods: ['euro'], hash: hashOf('rates'), scope: [] }
  ]
}

export const WITH_FACTORY: Genesis = { ...GENESIS, upgrade: UPGRADE_OWNER, factory: hashOf('factory') }

const CONTRACT = { source: "exports.greet = async () => 'Salut'\n", methods: ['greet'] }

const UPGRADE_REQUEST: Request = {
  ...REQUEST,
  method: MIGRATE,
  args: encodeValue(upgradeArguments(GENESIS, CONTRACT))
}

const upgradeSigned = signRequest(UPGRADE_REQUEST, caller)

const UPGRADE: Record = {
  request: upgradeSigned.bytes,
  signature: upgradeSigned.signature,
  outcome: { ok: true, value: encodeValue(null) },
  gas: 0,
  writes: [],
  oracles: []
}

export const COMMITS: [string, Commit][] = [
  [
    'the first commit',
    {
      type: 'commit',
      upgrade: null,
      first: 0,
      base: 0,
      before: EMPTY,
      after: EMPTY,
      records: [RECORDS[0][1]],
      time: 1_700_000_000_000
    }
  ],
  [
    'a batch of every kind of record',
    {
      type: 'commit',
      upgrade: null,
      first: 65_536,
      base: 12,
      before: EMPTY,
      after: LATER,
      records: RECORDS.map(([, record]) => record),
      time: 0
    }
  ],
  [
    'an upgrade',
    {
      type: 'commit',
      upgrade: readUpgrade(UPGRADE_REQUEST),
      first: 5,
      base: 0,
      before: LATER,
      after: LATER,
      records: [UPGRADE],
      time: 0
    }
  ]
]

export const RUNTIME_CHANGE: RuntimeChange = {
  type: 'runtime',
  base: 253,
  runtime: { ...RUNTIME, node: '22.0.0' }
}

export const HEADS: HeadMessage[] = [
  { vm: keys.log, length: 2, hash: hashOf('log at 2'), time: 0 },
  { vm: keys.log, length: 70_000, hash: hashOf('log at 70,000'), time: 1_700_000_000_000 }
]

export const RECEIPT: Receipt = {
  vm: keys.log,
  request: hashOf('request'),
  block: 253,
  index: 65_536,
  record: hashOf('record'),
  hash: hashOf('log')
}

export const HELLO: Hello = {
  vm: keys.log,
  handshake: b4a.concat([hashOf('handshake'), hashOf('of 64 bytes')]),
  head: { length: 2, hash: hashOf('log at 2') }
}
