// The client of a VM: the contract's methods as its own, and its files.

import type { KeyPair } from 'hypercore'
import ReadyResource from 'ready-resource'
import { decodeKey, encodeKey } from '../ledger/keys.js'
import { INIT } from '../machine/machine.js'
import { Replica } from '../replica/replica.js'
import { dataFolder } from '../user/folders.js'
import { loadIdentity } from '../user/identity.js'
import { Calls, DEFAULT_TIMEOUT_MS, type CallOptions, type CallResult } from './calls.js'
import { ClientFiles } from './files.js'
import { describe, type Info } from './info.js'

export interface ClientOptions {
  /** nodes as host:port; the public network if not given */
  bootstrap?: string[]
  /** who calls: a key pair, or the file of one; the user's own if not given */
  identity?: KeyPair | string
  /** a folder for this client alone; if not given, one below the user's data folder */
  storage?: string
  /** ms to wait for a host or an answer, 30,000 if not given */
  timeout?: number
}

/** What every client has, whatever the contract. */
export class Client extends ReadyResource {
  readonly key: Uint8Array
  /** the key as printed */
  readonly id: string
  readonly files: ClientFiles
  private readonly replica: Replica
  private readonly timeout: number
  private calls: Promise<Calls> | null = null

  /** @throws VMSError INVALID_KEY */
  constructor(
    key: string | Uint8Array,
    private readonly options: ClientOptions = {}
  ) {
    super()
    this.key = decodeKey(key)
    this.id = encodeKey(this.key)
    this.timeout = options.timeout ?? DEFAULT_TIMEOUT_MS
    const { bootstrap, storage } = options
    this.replica = new Replica(this.key, { bootstrap, storage, data: dataFolder() })
    this.files = new ClientFiles(this.replica, this.timeout)
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
    const calls = await (this.calls ??= this.openCalls())
    return calls.call(method, args, { timeout: this.timeout, ...options })
  }

  /** Names of the methods that can be called. */
  async methods(): Promise<string[]> {
    return (await this.info()).methods.filter(name => name !== INIT)
  }

  /** What the VM is: title, owner, methods, trust, length of the log. */
  async info(): Promise<Info> {
    const online = await this.replica.sync(this.timeout)
    return describe(this.replica, online)
  }

  protected override async _open(): Promise<void> {
    await this.replica.ready()
  }

  protected override async _close(): Promise<void> {
    await this.replica.close()
  }

  private async openCalls(): Promise<Calls> {
    const { identity } = this.options
    return new Calls(this.replica, typeof identity === 'object' ? identity : await loadIdentity(identity))
  }
}

type Method = (...args: never[]) => unknown

/** The methods of a contract as a client has them. */
export type Methods<Contract> = {
  [
    Name in keyof Contract as Contract[Name] extends Method ? (Name extends 'init' ? never : Name) : never
  ]: Contract[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never
}

/** A contract of which nothing is known. */
export interface AnyContract {
  // what a method returns depends on the contract: give its type to have it checked
  [method: string]: (...args: unknown[]) => unknown
}

export type VMSClient<Contract = AnyContract> = Client & Methods<Contract>

interface VMSClientConstructor {
  /**
   * @param key the VM's key, as `vms serve` prints it
   * @throws VMSError INVALID_KEY
   */
  new <Contract = AnyContract>(key: string | Uint8Array, options?: ClientOptions): VMSClient<Contract>
}

class ClientProxy extends Client {
  constructor(key: string | Uint8Array, options?: ClientOptions) {
    super(key, options)
    return new Proxy<ClientProxy>(this, {
      get(target, name, receiver) {
        if (typeof name === 'symbol' || name in target || name === 'then')
          return Reflect.get(target, name, receiver) as unknown
        return (...args: unknown[]) => target.call(name, ...args)
      }
    })
  }
}

/** A client of the VM with this key: `await client.method(...)` calls the contract. */
export const VMSClient = ClientProxy as unknown as VMSClientConstructor
