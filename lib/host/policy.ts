// Whom a host serves, and how much of it each may have. What goes over is refused before it is queued: it leaves no trace in a
// log, and slows nobody else.

import { VMSError } from '../errors.js'
import type { IdList } from '../user/ids.js'
import { Allowance } from './allowance.js'

export interface PolicyOptions {
  /** who may call; everybody if not given */
  allow?: IdList
  /** who may not, allowed or not */
  deny?: IdList
  /** who may deploy through the factory; whoever may call it if not given */
  deployers?: IdList
  /** VMs that an owner may have deployed through the factory */
  vmsPerOwner?: number
  /** calls that a caller may make a minute, of all VMs together */
  callsPerMinute?: number
}

/** Callers whose calls are counted: those that have not called for long are forgotten. */
const COUNTED = 10_000

export class Policy {
  private readonly counted = new Map<string, Allowance>()

  constructor(private readonly options: PolicyOptions = {}) {}

  /**
   * Admits a call.
   * @param id of who calls
   * @throws VMSError FORBIDDEN; QUOTA with when to try again
   */
  admit(id: string): void {
    const { allow, deny, callsPerMinute } = this.options
    if (deny?.has(id) || (allow && !allow.has(id)))
      throw new VMSError('FORBIDDEN', `this host does not serve ${id}`)
    if (callsPerMinute === undefined) return
    const allowance = this.counted.get(id) ?? new Allowance(callsPerMinute, callsPerMinute / 60)
    this.counted.delete(id) // the ones that called last stand at the end
    this.counted.set(id, allowance)
    if (this.counted.size > COUNTED) this.counted.delete(this.counted.keys().next().value!)
    if (allowance.take()) return
    const seconds = Math.ceil(60 / callsPerMinute)
    throw new VMSError(
      'QUOTA',
      `this host takes ${callsPerMinute} calls a minute of a caller: try again in ${seconds} s`
    )
  }

  /**
   * Admits a deployment.
   * @param owned VMs that the owner has already
   * @throws VMSError FORBIDDEN, QUOTA
   */
  admitDeployment(id: string, owned: number): void {
    const { deployers, vmsPerOwner } = this.options
    if (deployers && !deployers.has(id)) throw new VMSError('FORBIDDEN', `${id} may not deploy to this host`)
    if (vmsPerOwner !== undefined && owned >= vmsPerOwner)
      throw new VMSError('QUOTA', `this host takes ${vmsPerOwner} VMs of an owner: remove one before`)
  }
}
