// Deploys a contract to somebody else's host, through its factory (host/factory.ts): the host says what the genesis of the new
// VM holds beside what was asked for, and who deploys signs it with the request of `init`.

import type { KeyPair } from 'hypercore'
import { checkGenesis } from '../audit/form.js'
import { VMSError } from '../errors.js'
import { type Genesis, type Limits, type Runtime } from '../ledger/blocks.js'
import { deriveKeys, encodeKey } from '../ledger/keys.js'
import { UPGRADES, type Contract, type UpgradeName } from '../ledger/contract.js'
import type { OracleSpec } from '../ledger/oracles.js'
import type { Value } from '../ledger/values.js'
import { DEFAULT_LIMITS, genesisOf, requestInit } from '../machine/genesis.js'
import { ENGINE, unknownEngine } from '../machine/runtime.js'
import type { Calls, CallOptions } from './calls.js'

export interface Deploying extends Contract {
  title: string
  /** gas of a call, the host's default if not given */
  gas?: number
  /** names of the host's oracles that it may use */
  oracles?: string[]
  /** who may replace the contract, nobody if not given */
  upgrade?: UpgradeName
}

/**
 * @param factory calls of the host's factory
 * @returns the new VM's key, and the genesis that its log begins with
 * @throws CallError if the host refuses it; VMSError BAD_HOST if it makes something else of it, UNKNOWN_ENGINE, and what
 * calls throw
 */
export async function deploy(
  factory: Calls,
  owner: KeyPair,
  { source, methods, title, gas, oracles = [], upgrade = 'never' }: Deploying,
  options: CallOptions = {}
): Promise<{ key: Uint8Array; genesis: Genesis }> {
  const asked = { title, limits: gas === undefined ? {} : { gas }, oracles, upgrade }
  const { value } = await factory.call('prepare', [source, asked], options)
  const draft = readDraft(value)
  const { engine, runtime, limits } = draft
  if (engine !== ENGINE) throw new VMSError('UNKNOWN_ENGINE', unknownEngine(engine, 'deploy to'))
  const keys = deriveKeys(draft.publicKey)
  const deployment = {
    source,
    methods,
    title,
    limits,
    oracles: draft.oracles,
    upgrade: UPGRADES[upgrade],
    factory: factory.key
  }
  const genesis = { ...genesisOf(deployment, keys.db, owner.publicKey), runtime }
  const wrong =
    checkGenesis(genesis, keys) ??
    differs('methods', draft.methods, methods) ??
    differs(
      'oracles',
      draft.oracles.map(({ name }) => name),
      [...new Set(oracles)].sort()
    ) ??
    differs('gas', [limits.gas], [gas ?? limits.gas])
  if (wrong !== null) throw new VMSError('BAD_HOST', `the host would deploy something else: ${wrong}`)
  const { signed } = requestInit(genesis, keys.log, owner)
  await factory.call('start', [encodeKey(keys.log), signed.bytes, signed.signature], options)
  return { key: keys.log, genesis }
}

interface Draft {
  publicKey: Uint8Array
  methods: string[]
  limits: Limits
  oracles: OracleSpec[]
  runtime: Runtime
  engine: number
}

/** @throws VMSError BAD_HOST if it is none */
function readDraft(value: Value): Draft {
  const draft = value as unknown as Draft | null
  const isText = (one: unknown) => typeof one === 'string'
  const isTexts = (one: unknown) => Array.isArray(one) && one.every(isText)
  const isNumber = (one: unknown) => Number.isSafeInteger(one)
  const isOracle = ({ name, methods, hash, scope }: OracleSpec) =>
    isText(name) && isTexts(methods) && isTexts(scope) && (hash === null || isKey(hash))
  const isKey = (one: unknown) => one instanceof Uint8Array && one.byteLength === 32
  const good =
    isKey(draft?.publicKey) &&
    isTexts(draft?.methods) &&
    isNumber(draft?.engine) &&
    Object.keys(DEFAULT_LIMITS).every(name => isNumber(draft?.limits?.[name as keyof Limits])) &&
    ['node', 'v8', 'icu', 'unicode', 'arch', 'ses'].every(name =>
      isText(draft?.runtime?.[name as keyof Runtime])
    ) &&
    Array.isArray(draft?.oracles) &&
    draft.oracles.every(isOracle)
  if (good) return draft
  throw new VMSError('BAD_HOST', 'what the host has prepared is no VM: is its key that of a factory?')
}

function differs(what: string, theirs: unknown[], ours: unknown[]): string | null {
  const same = theirs.length === ours.length && theirs.every((one, i) => one === ours[i])
  return same ? null : `its ${what}: ${theirs.join(', ') || 'none'}`
}
