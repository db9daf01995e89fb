// What the policy of a host is asked about: each call, each deployment, and whether there is room to write.

import { encodeKey } from '../ledger/keys.js'
import type { Request } from '../ledger/request.js'
import { decodeValue } from '../ledger/values.js'
import type { Machine } from '../machine/machine.js'
import type { Disk } from './disk.js'
import { isFactory } from './factory.js'
import type { Owned, Policy } from './policy.js'

/** Methods of a factory that only deployers may call. */
const DEPLOYING = new Set(['prepare', 'start'])

export class Gate {
  /** the VMs that were deployed through the factory, by the id of their owner */
  private readonly owners = new Map<string, Set<Machine>>()
  /** the owners of VMs that are beginning */
  private readonly starting: string[] = []

  constructor(
    readonly policy: Policy,
    readonly disk: Disk
  ) {}

  /** From here on a VM that was deployed through the factory counts for its owner. */
  add(machine: Machine): void {
    if (machine.genesis.factory === null) return
    const id = encodeKey(machine.genesis.owner)
    const machines = this.owners.get(id) ?? new Set()
    this.owners.set(id, machines.add(machine))
  }

  remove(machine: Machine): void {
    const id = encodeKey(machine.genesis.owner)
    const machines = this.owners.get(id)
    machines?.delete(machine)
    if (machines?.size === 0) this.owners.delete(id)
  }

  /**
   * Admits a call.
   * @param bytes of the request
   * @throws VMSError FORBIDDEN, QUOTA
   */
  async admit(machine: Machine, { caller, method, args }: Request, bytes: number): Promise<void> {
    const id = encodeKey(caller)
    this.policy.admit(id, bytes)
    await this.admitWrite(machine, bytes)
    if (!isFactory(machine.genesis) || !DEPLOYING.has(method)) return
    const prepares = method === 'prepare'
    this.policy.admitDeployment(id, this.owned(id), prepares ? { bytes, gas: gasAsked(args) } : {})
  }

  /**
   * Admits a VM that its owner has signed; others may have begun since it was admitted first. It counts from here on.
   * @param owner public key
   * @returns to be called once it has begun, or has failed
   * @throws VMSError FORBIDDEN, QUOTA
   */
  reserve(owner: Uint8Array): () => void {
    const id = encodeKey(owner)
    this.policy.admitDeployment(id, this.owned(id))
    this.starting.push(id)
    return () => this.starting.splice(this.starting.indexOf(id), 1)
  }

  /**
   * Admits a batch, or what it is to have more.
   * @throws VMSError QUOTA
   */
  async admitWrite(machine: Machine, more = 0): Promise<void> {
    await this.disk.check()
    const id = encodeKey(machine.genesis.owner)
    if (this.owners.get(id)?.has(machine)) this.policy.admitBytes(id, this.owned(id), more)
  }

  private owned(id: string): Owned {
    const machines = [...(this.owners.get(id) ?? [])]
    const vms = machines.length + this.starting.filter(one => one === id).length
    return { vms, bytes: machines.reduce((sum, { bytes }) => sum + bytes, 0) }
  }
}

/** What somebody asks for who deploys; nonsense is for the factory to refuse. */
function gasAsked(args: Uint8Array): number {
  const [, options] = decodeValue(args) as [unknown, { limits?: { gas?: unknown } | null } | null]
  const gas = options?.limits?.gas
  return typeof gas === 'number' ? gas : 0
}
