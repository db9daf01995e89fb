// The client of a VM: the contract's methods as its own, and its files.

import { EventEmitter } from 'node:events'
import path from 'node:path'
import type { KeyPair } from 'hypercore'
import ReadyResource from 'ready-resource'
import { VMSError } from '../errors.js'
import { Watch } from '../audit/watch.js'
import { decodeKey, encodeKey } from '../ledger/keys.js'
import { Replica } from '../replica/replica.js'
import { RESERVED } from '../sandbox/reserved.js'
import type { NetworkOptions } from '../swarm/network.js'
import { dataFolder } from '../user/folders.js'
import { loadIdentity } from '../user/identity.js'
import { Calls, DEFAULT_TIMEOUT_MS, type CallOptions, type CallResult } from './calls.js'
import { ClientFiles } from './files.js'
import { describe, type Info } from './info.js'
import { LocalCalls, type LocalResult } from './local.js'
import { withMethods, type AnyContract, type Methods } from './methods.js'

export type { AnyContract, Methods } from './methods.js'

export interface ClientOptions extends NetworkOptions {
  /** who calls: a key pair, or the file of one; the user's own if not given */
  identity?: KeyPair | string
  /** a folder for this client alone; if not given, one below the user's data folder */
  storage?: string
  /** ms to wait for a host or an answer, 30,000 if not given */
  timeout?: number
  /** auditors whose attestations count: their ids, or public keys */
  trust?: (string | Uint8Array)[]
  /**
   * how many of them must have verified the log up to the block that a call, a local call or a read builds on: it waits for
   * them, and fails with NOT_AUDITED; 0 if not given
   */
  minAuditors?: number
  /**
   * whether to check each commit as it arrives, in the background: the client emits 'verified', 'fraud' and 'inconclusive' as
   * Watch does, and after fraud its calls fail with FRAUD
   */
  audit?: boolean
}

/** What calls methods here, whatever the contract. */
export interface LocalMembers {
  /** Runs a method here and resolves with what it returned. Errors: see `request`. */
  call(method: string, ...args: unknown[]): Promise<unknown>
  /**
   * Runs a method here, and tells from which block the answer is.
   * @throws as LocalCalls.call does: CallError if the contract threw; VMSError NO_SUCH_METHOD, NOT_AVAILABLE, KILLED …
   */
  request(method: string, args: unknown[], options?: CallOptions): Promise<LocalResult>
}

/**
 * The contract's methods, run in a sandbox of this process on the newest files that the host has signed: without the host,
 * not logged, and with no write kept. The answer follows from these files; that they are right is for an audit to say.
 */
export type Local<Contract = AnyContract> = LocalMembers & Methods<Contract>

/** What every client has, whatever the contract. */
export class Client<Contract = AnyContract> extends ReadyResource {
  readonly key: Uint8Array
  /** the key as printed */
  readonly id: string
  readonly files: ClientFiles
  /** `client.local.method(...)` runs a method here, without the host */
  readonly local: Local<Contract>
  private readonly replica: Replica
  private readonly timeout: number
  private readonly minAuditors: number
  private calls: Promise<Calls> | null = null
  private localCalls: Promise<LocalCalls> | null = null
  private keyPair: Promise<KeyPair> | null = null
  private watch: Watch | null = null

  /** @throws VMSError INVALID_KEY; USAGE if more auditors are required than trusted */
  constructor(
    key: string | Uint8Array,
    private readonly options: ClientOptions = {}
  ) {
    super()
    this.key = decodeKey(key)
    this.id = encodeKey(this.key)
    this.timeout = options.timeout ?? DEFAULT_TIMEOUT_MS
    const { bootstrap, relays, storage, trust = [], minAuditors = 0 } = options
    this.replica = new Replica(this.key, { bootstrap, relays, storage, data: dataFolder() })
    for (const auditor of trust) this.replica.trusted.add(encodeKey(decodeKey(auditor)))
    if (minAuditors > this.replica.trusted.size) {
      throw new VMSError(
        'USAGE',
        `${minAuditors} auditors are required, and ${this.replica.trusted.size} are trusted`
      )
    }
    this.minAuditors = minAuditors
    this.files = new ClientFiles(this.replica, this.timeout, minAuditors)
    this.local = this.makeLocal()
  }

  /** Calls a method and resolves with what it returned. Errors: see `request`. */
  async call(method: string, ...args: unknown[]): Promise<unknown> {
    return (await this.request(method, args)).value
  }

  /**
   * Calls a method and resolves with its value and where its record stands in the log.
   * @throws CallError if the contract threw; VMSError NO_SUCH_METHOD, INVALID_VALUE, TOO_LARGE, UNREACHABLE, TIMEOUT,
   * ABORTED, FRAUD and whatever the host refuses with
   */
  async request(method: string, args: unknown[], options: CallOptions = {}): Promise<CallResult> {
    await this.ready()
    if (this.watch?.verdict === 'fraud') {
      throw new VMSError('FRAUD', `the audit of ${this.id} has found fraud: "vms audit ${this.id}" shows it`)
    }
    const calls = await (this.calls ??= this.openCalls())
    return calls.call(method, args, { timeout: this.timeout, ...options })
  }

  /** Names of the methods that can be called. */
  async methods(): Promise<string[]> {
    return (await this.info()).methods
  }

  /** What the VM is: title, owner, methods, trust, length of the log. */
  async info(): Promise<Info> {
    const online = await this.replica.sync(this.timeout)
    return describe(this.replica, online, this.timeout)
  }

  protected override async _open(): Promise<void> {
    await this.replica.ready()
    if (this.options.audit) await this.openWatch()
  }

  private async openWatch(): Promise<void> {
    const folder = path.join(this.options.storage ?? dataFolder(), 'audits')
    this.watch = new Watch(this.replica, { timeout: this.timeout, folder })
    for (const event of ['verified', 'fraud', 'inconclusive', 'online', 'offline']) {
      this.watch.on(event, (what: unknown) => this.emit(event, what))
    }
    await this.watch.ready()
  }

  protected override async _close(): Promise<void> {
    await this.localCalls?.then(calls => calls.close()).catch(() => {}) // there is no identity: nothing runs
    await this.watch?.close()
    await this.replica.close()
  }

  private makeLocal(): Local<Contract> {
    const request = async (method: string, args: unknown[], options: CallOptions = {}) => {
      const calls = await (this.localCalls ??= this.openLocalCalls())
      return calls.call(method, args, { timeout: this.timeout, ...options })
    }
    const members: LocalMembers = {
      call: async (method, ...args) => (await request(method, args)).value,
      request
    }
    return withMethods(members, (method, args) => members.call(method, ...args)) as Local<Contract>
  }

  private async openCalls(): Promise<Calls> {
    return new Calls(this.replica, await this.identity(), this.minAuditors)
  }

  private async openLocalCalls(): Promise<LocalCalls> {
    if (this.closing) throw new VMSError('CLOSED', 'the client is closed')
    return new LocalCalls(this.replica, (await this.identity()).publicKey, this.minAuditors)
  }

  private identity(): Promise<KeyPair> {
    const { identity } = this.options
    return (this.keyPair ??=
      typeof identity === 'object' ? Promise.resolve(identity) : loadIdentity(identity))
  }
}

export type VMSClient<Contract = AnyContract> = Client<Contract> & Methods<Contract>

interface VMSClientConstructor {
  /**
   * @param key the VM's key, as `vms serve` prints it
   * @throws VMSError INVALID_KEY
   */
  new <Contract = AnyContract>(key: string | Uint8Array, options?: ClientOptions): VMSClient<Contract>
}

/** Whether a name is a member of the client: a contract cannot have a method of that name. */
function isMember(name: string): boolean {
  return RESERVED.has(name) || name in EventEmitter.prototype
}

class ClientProxy extends Client {
  constructor(key: string | Uint8Array, options?: ClientOptions) {
    super(key, options)
    return withMethods<ClientProxy>(this, (method, args) => this.call(method, ...args), isMember)
  }
}

/** A client of the VM with this key: `await client.method(...)` calls the contract. */
export const VMSClient = ClientProxy as unknown as VMSClientConstructor
