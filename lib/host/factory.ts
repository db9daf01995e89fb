// The factory of a host: a VM like any other, whose oracle `vms` deploys, stops and removes others. Its log says what the host
// has deployed, for whom and when; who owns a VM stands in the VM's own log, signed.

import b4a from 'b4a'
import type { KeyPair } from 'hypercore'
import { messageOf, VMSError } from '../errors.js'
import { sameHead } from '../ledger/encoding.js'
import { INIT, type UpgradeName } from '../ledger/contract.js'
import { decodeKey, encodeKey } from '../ledger/keys.js'
import { decodeRequest, verifyRequest, type CheckedRequest } from '../ledger/request.js'
import { CEILINGS, type Genesis, type Limits } from '../ledger/blocks.js'
import { decodeValue, type Value } from '../ledger/values.js'
import { headOfGenesis } from '../machine/genesis.js'
import { oracleOf, OracleError, type Oracle, type OracleChoice } from '../oracles/index.js'
import type { Policy } from './policy.js'
import type { Service } from './service.js'

/** The oracle that makes a VM a factory. */
export const FACTORY_ORACLE = 'vms'

/** Whether a VM deploys others. */
export function isFactory({ oracles }: Genesis): boolean {
  return oracles.some(({ name }) => name === FACTORY_ORACLE)
}

/** VMs that wait for their owner's signature, at most, and how long they do, ms. */
const MAX_PREPARED = 64
const PREPARED_MS = 10 * 60_000

/** Of one owner, at most. */
const MAX_OWN = 4

const MAX_TITLE = 200

/** A VM that is about to be: its owner has not signed yet. */
export interface Prepared {
  /** names its key pair in the store */
  name: string
  key: Uint8Array
  keyPair: KeyPair
  genesis: Genesis
  /** what to call the source in errors */
  file: string
}

/** What somebody wants deployed. */
export interface Wanted {
  source: string
  title: string
  limits?: Partial<Limits>
  oracles?: OracleChoice[]
  /** who may replace the contract, nobody if not given */
  upgrade?: UpgradeName
  /** key of the factory through which it is deployed */
  factory?: Uint8Array
}

/** What a factory needs of its host. */
export interface Deployer {
  /** by key as printed */
  services: ReadonlyMap<string, Service>
  prepare(owner: Uint8Array, wanted: Wanted): Promise<Prepared>
  start(prepared: Prepared, init: CheckedRequest): Promise<Service>
  stop(service: Service, stopped?: boolean): Promise<void>
  remove(service: Service): Promise<void>
}

/** What the factory's contract gets of a new VM, for its owner to rebuild the genesis from and sign. */
export interface Draft {
  publicKey: Uint8Array
  methods: string[]
  limits: Limits
  oracles: { name: string; methods: string[]; hash: Uint8Array | null; scope: string[] }[]
  runtime: { [name: string]: string }
  engine: number
}

/** @param offered the oracles that VMs of others may have, by name */
export function vmsOracle(host: Deployer, offered: OracleChoice[], policy: Policy): Oracle {
  const waiting = new Map<string, { prepared: Prepared; until: number }>()
  /** VMs that are beginning: one that takes longer than an oracle may is joined by who asks again */
  const starting = new Map<string, Promise<Service>>()
  const begin = (key: string, prepared: Prepared, init: CheckedRequest): Promise<Service> => {
    const begun = host.start(prepared, init).finally(() => starting.delete(key))
    starting.set(key, begun)
    return begun
  }
  const serviceOf = (key: Value): Service => {
    const service = typeof key === 'string' ? host.services.get(key) : undefined
    if (service) return service
    throw new OracleError('NO_SUCH_VM', 'this host has no such VM')
  }
  return oracleOf(FACTORY_ORACLE, {
    prepare: async ([owner, source, options]) => {
      const { limits, ...wanted } = readDeployment(source, options, offered)
      const factory = [...host.services.values()].find(({ machine }) => isFactory(machine.genesis))?.key
      const deployment = { ...wanted, limits: policy.limitsOfOthers(limits), factory }
      const prepared = await explained(host.prepare(decodeKey(owner as string), deployment))
      const now = Date.now()
      for (const [key, { until }] of waiting) if (until < now) waiting.delete(key)
      const own = [...waiting].filter(([, one]) =>
        b4a.equals(one.prepared.genesis.owner, prepared.genesis.owner)
      )
      if (own.length >= MAX_OWN) waiting.delete(own[0][0]) // what was prepared before is asked for no more
      if (waiting.size === MAX_PREPARED)
        throw new OracleError('BUSY', 'too many VMs wait for the signature of their owner: try again later')
      waiting.set(encodeKey(prepared.key), { prepared, until: now + PREPARED_MS })
      return draftOf(prepared) as unknown as Value
    },
    start: async ([owner, key, request, signature]) => {
      const running = host.services.get(key as string)
      const found = waiting.get(key as string)
      if (!running && !found)
        throw new OracleError('NO_SUCH_VM', 'no such VM waits for its owner: prepare it again')
      const genesis = running?.machine.genesis ?? found!.prepared.genesis
      const init = readInit(owner, key, request, signature)
      if (
        !b4a.equals(genesis.owner, init.request.caller) ||
        !sameHead(headOfGenesis(genesis), init.request.seen)
      )
        throw new OracleError('BAD_SIGNATURE', 'what is signed is not the genesis that was prepared')
      // a host that was killed meanwhile is asked again
      const begun = running ?? starting.get(key as string) ?? begin(key as string, found!.prepared, init)
      const { stopped } = await explained(Promise.resolve(begun))
      waiting.delete(key as string)
      const sourceHash = b4a.toString(genesis.sourceHash, 'hex')
      return { title: genesis.title, sourceHash, state: stopped ? 'stopped' : 'running' }
    },
    stop: async ([key]) => {
      await host.stop(serviceOf(key))
      return null
    },
    resume: async ([key]) => {
      await host.stop(serviceOf(key), false)
      return null
    },
    remove: async ([key]) => {
      const service = typeof key === 'string' ? host.services.get(key) : undefined
      if (service) await host.remove(service)
      return null
    }
  })
}

function draftOf({ keyPair, genesis }: Prepared): Draft {
  const { methods, limits, oracles, runtime, engine } = genesis
  return { publicKey: keyPair.publicKey, methods, limits, oracles, runtime: { ...runtime }, engine }
}

function readDeployment(source: Value, options: Value, offered: OracleChoice[]) {
  const { title = 'untitled', limits = {}, oracles = [], upgrade = 'never' } = fieldsOf(options)
  if (typeof source !== 'string') throw new OracleError('EINVAL', 'a contract is a text')
  if (typeof title !== 'string' || title.length === 0 || title.length > MAX_TITLE)
    throw new OracleError('EINVAL', `a title has 1 to ${MAX_TITLE} characters`)
  const { gas, ...rest } = fieldsOf(limits)
  if (Object.keys(rest).length > 0) throw new OracleError('EINVAL', 'the only limit to choose is gas')
  if (
    gas !== undefined &&
    !(Number.isSafeInteger(gas) && (gas as number) > 0 && (gas as number) <= CEILINGS.gas)
  )
    throw new OracleError('EINVAL', `gas is a whole number up to ${CEILINGS.gas}`)
  if (upgrade !== 'never' && upgrade !== 'owner')
    throw new OracleError('EINVAL', 'who may replace the contract is never or owner')
  if (!Array.isArray(oracles)) throw new OracleError('EINVAL', 'oracles are a list of names')
  const chosen = oracles.map(name => {
    const choice = offered.find(one => one.name === name)
    if (choice) return choice
    const names = offered.map(one => one.name).join(', ') || 'none'
    throw new OracleError('FORBIDDEN', `this host offers no such oracle; it offers: ${names}`)
  })
  return {
    source,
    title,
    limits: gas === undefined ? {} : { gas: gas as number },
    oracles: chosen,
    upgrade
  } as const
}

function fieldsOf(value: Value): { [name: string]: Value | undefined } {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array))
    return value
  throw new OracleError('EINVAL', 'options are an object')
}

function readInit(owner: Value, key: Value, bytes: Value, signature: Value): CheckedRequest {
  try {
    if (!(bytes instanceof Uint8Array) || !(signature instanceof Uint8Array))
      throw new Error('they are bytes')
    const signed = { bytes, signature }
    const request = decodeRequest(bytes)
    if (encodeKey(request.vm) !== key || encodeKey(request.caller) !== owner)
      throw new Error('it is for another VM, or by somebody else')
    if (request.method !== INIT || (decodeValue(request.args) as Value[]).length > 0)
      throw new Error('it is not for init')
    if (!verifyRequest(signed, request.caller)) throw new Error('it is not signed')
    return { request, signed }
  } catch (error) {
    throw new OracleError('BAD_REQUEST', `the request of init is none: ${messageOf(error)}`)
  }
}

/** What a host refuses, as the contract of the factory sees it. */
async function explained<T>(action: Promise<T>): Promise<T> {
  try {
    return await action
  } catch (error) {
    throw error instanceof VMSError ? new OracleError(error.code, error.message) : error
  }
}
