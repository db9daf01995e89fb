// Peers of VMs, found on a topic a VM. The topic is the discovery key of the VM's log, so that stock Hypercore seeders can
// keep a log available too. Rests on private parts of hyperswarm, which is pinned for that.

import { setTimeout as delay } from 'node:timers/promises'
import { discoveryKey } from 'hypercore-crypto'
import type { KeyPair } from 'hypercore'
import type DHT from 'hyperdht'
import Hyperswarm, { type Discovery, type NoiseStream } from 'hyperswarm'
import ReadyResource from 'ready-resource'
import { requireFirstByte } from './first-byte.js'
import { guard } from './guard.js'
import { bindPort, createDHT, type NetworkOptions } from './network.js'
import { Relaying } from './relayed.js'
import { Watchdog, type Reach } from './watchdog.js'

const KEEP_ALIVE_MS = 2000

/** A connection on which nothing comes for so long ends, ms; by itself a dead peer would be noticed after 13 to 18 s. */
export const SILENT_MS = 6000

/** How long it may take to take back what was announced, ms: while the line is down nobody answers. */
const LEAVE_MS = 3000

/** Connections that a process keeps at most. */
const MAX_PEERS = 1024

export interface SwarmOptions extends NetworkOptions {
  /** who we are on the network; a host keeps it, so that stale announcements of its own do not clog discovery */
  keyPair?: KeyPair
  /** the UDP port that others reach this process at; any that is free if not given */
  port?: number
}

/**
 * Emits 'connection' with each stream, synchronously: replication and channels are opened there. Emits 'reach' when it
 * changes whether others can find this process, from the time on at which it announces itself.
 */
export class Swarm extends ReadyResource {
  /** the connections that are open */
  readonly streams = new Set<NoiseStream>()
  private readonly dht: DHT
  private readonly swarm: Hyperswarm
  private readonly watchdog: Watchdog
  private readonly relaying: Relaying
  private announced = false

  constructor(private readonly options: SwarmOptions) {
    super()
    const { keyPair, relays } = options
    this.dht = createDHT(options)
    this.relaying = new Relaying(this.dht, relays)
    this.swarm = new Hyperswarm({
      dht: this.dht,
      keyPair,
      maxPeers: MAX_PEERS,
      relayThrough: this.relaying.choose,
      firewall: (peer, payload) => {
        if (payload !== null) this.relaying.knock(peer)
        return false
      }
    })
    this.watchdog = new Watchdog(this.swarm, this.dht, reach => this.emit('reach', reach))
    this.swarm.on('connection', stream => this.connect(stream))
    this.setMaxListeners(0)
  }

  /** Whether others can find this process; null until that is known. */
  get reach(): Reach | null {
    return this.watchdog.reach
  }

  /** Whether a connection goes through a relay just now. */
  isRelayed(stream: NoiseStream): boolean {
    return this.relaying.isRelayed(stream)
  }

  /** Announces this process as a server of the VM's topic. */
  announce(key: Uint8Array): Discovery {
    return this.join(key, { server: true, client: false })
  }

  /** Announces this process as a server of the VM's topic, and connects to the others. */
  meet(key: Uint8Array): Discovery {
    return this.join(key, { server: true, client: true })
  }

  /** Looks for servers of the VM's topic, and connects to them. */
  lookup(key: Uint8Array): Discovery {
    return this.join(key, { server: false, client: true })
  }

  /** Takes back what was announced, and looks for no more peers of the VM. */
  async leave(key: Uint8Array): Promise<void> {
    await this.swarm.leave(discoveryKey(key))
  }

  /** Who is being connected to, by their keys on the network. */
  get dialled(): Uint8Array[] {
    const { connections, _allConnections } = this.swarm
    return [..._allConnections].filter(one => !connections.has(one)).map(one => one.remotePublicKey)
  }

  /** Resolves once every peer that is known so far was tried. */
  async flush(): Promise<void> {
    await this.swarm.flush()
  }

  protected override async _open(): Promise<void> {
    if (this.options.port !== undefined) await bindPort(this.dht, this.options.port)
  }

  protected override async _close(): Promise<void> {
    this.watchdog.stop()
    // who has announced nothing need not wait to take it back, nor for peers that do not answer
    const force = !this.announced
    // by force it would leave the timers of its searches running, and with them the process
    if (force) void this.swarm.clear().catch(() => {})
    const left = this.swarm.destroy({ force }).then(() => this.dht.destroy({ force }))
    await Promise.race([left, delay(LEAVE_MS, undefined, { ref: false })])
    await this.swarm.destroy({ force: true })
    await this.dht.destroy({ force: true })
  }

  private join(key: Uint8Array, as: { server: boolean; client: boolean }): Discovery {
    const discovery = this.swarm.join(discoveryKey(key), as)
    if (as.server && !this.announced) {
      this.announced = true
      const start = () => this.closing === null && this.watchdog.start()
      discovery.flushed().then(start, start)
    }
    return discovery
  }

  private connect(stream: NoiseStream): void {
    guard(stream)
    stream.on('error', () => {}) // it closes, and is found again
    stream.setKeepAlive(KEEP_ALIVE_MS)
    stream.setTimeout(SILENT_MS)
    requireFirstByte(stream)
    this.relaying.opened(stream.remotePublicKey)
    this.streams.add(stream)
    stream.on('close', () => this.streams.delete(stream))
    this.emit('connection', stream)
  }
}
