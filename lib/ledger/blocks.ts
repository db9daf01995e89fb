// The blocks of a call log. Each begins with the version of the format (1) and its type.
//
//   1 genesis    block 0: source, sourceHash, methods, files (key), owner, title, oracles, upgrade, limits, runtime, engine,
//              and factory, if the VM was deployed through one
//   2 commit     first, base, before, after, records, time: a batch of calls and the state that it leaves
//   3 runtime    base, runtime: the host runs on another runtime from here on
//   4 upgrade    as a commit; its one record replaces the contract: contract.ts
//
// Fields stand one after the other in the order of the interfaces below, in compact-encoding: numbers as uint, hashes and
// keys as 32 bytes, strings and arrays with their length before them. What does not re-encode to the same bytes, or has
// an unknown version or type, is an error.

import c, { type Encoder } from 'compact-encoding'
import { MAX_FILE_BYTES } from '../files/blob.js'
import { upgradeOf, type Contract, type Upgrade } from './contract.js'
import { decodeExactly, filesState, key, strings, struct, trailing, type FilesState } from './encoding.js'
import { oracleSpec, type OracleSpec } from './oracles.js'
import { MAX_RECORD_BYTES, record, type Record } from './record.js'

export const FORMAT = 1

const GENESIS = 1
const COMMIT = 2
const RUNTIME = 3
const UPGRADE = 4

/** A commit closes before it exceeds this many bytes; a larger record stands alone. */
export const COMMIT_BYTES = 60 * 1024

/** More than any commit has: what is longer takes long to decode, and is not looked at. */
const MAX_COMMIT_BYTES = 2 * MAX_RECORD_BYTES

/** Nor do the records of a commit write more than this; one that does stands alone. */
export const COMMIT_WRITE_BYTES = 32 * 1024 * 1024

/** What determines the results of JavaScript that gas and the sandbox leave open. */
export interface Runtime {
  node: string
  v8: string
  icu: string
  unicode: string
  arch: string
  ses: string
}

export interface Limits {
  /** gas of a call */
  gas: number
  /** bytes of a file */
  fileBytes: number
  /** bytes of a call's result */
  valueBytes: number
  /** paths that a call changes */
  writes: number
  /** bytes of all that a call writes */
  writeBytes: number
  /** blocks for which a request stays valid */
  window: number
}

/** What a genesis may allow at most. */
export const CEILINGS: Limits = {
  gas: 2 ** 31 - 1,
  fileBytes: MAX_FILE_BYTES,
  valueBytes: 1024 * 1024,
  writes: 10_000,
  writeBytes: 64 * 1024 * 1024,
  window: 65_536
}

export interface Genesis extends Contract {
  type: 'genesis'
  sourceHash: Uint8Array
  /** key of the files' database core */
  files: Uint8Array
  /** public key of who deployed the VM */
  owner: Uint8Array
  title: string
  /** APIs with effects that the contract may use */
  oracles: OracleSpec[]
  /** who may replace the contract: UPGRADE_NEVER or UPGRADE_OWNER */
  upgrade: number
  limits: Limits
  runtime: Runtime
  /** the number of gas schedule and builtins */
  engine: number
  /** key of the factory whose log says that this VM was deployed; null if its host deployed it for itself */
  factory: Uint8Array | null
}

/** What determines how calls run, besides the runtime: the contract in force, and what genesis lays down. */
export type Terms = Contract & Pick<Genesis, 'limits' | 'oracles'>

export interface Commit {
  type: 'commit'
  /** index of the first call */
  first: number
  /** block of the genesis, upgrade or runtime in force */
  base: number
  before: FilesState
  after: FilesState
  records: Record[]
  /** the host's clock, ms since 1970; nobody checks it */
  time: number
  /** the contract that the commit's one record brings, if it is an upgrade: read out of that record */
  upgrade: Upgrade | null
}

export interface RuntimeChange {
  type: 'runtime'
  base: number
  runtime: Runtime
}

export type Block = Genesis | Commit | RuntimeChange

const runtime = struct<Runtime>({
  node: c.string,
  v8: c.string,
  icu: c.string,
  unicode: c.string,
  arch: c.string,
  ses: c.string
})

const limits = struct<Limits>({
  gas: c.uint,
  fileBytes: c.uint,
  valueBytes: c.uint,
  writes: c.uint,
  writeBytes: c.uint,
  window: c.uint
})

const genesis = struct<Omit<Genesis, 'type'>>({
  source: c.string,
  sourceHash: key,
  methods: strings,
  files: key,
  owner: key,
  title: c.string,
  oracles: c.array(oracleSpec),
  upgrade: c.uint,
  limits,
  runtime,
  engine: c.uint,
  factory: trailing(key)
})

const commit = struct<Omit<Commit, 'type' | 'upgrade'>>({
  first: c.uint,
  base: c.uint,
  before: filesState,
  after: filesState,
  records: c.array(record),
  time: c.uint
})

const runtimeChange = struct<Omit<RuntimeChange, 'type'>>({ base: c.uint, runtime })

const block: Encoder<Block> = {
  preencode(state, input) {
    state.end += 2
    switch (input.type) {
      case 'genesis':
        return genesis.preencode(state, input)
      case 'commit':
        return commit.preencode(state, input)
      case 'runtime':
        return runtimeChange.preencode(state, input)
    }
  },
  encode(state, input) {
    c.uint8.encode(state, FORMAT)
    switch (input.type) {
      case 'genesis':
        c.uint8.encode(state, GENESIS)
        return genesis.encode(state, input)
      case 'commit':
        c.uint8.encode(state, input.upgrade ? UPGRADE : COMMIT)
        return commit.encode(state, input)
      case 'runtime':
        c.uint8.encode(state, RUNTIME)
        return runtimeChange.encode(state, input)
    }
  },
  decode(state) {
    const version = c.uint8.decode(state)
    if (version !== FORMAT)
      throw new Error(`format ${version} of blocks is unknown, this release knows ${FORMAT}`)
    const type = c.uint8.decode(state)
    if (type === GENESIS) return { type: 'genesis', ...genesis.decode(state) }
    if (type === COMMIT || type === UPGRADE) {
      if (state.end > MAX_COMMIT_BYTES) throw new Error(`a commit has at most ${MAX_COMMIT_BYTES} bytes`)
      const fields = commit.decode(state)
      return { type: 'commit', ...fields, upgrade: type === UPGRADE ? upgradeOf(fields.records) : null }
    }
    if (type === RUNTIME) return { type: 'runtime', ...runtimeChange.decode(state) }
    throw new Error(`type ${type} of blocks is unknown`)
  }
}

export function encodeBlock(input: Block): Uint8Array {
  return c.encode(block, input)
}

/** @throws Error if the bytes are not a block in its canonical encoding */
export function decodeBlock(buffer: Uint8Array): Block {
  return decodeExactly(block, buffer)
}
