// What every command is given: its flags, read and checked when they are needed, and the way it ends.

import { constants } from 'node:os'
import { existsSync } from 'node:fs'
import type { KeyPair } from 'hypercore'
import { VMSError } from '../errors.js'
import { FileError } from '../files/errors.js'
import type { UpgradeName } from '../ledger/contract.js'
import type { Replica } from '../replica/replica.js'
import type { NetworkOptions } from '../swarm/network.js'
import { log } from './output.js'

/** The flags that every command takes, as they were typed. */
export interface Flags {
  bootstrap?: string
  relay?: string
  storage?: string
  identity?: string
  timeout?: string
  json?: boolean
  verbose?: boolean
}

interface Closable {
  close(): Promise<unknown>
}

const DEFAULT_TIMEOUT_S = 30
const MAX_TIMEOUT_S = 2_000_000

export class Context {
  readonly json: boolean
  readonly verbose: boolean
  /** Resolves with the exit status once the command is told to stop. */
  readonly stopped: Promise<number>
  private readonly closables: Closable[] = []
  private readonly replicas: Replica[] = []
  private closing = false
  private stopStatus: (() => number) | null = null
  private resolveStopped!: (status: number) => void

  constructor(readonly flags: Flags) {
    this.json = flags.json ?? false
    this.verbose = flags.verbose ?? false
    this.stopped = new Promise(resolve => (this.resolveStopped = resolve))
  }

  /** @throws VMSError USAGE if a flag is wrong that every command takes */
  check(): void {
    void this.timeout
  }

  /** Told to stop, this command has done what it should: it runs until then. @param status to exit with */
  runsUntilStopped(status: () => number = () => 0): void {
    this.stopStatus = status
  }

  /** Ends the command; what it uses is closed. */
  stop(cause: 'SIGINT' | 'SIGTERM' | 'EPIPE'): void {
    const status = cause === 'EPIPE' ? 0 : 128 + constants.signals[cause]
    this.resolveStopped(this.stopStatus?.() ?? status)
  }

  /** Closes `resource` when the command ends, before what it was told to use earlier. */
  use<T extends Closable>(resource: T): T {
    if (this.closing) throw new VMSError('CLOSED', 'the command was stopped')
    this.closables.push(resource)
    return resource
  }

  async close(): Promise<void> {
    this.closing = true
    for (let one = this.closables.pop(); one; one = this.closables.pop()) await one.close()
  }

  /** ms to wait for peers */
  get timeout(): number {
    const { timeout } = this.flags
    if (timeout === undefined) return DEFAULT_TIMEOUT_S * 1000
    return parseNumber('--timeout', timeout, { above: 0, max: MAX_TIMEOUT_S }) * 1000
  }

  /** A folder for this command alone, if one was given. */
  get storage(): string | undefined {
    return this.flags.storage || process.env.VMS_STORAGE || undefined
  }

  /** The bootstrap nodes as typed, if any were. */
  get bootstrapText(): string | undefined {
    return this.flags.bootstrap ?? (process.env.VMS_BOOTSTRAP || undefined)
  }

  /** How to take part in the network. */
  async network(): Promise<NetworkOptions> {
    const { bootstrapText } = this
    const relay = this.flags.relay ?? (process.env.VMS_RELAY || undefined)
    if (bootstrapText === undefined && relay === undefined) return {}
    const { parseBootstrap, parseRelays } = await import('../swarm/network.js')
    return {
      bootstrap: bootstrapText === undefined ? undefined : parseBootstrap(bootstrapText),
      relays: relay === undefined ? undefined : parseRelays(relay)
    }
  }

  async identity(): Promise<KeyPair> {
    const { loadIdentity } = await import('../user/identity.js')
    const { identity } = this.flags
    const isNew = identity !== undefined && !existsSync(identity)
    const keyPair = await loadIdentity(identity)
    if (isNew) log(`vms: ${identity} did not exist: it is a new identity now`) // or the name was mistyped
    return keyPair
  }

  /** A copy of a VM, closed when the command ends. @param announce whether others are to find it */
  async replica(key: string, announce = false): Promise<Replica> {
    const { storage } = this
    const [{ decodeKey }, { Replica }, { dataFolder }] = await Promise.all([
      import('../ledger/keys.js'),
      import('../replica/replica.js'),
      import('../user/folders.js')
    ])
    const decoded = decodeKey(key)
    const network = await this.network()
    const replica = this.use(new Replica(decoded, { ...network, storage, data: dataFolder(), announce }))
    this.replicas.push(replica)
    return replica
  }

  /** Why a command failed: what reads a copy ends with errors of its own once its host has contradicted itself. */
  async explain(error: unknown): Promise<unknown> {
    if (error instanceof VMSError || error instanceof FileError) return error
    for (const replica of this.replicas) {
      const reason = await replica.explain(error)
      if (reason !== error) return reason
    }
    return error
  }
}

/**
 * The port that --port was given.
 * @throws VMSError USAGE
 */
export function parsePort(text: string): number {
  return parseNumber('--port', text, { min: 1, max: 65535, integer: true })
}

/**
 * Who may replace a contract, as a flag was given it.
 * @throws VMSError USAGE
 */
export function parseUpgrade(text = 'never'): UpgradeName {
  if (text === 'never' || text === 'owner') return text
  throw new VMSError('USAGE', `--upgrade takes never or owner, not "${text}"`)
}

interface Bounds {
  above?: number
  min?: number
  max?: number
  integer?: boolean
}

/**
 * The number that a flag was given.
 * @throws VMSError USAGE
 */
export function parseNumber(flag: string, text: string, bounds: Bounds): number {
  const { above = -Infinity, min = -Infinity, max = Infinity, integer = false } = bounds
  const number = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : NaN
  if (number > above && number >= min && number <= max && (!integer || Number.isSafeInteger(number)))
    return number
  const kind = integer ? 'a whole number' : 'a number'
  const low = Number.isFinite(above) ? ` above ${above}` : Number.isFinite(min) ? ` from ${min}` : ''
  const high = Number.isFinite(max) ? ` up to ${max}` : ''
  throw new VMSError('USAGE', `${flag} takes ${kind}${low}${high}, not "${text}"`)
}
