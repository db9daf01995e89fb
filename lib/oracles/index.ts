// Which oracles a VM has: chosen by the operator when it is deployed, and found again by what genesis says of them.

import { readFile } from 'node:fs/promises'
import path from 'node:path'
import b4a from 'b4a'
import { VMSError } from '../errors.js'
import { wrongOracles, type OracleSpec } from '../ledger/oracles.js'
import { syncWay } from '../user/synced.js'
import { writeWhole } from '../user/whole.js'
import { compareUTF8 } from '../utf8.js'
import { BUILTIN } from './builtin.js'
import { hashOfModule, loadModule } from './module.js'
import { LiveOracles } from './live.js'
import { unknownOracle, type Oracle } from './oracle.js'

export { originOf } from './fetch.js'
export { LiveOracles } from './live.js'
export { OracleError, oracleOf, type Oracle } from './oracle.js'

/** An oracle that an operator adds to a VM. */
export interface OracleChoice {
  name: string
  /** of `fetch`: the origins that it may ask */
  scope?: string[]
  /** of an own one: its code, one ES module that imports nothing but Node's own */
  source?: string
}

/** Oracles that only some hosts have, by name. */
export type OwnOracles = { [name: string]: () => Oracle }

/**
 * What genesis says of oracles.
 * @throws VMSError USAGE if one is none
 */
export async function describeOracles(choices: OracleChoice[], own: OwnOracles = {}): Promise<OracleSpec[]> {
  const oracles = await openOracles(choices, own)
  await closeAll(oracles)
  return oracles.map(({ spec }) => spec)
}

/**
 * The oracles themselves, in the order in which they stand in genesis.
 * @throws VMSError USAGE if one is none
 */
export async function openOracles(choices: OracleChoice[], own: OwnOracles = {}): Promise<Oracle[]> {
  const oracles: Oracle[] = []
  try {
    for (const { name, scope = [], source } of choices) {
      const oracle = source === undefined ? builtin(name, scope, own) : await loadModule(name, source)
      if (oracle === null) throw unknownOracle(name)
      oracles.push(oracle)
    }
    oracles.sort((a, b) => compareUTF8(a.spec.name, b.spec.name))
    const wrong = wrongOracles(oracles.map(({ spec }) => spec))
    if (wrong !== null) throw new VMSError('USAGE', wrong)
    return oracles
  } catch (error) {
    await closeAll(oracles)
    throw error
  }
}

/** Whether every host can offer an oracle of this name. */
export function isBuiltin(name: string): boolean {
  return Object.hasOwn(BUILTIN, name)
}

function builtin(name: string, scope: string[], own: OwnOracles): Oracle | null {
  if (Object.hasOwn(own, name)) return own[name]()
  return isBuiltin(name) ? BUILTIN[name](scope) : null
}

/** The oracles of a host's VMs; the code of own ones is kept in a folder, by its hash. */
export class OracleStore {
  constructor(
    private readonly folder: string,
    private readonly own: OwnOracles,
    private readonly deadline?: number
  ) {}

  /**
   * What genesis says of oracles.
   * @throws VMSError USAGE if one is none
   */
  describe(choices: OracleChoice[]): Promise<OracleSpec[]> {
    return describeOracles(choices, this.own)
  }

  /** Keeps the code of what an operator has chosen. */
  async keep(choices: OracleChoice[]): Promise<void> {
    const sources = choices.flatMap(({ source }) => (source === undefined ? [] : [source]))
    for (const source of sources) await writeWhole(this.folder, nameOf(hashOfModule(source)), source)
    if (sources.length > 0) await syncWay(this.folder) // a VM that asks it cannot be served without it
  }

  /** @throws VMSError STORAGE_BROKEN if the code of one is not there any more */
  async open(specs: OracleSpec[]): Promise<LiveOracles> {
    const oracles: Oracle[] = []
    try {
      for (const { name, hash, scope } of specs) {
        const oracle =
          hash === null
            ? builtin(name, scope, this.own)
            : await loadModule(name, await this.sourceOf(name, hash))
        if (oracle === null) throw new VMSError('STORAGE_BROKEN', `this release has no oracle ${name}`)
        oracles.push(oracle)
      }
    } catch (error) {
      await closeAll(oracles)
      throw error
    }
    return new LiveOracles(oracles, this.deadline)
  }

  private async sourceOf(name: string, hash: Uint8Array): Promise<string> {
    const place = path.join(this.folder, nameOf(hash))
    const source = await readFile(place, 'utf8').catch(() => null)
    if (source !== null && b4a.equals(hashOfModule(source), hash)) return source
    throw new VMSError(
      'STORAGE_BROKEN',
      `the code of the oracle ${name}, ${place}, is not as it was: restore it from a backup`
    )
  }
}

async function closeAll(oracles: Oracle[]): Promise<void> {
  await Promise.all(oracles.map(oracle => oracle.close()))
}

function nameOf(hash: Uint8Array): string {
  return `${b4a.toString(hash, 'hex')}.mjs`
}
