// Peers of VMs, found on a topic a VM. The topic is the discovery key of the VM's log, so that stock Hypercore seeders can
// keep a log available too.

import { discoveryKey } from 'hypercore-crypto'
import type { KeyPair } from 'hypercore'
import type DHT from 'hyperdht'
import Hyperswarm, { type Discovery, type NoiseStream } from 'hyperswarm'
import ReadyResource from 'ready-resource'
import { createDHT } from './bootstrap.js'
import { guard } from './guard.js'

// a dead peer is noticed after TIMEOUT instead of 13 to 18 s
const KEEP_ALIVE_MS = 2000
const TIMEOUT_MS = 6000

/** Connections that a process keeps at most. */
const MAX_PEERS = 1024

export interface SwarmOptions {
  /** nodes as host:port; undefined means the public network */
  bootstrap?: string[]
  /** who we are on the network; a host keeps it, so that stale announcements of its own do not clog discovery */
  keyPair?: KeyPair
  /** called for every connection, synchronously: replication and channels are opened here */
  onconnection: (stream: NoiseStream) => void
}

export class Swarm extends ReadyResource {
  private readonly dht: DHT
  private readonly swarm: Hyperswarm
  private announced = false

  constructor({ bootstrap, keyPair, onconnection }: SwarmOptions) {
    super()
    this.dht = createDHT(bootstrap)
    this.swarm = new Hyperswarm({ dht: this.dht, keyPair, maxPeers: MAX_PEERS })
    this.swarm.on('connection', stream => {
      guard(stream)
      stream.on('error', () => {}) // it closes, and is found again
      stream.setKeepAlive(KEEP_ALIVE_MS)
      stream.setTimeout(TIMEOUT_MS)
      onconnection(stream)
    })
  }

  /** Announces this process as a server of the VM's topic. */
  announce(key: Uint8Array): Discovery {
    this.announced = true
    return this.swarm.join(discoveryKey(key), { server: true, client: false })
  }

  /** Takes back what was announced, and looks for no more peers of the VM. */
  async leave(key: Uint8Array): Promise<void> {
    await this.swarm.leave(discoveryKey(key))
  }

  /** Announces this process as a server of the VM's topic, and connects to the others. */
  meet(key: Uint8Array): Discovery {
    this.announced = true
    return this.swarm.join(discoveryKey(key), { server: true, client: true })
  }

  /** Looks for servers of the VM's topic, and connects to them. */
  lookup(key: Uint8Array): Discovery {
    return this.swarm.join(discoveryKey(key), { server: false, client: true })
  }

  /** Resolves once every peer that is known so far was tried. */
  async flush(): Promise<void> {
    await this.swarm.flush()
  }

  protected override async _close(): Promise<void> {
    // who has announced nothing need not wait to take it back, nor for peers that do not answer
    const force = !this.announced
    // by force it would leave the timers of its searches running, and with them the process
    if (force) void this.swarm.clear().catch(() => {})
    await this.swarm.destroy({ force })
    await this.dht.destroy({ force })
  }
}
