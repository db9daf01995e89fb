// What can be said about a VM from its copy.

import b4a from 'b4a'
import { hashSource, methodsToCall, nameOfUpgrade, type UpgradeName } from '../ledger/contract.js'
import { encodeKey } from '../ledger/keys.js'
import { trustIn } from '../ledger/oracles.js'
import type { Limits, Runtime } from '../ledger/blocks.js'
import { newestContract } from '../replica/contract.js'
import type { Replica } from '../replica/replica.js'
import { attestations, verifiedTo, type Attested, type Verified } from '../replica/verified.js'

export interface Info {
  key: string
  title: string
  /** id of who deployed it */
  owner: string
  /** those that can be called */
  methods: string[]
  /** who may replace the contract */
  upgrade: UpgradeName
  /** block of the contract that is in force: 0, or that of the newest upgrade */
  contractBlock: number
  /** key of the factory whose log says that it was deployed; null if its host deployed it for itself */
  factory: string | null
  /** 'trustless', or which oracles one has to trust */
  trust: string
  oracles: { name: string; methods: string[]; hash: string | null; scope: string[] }[]
  limits: Limits
  runtime: Runtime
  engine: number
  /** of the contract in force */
  sourceHash: string
  source: string
  /** blocks of the log */
  length: number
  /** tree hash of the log */
  hash: string
  /** ms since the host signed the newest head that was seen, by its clock; null if none was */
  age: number | null
  /** whether the host was there just now */
  online: boolean
  /** the highest block to which trusted auditors have verified the log */
  verified: Verified
  /** what the trusted auditors say */
  attestations: Attested[]
}

/** @param timeout ms to wait for a block */
export async function describe(replica: Replica, online: boolean, timeout: number): Promise<Info> {
  const genesis = await replica.genesis()
  const contract = await newestContract(replica, timeout)
  const { length } = replica.log
  const said = await attestations(replica)
  return {
    key: encodeKey(replica.key),
    title: genesis.title,
    owner: encodeKey(genesis.owner),
    methods: methodsToCall(genesis, contract),
    upgrade: nameOfUpgrade(genesis.upgrade),
    contractBlock: contract.block,
    factory: genesis.factory && encodeKey(genesis.factory),
    trust: trustIn(genesis.oracles),
    oracles: genesis.oracles.map(({ name, methods, hash, scope }) => ({
      name,
      methods,
      hash: hash && b4a.toString(hash, 'hex'),
      scope
    })),
    limits: genesis.limits,
    runtime: genesis.runtime,
    engine: genesis.engine,
    sourceHash: b4a.toString(hashSource(contract.source), 'hex'),
    source: contract.source,
    length,
    hash: b4a.toString(await replica.log.treeHash(length), 'hex'),
    age: replica.age,
    online,
    verified: verifiedTo(said),
    attestations: said
  }
}
