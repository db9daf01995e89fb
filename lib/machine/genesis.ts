// What a new VM begins with: genesis, and the owner's `init`.

import type { KeyPair } from 'hypercore'
import { encodeBlock, type Genesis, type Limits } from '../ledger/blocks.js'
import { hashSource, INIT, UPGRADE_NEVER, type Contract } from '../ledger/contract.js'
import crypto from '../ledger/crypto.js'
import type { Head } from '../ledger/encoding.js'
import { appendToRoots, hashOfRoots } from '../ledger/merkle.js'
import type { OracleSpec } from '../ledger/oracles.js'
import { signRequest, type CheckedRequest } from '../ledger/request.js'
import { encodeValue } from '../ledger/values.js'
import { ENGINE, RUNTIME } from './runtime.js'

export const DEFAULT_LIMITS: Limits = {
  gas: 10_000_000,
  fileBytes: 1024 * 1024,
  valueBytes: 512 * 1024,
  writes: 1000,
  writeBytes: 16 * 1024 * 1024,
  window: 1024
}

export interface Deployment extends Contract {
  title: string
  limits?: Partial<Limits>
  oracles?: OracleSpec[]
  /** who may replace the contract, UPGRADE_NEVER if not given */
  upgrade?: number
  /** key of the factory that it is deployed through */
  factory?: Uint8Array
}

/** What stands in the first block of a new VM. @param files key of the files' database core */
export function genesisOf(
  { source, methods, title, limits, oracles = [], upgrade = UPGRADE_NEVER, factory }: Deployment,
  files: Uint8Array,
  owner: Uint8Array
): Genesis {
  return {
    type: 'genesis',
    source,
    sourceHash: hashSource(source),
    methods,
    files,
    owner,
    title,
    oracles,
    upgrade,
    limits: { ...DEFAULT_LIMITS, ...limits },
    runtime: RUNTIME,
    engine: ENGINE,
    factory: factory ?? null
  }
}

/**
 * What the owner of a new VM signs: `init`, on nothing but genesis, and so all that stands there.
 * @param vm the key of its log
 */
export function requestInit(genesis: Genesis, vm: Uint8Array, owner: KeyPair): CheckedRequest {
  const request = {
    vm,
    caller: owner.publicKey,
    method: INIT,
    args: encodeValue([]),
    id: crypto.randomBytes(16),
    seen: headOfGenesis(genesis)
  }
  return { request, signed: signRequest(request, owner) }
}

/** The head of a log that holds nothing but a genesis. */
export function headOfGenesis(genesis: Genesis): Head {
  return { length: 1, hash: hashOfRoots(appendToRoots([], 0, encodeBlock(genesis))) }
}
