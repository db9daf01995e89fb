// The contract of a VM: as genesis holds it, and as its owner has replaced it since, where genesis allows that.
//
// An upgrade is a block of its own type, with the fields of a commit. Its one record is a call of `migrate` by the owner, with
// the arguments
//
//   from      the hash of the source that it replaces, in hex
//   source    the new contract
//   methods   its exported functions, ascending by UTF-8 bytes
//
// so that the owner's signature is over all of them. The new contract's own `migrate`, if it exports one, has run with `from`
// alone; one that throws is no upgrade.

import b4a from 'b4a'
import { VMSError } from '../errors.js'
import { compareUTF8 } from '../utf8.js'
import crypto from './crypto.js'
import type { Record } from './record.js'
import { decodeRequest, verifyRequest, type Request } from './request.js'
import { decodeValue, encodeValue, type Value } from './values.js'

/** Methods that an error names. */
const MAX_NAMES = 50

/** The name of the method that runs once, at deployment. */
export const INIT = 'init'

/** The name of the method that runs once, when the contract is replaced. */
export const MIGRATE = 'migrate'

/** Who may replace the contract: the policies of a genesis. */
export const UPGRADE_NEVER = 0
export const UPGRADE_OWNER = 1

/** The policies by their names, as people write them. */
export const UPGRADES = { never: UPGRADE_NEVER, owner: UPGRADE_OWNER } as const
export type UpgradeName = keyof typeof UPGRADES

/** @returns 'never' for a policy that this release does not know: it knows no upgrades of it */
export function nameOfUpgrade(policy: number): UpgradeName {
  return policy === UPGRADE_OWNER ? 'owner' : 'never'
}

export interface Contract {
  /** as it is executed: one script */
  source: string
  /** exported functions, ascending by UTF-8 bytes, `init` and `migrate` included */
  methods: string[]
}

/** What the owner signs. */
export interface Upgrade extends Contract {
  /** hash of the source that it replaces, hex */
  from: string
}

/** A contract that runs calls from a block on. */
export interface ContractInForce extends Contract {
  /** block of the genesis or upgrade that holds it */
  block: number
}

export function hashSource(source: string): Uint8Array {
  return crypto.hash(b4a.from(source))
}

/** The arguments of the owner's call. */
export function upgradeArguments(before: Contract, { source, methods }: Contract): Value[] {
  return [b4a.toString(hashSource(before.source), 'hex'), source, methods]
}

/** @throws Error if the request is not that of an upgrade */
export function readUpgrade({ method, args }: Request): Upgrade {
  const [from, source, methods, ...more] = decodeValue(args) as Value[]
  const good =
    method === MIGRATE &&
    more.length === 0 &&
    typeof from === 'string' &&
    typeof source === 'string' &&
    Array.isArray(methods) &&
    methods.every(name => typeof name === 'string')
  if (!good) throw new Error('it holds no contract; migrate runs with "vms upgrade" alone')
  const names = methods
  if (!inOrder(names)) throw new Error('the methods are not in order')
  return { from, source, methods: names }
}

/** @throws Error if the records are not those of an upgrade */
export function upgradeOf(records: { request: Uint8Array }[]): Upgrade {
  if (records.length !== 1) throw new Error(`an upgrade holds one call, not ${records.length}`)
  return readUpgrade(decodeRequest(records[0].request))
}

/** Whose contract it is, and who may replace it: what genesis says. */
export interface Ownership {
  upgrade: number
  owner: Uint8Array
}

/** @returns why a call of `migrate` cannot replace the contract; null if it can */
export function wrongUpgrade(
  { caller }: Request,
  { outcome }: Pick<Record, 'outcome'>,
  { upgrade, owner }: Ownership
): string | null {
  if (upgrade !== UPGRADE_OWNER) return 'genesis does not let anybody replace the contract'
  if (!b4a.equals(caller, owner)) return 'the upgrade is not signed by the owner'
  return outcome.ok ? null : 'migrate failed, so there is no upgrade'
}

/**
 * What somebody checks of an upgrade who has not seen the blocks around it.
 * @param vm key of the log
 * @throws Error if it is not the owner's
 */
export function requireOwners(records: Record[], vm: Uint8Array, genesis: Ownership): void {
  const [record] = records
  const signed = { bytes: record.request, signature: record.signature }
  const request = decodeRequest(record.request)
  const wrong = b4a.equals(request.vm, vm) ? wrongUpgrade(request, record, genesis) : 'it is for another VM'
  if (wrong !== null) throw new Error(wrong)
  if (!verifyRequest(signed, request.caller)) throw new Error('the upgrade is not signed')
}

/** What the contract's own `migrate` is called with. */
export function migration(request: Request): Request {
  return { ...request, args: encodeValue([readUpgrade(request).from]) }
}

export function sameMethods(a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i])
}

/** Whether each name is there once, ascending by UTF-8 bytes. */
export function inOrder(methods: string[]): boolean {
  return methods.every((name, i) => i === 0 || compareUTF8(methods[i - 1], name) < 0)
}

/** The methods for everybody: those that run once are not among them. @param upgrade the policy of the genesis */
export function methodsToCall({ upgrade }: { upgrade: number }, { methods }: Contract): string[] {
  return methods.filter(name => name !== INIT && (name !== MIGRATE || upgrade === UPGRADE_NEVER))
}

/** @throws VMSError NO_SUCH_METHOD if it is none of these methods */
export function checkMethod(names: string[], method: string): void {
  if (names.includes(method)) return
  const some = names.slice(0, MAX_NAMES)
  const there = some.join(', ') + (names.length > MAX_NAMES ? ', …' : '') || 'none'
  throw new VMSError(
    'NO_SUCH_METHOD',
    `the contract has no method ${JSON.stringify(method.slice(0, 64))} to call; it has: ${there}`
  )
}
