// Whom a host serves, and how much of it each may have. What goes over is refused before it is queued: it leaves no trace in a
// log, and slows nobody else.

import { VMSError } from '../errors.js'
import { DEFAULT_LIMITS } from '../machine/genesis.js'
import type { Limits } from '../ledger/blocks.js'
import type { IdList } from '../user/ids.js'
import { formatSize } from '../user/sizes.js'
import { Allowance } from '../swarm/allowance.js'

export interface PolicyOptions {
  /** who may call; everybody if not given */
  allow?: IdList
  /** who may not, allowed or not */
  deny?: IdList
  /** who may deploy through the factory; whoever may call it if not given */
  deployers?: IdList
  /** VMs that an owner may have deployed through the factory */
  vmsPerOwner?: number
  /** bytes of log and files that these may have together */
  bytesPerOwner?: number
  /** calls that a caller may make a minute, of all VMs together */
  callsPerMinute?: number
  /** bytes of the requests that a caller may send a minute */
  bytesPerMinute?: number
  /** bytes that the files in the host's storage may have */
  disk?: number
  /** gas that who deploys through the factory may ask for */
  maxGas?: number
  /** bytes of a file in a VM that is deployed from here on */
  maxFileBytes?: number
}

/** What an owner has here already. */
export interface Owned {
  vms: number
  /** of log and files */
  bytes: number
}

/** Callers whose calls are counted: those that have not called for long are forgotten. */
const COUNTED = 10_000

interface Rates {
  calls?: Allowance
  bytes?: Allowance
}

export class Policy {
  private readonly counted = new Map<string, Rates>()

  constructor(readonly options: PolicyOptions = {}) {}

  /**
   * Admits a call.
   * @param id of who calls
   * @param bytes of the request
   * @throws VMSError FORBIDDEN; QUOTA with when to try again
   */
  admit(id: string, bytes: number): void {
    const { allow, deny, callsPerMinute, bytesPerMinute } = this.options
    if (deny?.has(id) || (allow && !allow.has(id)))
      throw new VMSError('FORBIDDEN', `this host does not serve ${id}`)
    const rates = this.ratesOf(id)
    // what one limit refuses does not count for the other
    if (callsPerMinute !== undefined)
      checkRate(rates.calls!.wait(), `this host takes ${callsPerMinute} calls a minute of a caller`)
    if (bytesPerMinute !== undefined) {
      const limit = `this host takes ${formatSize(bytesPerMinute)} of requests a minute of a caller`
      if (bytes > bytesPerMinute)
        throw new VMSError('QUOTA', `${limit}, this one has ${formatSize(bytes)}: make it smaller`)
      checkRate(rates.bytes!.wait(bytes), limit)
    }
    rates.calls?.take()
    rates.bytes?.take(bytes)
  }

  /**
   * Admits a deployment.
   * @param owned what the owner has already
   * @param asked bytes that it takes at least, and the gas that is asked for
   * @throws VMSError FORBIDDEN, QUOTA
   */
  admitDeployment(id: string, owned: Owned, asked: { bytes?: number; gas?: number } = {}): void {
    const { deployers, vmsPerOwner = Infinity } = this.options
    if (deployers && !deployers.has(id)) throw new VMSError('FORBIDDEN', `${id} may not deploy to this host`)
    if (owned.vms >= vmsPerOwner)
      throw new VMSError('QUOTA', `this host takes ${vmsPerOwner} VMs of an owner: remove one before`)
    this.admitGas(asked.gas)
    this.admitBytes(id, owned, asked.bytes)
  }

  /** @throws VMSError QUOTA if nobody may have so much gas who deploys */
  admitGas(gas = 0): void {
    const { maxGas = Infinity } = this.options
    if (gas > maxGas)
      throw new VMSError('QUOTA', `this host gives a call ${maxGas} units of gas at most: ask for less`)
  }

  /**
   * Admits what writes to a VM that was deployed through the factory.
   * @param id of the owner
   * @param more bytes that it takes at least
   * @throws VMSError QUOTA
   */
  admitBytes(id: string, { bytes }: Pick<Owned, 'bytes'>, more = 0): void {
    const { bytesPerOwner = Infinity } = this.options
    if (bytes + more <= bytesPerOwner) return
    throw new VMSError(
      'QUOTA',
      `this host keeps ${formatSize(bytesPerOwner)} for an owner, and the VMs of ${id} have ${formatSize(bytes)} already: ` +
        'nothing more is written there until one is removed'
    )
  }

  /** The limits of a VM to be deployed. @param asked what was asked for */
  limits({ gas = DEFAULT_LIMITS.gas, ...asked }: Partial<Limits> = {}): Partial<Limits> & { gas: number } {
    const { maxFileBytes: fileBytes = DEFAULT_LIMITS.fileBytes } = this.options
    return { gas, fileBytes, ...asked }
  }

  /** The same for one that is deployed through the factory, admitted before. */
  limitsOfOthers(asked: Partial<Limits>): Partial<Limits> {
    const { maxGas = Infinity } = this.options
    return { gas: Math.min(DEFAULT_LIMITS.gas, maxGas), ...asked }
  }

  private ratesOf(id: string): Rates {
    const { callsPerMinute: calls, bytesPerMinute: bytes } = this.options
    if (calls === undefined && bytes === undefined) return {}
    const rates = this.counted.get(id) ?? { calls: perMinute(calls), bytes: perMinute(bytes) }
    this.counted.delete(id) // the ones that called last stand at the end
    this.counted.set(id, rates)
    if (this.counted.size > COUNTED) this.counted.delete(this.counted.keys().next().value!)
    return rates
  }
}

function perMinute(amount: number | undefined): Allowance | undefined {
  return amount === undefined ? undefined : new Allowance(amount, amount / 60)
}

function checkRate(wait: number, limit: string): void {
  if (wait === 0) return
  const retry = Math.ceil(wait * 1000)
  throw new VMSError('QUOTA', `${limit}: try again in ${Math.ceil(wait)} s`, { retry })
}
