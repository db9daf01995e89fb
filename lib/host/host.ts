// The host: VMs of one storage, on one swarm.

import path from 'node:path'
import { randomBytes } from 'node:crypto'
import type Corestore from 'corestore'
import type { KeyPair } from 'hypercore'
import type { NoiseStream } from 'hyperswarm'
import ReadyResource from 'ready-resource'
import { VMSError } from '../errors.js'
import { UPGRADES } from '../ledger/contract.js'
import crypto from '../ledger/crypto.js'
import { deriveKeys, encodeKey } from '../ledger/keys.js'
import type { OracleSpec } from '../ledger/oracles.js'
import type { CheckedRequest, Request } from '../ledger/request.js'
import { closeCores, openOwnCores } from '../machine/cores.js'
import { Durability } from '../machine/durable.js'
import { readBlock } from '../machine/load.js'
import { genesisOf, requestInit } from '../machine/genesis.js'
import { Machine, type MachineContext } from '../machine/machine.js'
import { OracleStore, type OracleChoice } from '../oracles/index.js'
import { openOwnStore, type OpenStore } from '../replica/slot.js'
import { Executor, type ConsoleLine } from '../sandbox/executor.js'
import type { NetworkOptions } from '../swarm/network.js'
import { Swarm } from '../swarm/swarm.js'
import type { Reach } from '../swarm/watchdog.js'
import { leaveCleanStop } from './clean-stop.js'
import { Counts } from './counts.js'
import { Disk } from './disk.js'
import { FACTORY_ORACLE, isFactory, vmsOracle, type Prepared, type Wanted } from './factory.js'
import { FACTORY_SOURCE, placeOf } from './factory-contract.js'
import { Gate } from './gate.js'
import { Policy, type PolicyOptions } from './policy.js'
import { doubtedOf, settleDoubts } from './doubts.js'
import { Registry, type Damaged, type Registered } from './registry.js'
import { Service } from './service.js'
import { StatusSocket } from './status-socket.js'
import { statusOf, type HostStatus } from './status.js'

export interface HostOptions extends NetworkOptions {
  /** folder of the host's cores and registry */
  storage: string
  /** the UDP port that others reach this process at; any that is free if not given */
  port?: number
  /** whether peers are asked, after a stop that was not clean, what they have seen: true if not given */
  wait?: boolean
  /** ms that nothing may come of what they are to send then, 30,000 if not given */
  stall?: number
  /** whether a sandbox is kept ready while nobody calls */
  warm?: boolean
  /** ms that a call may run */
  watchdog?: number
  /** ms that an oracle has for an answer */
  oracleDeadline?: number
  /** oracles that VMs of others may have, if there is a factory */
  offered?: OracleChoice[]
  /** whom it serves, and how much of it each may have */
  policy?: PolicyOptions
  /** what contracts print, and the errors that their calls end with; index is null if the call has none */
  onconsole?: (vm: string, line: HostLine) => void
  /** what its operator should know, and does not keep it from serving */
  onproblem?: (problem: string) => void
}

/** A line for the host's log about a VM. */
export type HostLine = Omit<ConsoleLine, 'index'> & { index: number | null }

export interface DeployOptions extends Wanted {
  /** what to call the source in errors, the title if not given */
  file?: string
  owner: KeyPair
}

/** Blocks of a VM that nobody has called: genesis and init. */
const BEGUN_BLOCKS = 2

/** The executor that looks into contracts which are no VMs yet. */
const PREPARING = ''

/** A VM that is not served, and why. */
export interface Refused {
  id: string
  /** the contract, if that much can be read */
  source: string | null
  error: VMSError
}

export class Host extends ReadyResource {
  readonly services = new Map<string, Service>()
  private readonly registered = new Map<string, Registered>()
  /** VMs of the storage that cannot be served */
  readonly refused: Refused[] = []
  private cores: OpenStore | null = null
  private durability!: Durability
  private swarm!: Swarm
  private readonly registry: Registry
  private readonly oracles: OracleStore
  private readonly gate: Gate
  private readonly executors = new Map<string, Executor>()
  /** of the VMs that were removed */
  private readonly past = new Counts()
  private readonly started = Date.now()
  private statusSocket: StatusSocket | null = null

  constructor(private readonly options: HostOptions) {
    super()
    this.registry = new Registry(path.join(options.storage, 'vms'))
    const policy = new Policy(options.policy)
    this.gate = new Gate(policy, new Disk(options.storage, options.policy?.disk))
    const own = { [FACTORY_ORACLE]: () => vmsOracle(this, options.offered ?? [], policy) }
    this.oracles = new OracleStore(path.join(options.storage, 'oracles'), own, options.oracleDeadline)
  }

  protected override async _open(): Promise<void> {
    try {
      await this.begin()
    } catch (error) {
      await this._close() // which nobody calls on what never opened
      throw error
    }
  }

  private async begin(): Promise<void> {
    const { storage, onproblem } = this.options
    this.cores = await openOwnStore(storage)
    const { store } = this.cores
    this.durability = new Durability(store)
    const keyPair = await store.createKeyPair('swarm')
    this.swarm = new Swarm({ ...this.options, keyPair })
    this.swarm.on('reach', (reach: Reach) => this.emit('reach', reach))
    await this.swarm.ready()
    this.statusSocket = await StatusSocket.open(storage, () => this.status(), onproblem)
    const listed = await this.registry.list()
    const lost = await this.recover(listed, keyPair.publicKey)
    for (const registered of listed) await this.resume(registered, lost.get(registered.id) ?? null)
    this.swarm.on('connection', (stream: NoiseStream) => this.connect(stream))
    await this.forgetUnlogged()
    // whoever connects finds all of them
    await Promise.all([...this.services.values()].map(service => this.announce(service)))
    if (this.options.warm) this.executor(PREPARING).keepWarm()
  }

  /** @param own key on the network @returns why some VMs must not be served */
  private async recover(listed: (Registered | Damaged)[], own: Uint8Array): Promise<Map<string, VMSError>> {
    const { storage, wait, bootstrap, relays, stall, onproblem: onprogress = () => {} } = this.options
    const doubted = await doubtedOf(storage, listed)
    const vms = await Promise.all(doubted.map(async one => ({ ...one, keyPair: await this.keyPairOf(one) })))
    const { registry, durability } = this
    const [{ store }, folder, network] = [this.cores!, path.join(storage, 'recovery'), { bootstrap, relays }]
    return settleDoubts(vms, registry, wait, { store, durability, network, own, folder, stall, onprogress })
  }

  /** A deployment that the host died of before its factory had logged it did not happen: its owner was told of none. */
  private async forgetUnlogged(): Promise<void> {
    for (const [id, service] of this.services) {
      const { factory } = service.machine.genesis
      const { machine } = (factory && this.services.get(encodeKey(factory))) ?? {}
      if (!machine || (await machine.has(placeOf(id)))) continue
      if (service.machine.head.length <= BEGUN_BLOCKS) await this.remove(service)
      else
        this.options.onproblem?.(
          `${id} is served, and the log of the factory does not say that it was deployed`
        )
    }
  }

  protected override async _close(): Promise<void> {
    await this.statusSocket?.close()
    await Promise.all([...this.services.values()].map(service => service.close()))
    await Promise.all([...this.executors.values()].map(executor => executor.close()))
    await this.swarm?.close()
    await this.durability?.close()
    await this.cores?.close()
    // without it peers are asked at the next start
    if (this.opened) await leaveCleanStop(this.options.storage).catch(() => {})
  }

  /**
   * Deploys a contract as a new VM.
   * @throws VMSError INVALID_CONTRACT, DISK, QUOTA; USAGE if an oracle is none
   */
  async deploy({ owner, ...deployment }: DeployOptions): Promise<Service> {
    const prepared = await this.prepare(owner.publicKey, deployment)
    return this.start(prepared, requestInit(prepared.genesis, prepared.key, owner))
  }

  /** The VM that deploys others for whoever calls it; it is deployed if there is none yet. */
  async factory(operator: KeyPair): Promise<Service> {
    for (const service of this.services.values()) if (isFactory(service.machine.genesis)) return service
    const oracles = [{ name: FACTORY_ORACLE }]
    return this.deploy({ source: FACTORY_SOURCE, title: 'factory', owner: operator, oracles })
  }

  /**
   * Makes what a new VM begins with, for its owner to sign; nothing is kept yet.
   * @param owner public key
   * @throws VMSError INVALID_CONTRACT, QUOTA; USAGE if an oracle is none
   */
  async prepare(
    owner: Uint8Array,
    {
      source,
      title,
      file = title,
      oracles = [],
      upgrade = 'never',
      factory,
      ...wanted
    }: Omit<DeployOptions, 'owner'>
  ): Promise<Prepared> {
    await this.ready()
    await this.gate.disk.check()
    const limits = this.gate.policy.limits(wanted.limits)
    const specs = await this.oracles.describe(oracles)
    const executor = this.executor(PREPARING)
    const { methods, problems } = await executor.inspect(source, { gas: limits.gas, oracles: specs })
    if (problems.length > 0) {
      const [{ message, line, column }] = problems
      throw new VMSError(
        'INVALID_CONTRACT',
        `${file}:${line === null ? '' : `${line}:${column}:`} ${message}`
      )
    }
    await this.oracles.keep(oracles)
    const name = randomBytes(16).toString('hex')
    const keyPair = await this.keyPair(name)
    const { log: key, db } = deriveKeys(keyPair.publicKey)
    const deployment = { source, methods, title, limits, oracles: specs, upgrade: UPGRADES[upgrade], factory }
    return { name, key, keyPair, file, genesis: genesisOf(deployment, db, owner) }
  }

  /**
   * Begins a VM that was prepared.
   * @param init what its owner has signed
   * @throws VMSError INVALID_CONTRACT if `init` throws, DISK; QUOTA, FORBIDDEN if it is through the factory
   */
  async start({ name, key, keyPair, genesis, file }: Prepared, init: CheckedRequest): Promise<Service> {
    const settle = genesis.factory ? this.gate.reserve(genesis.owner) : () => {}
    return this.begun({ name, key, keyPair, genesis, file }, init).finally(settle)
  }

  private async begun(
    { name, key, keyPair, genesis, file }: Prepared,
    init: CheckedRequest
  ): Promise<Service> {
    const id = encodeKey(key)
    try {
      await Machine.deploy(this.context(id), keyPair, genesis, init)
    } catch (error) {
      await this.dropExecutor(id)
      if (!(error instanceof VMSError) || error.code !== 'INVALID_CONTRACT') throw error
      throw new VMSError('INVALID_CONTRACT', `${file}: ${error.message}`)
    }
    const registered = { id, origin: { name }, stopped: false, doubtful: false }
    await this.registry.put(registered)
    const service = await this.serve(registered, keyPair)
    await this.announce(service)
    return service
  }

  /** The VM takes no calls from here on, or takes them again, after restarts too. */
  async stop(service: Service, stopped = true): Promise<void> {
    const registered = this.registered.get(encodeKey(service.key))!
    service.stopped = stopped
    registered.stopped = stopped
    await this.registry.put(registered)
  }

  /** Forgets a VM: it is not served any more. What others have of it stays theirs. */
  async remove(service: Service): Promise<void> {
    const id = encodeKey(service.key)
    await this.registry.remove(id)
    this.services.delete(id)
    this.registered.delete(id)
    this.gate.remove(service.machine)
    this.past.add(service.counts)
    await this.swarm.leave(service.key)
    await service.close()
    await this.dropExecutor(id)
  }

  /** Whether others can find it; null until that is known. */
  get reach(): Reach | null {
    return this.swarm.reach
  }

  /** What it is doing. */
  status(): Promise<HostStatus> {
    const { services, refused, past, started, swarm, gate } = this
    const storage = path.resolve(this.options.storage)
    return statusOf({
      storage,
      services,
      refused,
      starting: !this.opened,
      past,
      started,
      peers: swarm.streams.size,
      network: swarm.reach,
      gate
    })
  }

  /** @param lost why it must not be served */
  private async resume(registered: Registered | Damaged, lost: VMSError | null): Promise<void> {
    const { id } = registered
    if ('error' in registered) return void this.refused.push({ ...registered, source: null })
    const keyPair = await this.keyPairOf(registered)
    try {
      if (lost) throw lost
      if (encodeKey(deriveKeys(keyPair.publicKey).log) !== id) {
        throw new VMSError('STORAGE_BROKEN', `${id} is not served: its file in the storage names another VM`)
      }
      await this.serve(registered, keyPair)
    } catch (error) {
      await this.dropExecutor(id)
      if (!(error instanceof VMSError)) throw error
      this.refused.push({ id, error, source: await sourceOf(this.cores!.store, keyPair) })
    }
  }

  private async serve(registered: Registered, keyPair: KeyPair): Promise<Service> {
    const { id, stopped } = registered
    const service = new Service(new Machine(this.context(id), keyPair), this.gate)
    service.on('aborted', ({ method }: Request) => {
      const text = `a call of ${method} was killed: it ran too long, or crashed the sandbox`
      this.options.onconsole?.(id, { index: null, level: 'error', text, line: null })
    })
    service.once('lost', ({ message }: VMSError) => {
      this.options.onproblem?.(message)
      void this.registry.put({ ...registered, doubtful: true }).catch(() => {})
    })
    await service.ready()
    service.stopped = stopped
    const { log, db, blobs } = service.machine.cores
    for (const core of [log, db, blobs]) core.once('conflict', () => service.fork())
    service.once('forked', ({ message }: VMSError) =>
      this.options.onconsole?.(id, { index: null, level: 'error', text: message, line: null })
    )
    this.services.set(id, service)
    this.gate.add(service.machine)
    this.registered.set(id, registered)
    for (const stream of this.swarm.streams) service.serve(stream)
    return service
  }

  private async announce({ key }: Service): Promise<void> {
    await this.swarm.announce(key).flushed()
  }

  private connect(stream: NoiseStream): void {
    this.cores!.store.replicate(stream)
    for (const service of this.services.values()) service.serve(stream)
  }

  private context(id: string): MachineContext {
    const { durability } = this
    const openOracles = (specs: OracleSpec[]) => this.oracles.open(specs)
    return { store: this.cores!.store, durability, executor: this.executor(id), openOracles }
  }

  private executor(id: string): Executor {
    const { watchdog, onconsole } = this.options
    let executor = this.executors.get(id)
    if (!executor) {
      executor = new Executor({ watchdog, onconsole: line => onconsole?.(id, line) })
      this.executors.set(id, executor)
    }
    return executor
  }

  private async dropExecutor(id: string): Promise<void> {
    await this.executors.get(id)?.close()
    this.executors.delete(id)
  }

  private keyPairOf({ origin }: Registered): Promise<KeyPair> {
    return 'seed' in origin ? Promise.resolve(crypto.keyPair(origin.seed)) : this.keyPair(origin.name)
  }

  private keyPair(name: string): Promise<KeyPair> {
    return this.cores!.store.createKeyPair(`vm/${name}`)
  }
}

async function sourceOf(store: Corestore, keyPair: KeyPair): Promise<string | null> {
  const cores = await openOwnCores(store, keyPair)
  try {
    const genesis = await readBlock(cores.log, 0)
    return genesis.type === 'genesis' ? genesis.source : null
  } catch {
    return null
  } finally {
    await closeCores(cores)
  }
}
