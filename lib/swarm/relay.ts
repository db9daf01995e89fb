// A blind relay: passes on datagrams between two peers that do not reach each other. They are encrypted between the two, and
// the relay knows neither what they carry nor which VM they are about.
//
// Whoever knows the relay's key may use it, so what one address may have is bounded: a rate of bytes with a burst, and a
// number of connections. What goes beyond ends; the peers come again later, or find a direct way. Rests on private parts of
// blind-relay, which is pinned for that: it counts nothing itself.

import b4a from 'b4a'
import { Server as BlindRelay, type Session } from 'blind-relay'
import type DHT from 'hyperdht'
import type { RawStream, Server } from 'hyperdht'
import type { KeyPair } from 'hypercore'
import type { NoiseStream } from 'hyperswarm'
import ReadyResource from 'ready-resource'
import { Allowance } from './allowance.js'
import { guard } from './guard.js'
import { bindPort, createDHT } from './network.js'

/** Bytes at once, as a multiple of those per second. */
const BURST_SECONDS = 60

/** Of one address: its connections to the relay, and what is relayed for each of these or waits for the other side, at most. */
const MAX_SESSIONS = 64
const MAX_PAIRS = 64

/** Addresses that are remembered, at most. */
const MAX_ADDRESSES = 10_000

/** How long a peer may be silent, ms: it keeps its connection alive every 5 s. */
const TIMEOUT_MS = 20_000

/** How often it is looked at what was passed on. */
const COUNT_MS = 1000

export interface RelayOptions {
  /** nodes as host:port; undefined means the public network */
  bootstrap?: string[]
  /** the UDP port that peers reach it at; any that is free if not given */
  port?: number
  keyPair: KeyPair
  /** what it carries for one address */
  bytesPerSecond: number
}

/** A peer's end of a relayed connection. */
interface End {
  stream: RawStream
  address: string
  /** what its two ends have in common */
  token: string
  /** bytes that were counted */
  counted: number
}

export class Relay extends ReadyResource {
  /** bytes that were passed on */
  bytes = 0
  private readonly dht: DHT
  private readonly server: Server
  private readonly relay: BlindRelay
  /** with the address of each */
  private readonly sessions = new Map<Session, string>()
  private readonly ends = new Set<End>()
  private readonly allowances = new Map<string, Allowance>()
  private timer: NodeJS.Timeout | null = null

  constructor(private readonly options: RelayOptions) {
    super()
    // its address is public: that is what a relay is for
    this.dht = createDHT({ ...options, firewalled: false })
    this.relay = new BlindRelay({
      createStream: given => this.dht.createRawStream({ ...given, framed: true })
    })
    this.server = this.dht.createServer(stream => this.accept(stream))
  }

  /** Connections that are relayed now. */
  get pairs(): number {
    return this.ends.size / 2
  }

  protected override async _open(): Promise<void> {
    const { port, keyPair } = this.options
    if (port !== undefined) await bindPort(this.dht, port)
    await this.server.listen(keyPair)
    this.timer = setInterval(() => this.count(), COUNT_MS).unref()
  }

  protected override async _close(): Promise<void> {
    if (this.timer) clearInterval(this.timer)
    await this.relay.close()
    await this.server.close()
    await this.dht.destroy()
  }

  private accept(stream: NoiseStream): void {
    guard(stream)
    stream.on('error', () => {}) // it closes
    stream.setTimeout(TIMEOUT_MS)
    const address = stream.rawStream.remoteHost
    const same = [...this.sessions.values()].filter(one => one === address).length
    if (same >= MAX_SESSIONS) return void stream.destroy()
    const session = this.relay.accept(stream, { id: stream.remotePublicKey })
    this.sessions.set(session, address)
    session.on('error', () => {})
    session.on('close', () => this.sessions.delete(session))
    session.on('pair', (_isInitiator, token, raw) => {
      const end = { stream: raw, address, token: b4a.toString(token, 'hex'), counted: 0 }
      this.ends.add(end)
      raw.on('close', () => {
        this.countOne(end)
        this.ends.delete(end)
        // one end alone is of no use: it would stay until its peer leaves
        for (const { token, stream } of this.ends) if (token === end.token) stream.destroy()
      })
    })
  }

  private count(): void {
    for (const session of this.sessions.keys()) {
      if (session._pairing.size + session._links.size > MAX_PAIRS) session.destroy()
    }
    const spent = new Set<string>()
    for (const end of this.ends) if (!this.countOne(end)) spent.add(end.token)
    for (const { token, stream } of this.ends) if (spent.has(token)) stream.destroy()
  }

  /** @returns whether its address may have more */
  private countOne(end: End): boolean {
    const passed = end.stream.bytesReceived
    const bytes = passed - end.counted
    end.counted = passed
    this.bytes += bytes
    return this.allowance(end.address).spend(bytes)
  }

  private allowance(address: string): Allowance {
    let allowance = this.allowances.get(address)
    if (!allowance) {
      const { bytesPerSecond } = this.options
      allowance = new Allowance(bytesPerSecond * BURST_SECONDS, bytesPerSecond)
      // forgotten in the order in which they came: who comes again has a new burst
      const [oldest] = this.allowances.size < MAX_ADDRESSES ? [] : this.allowances.keys()
      if (oldest !== undefined) this.allowances.delete(oldest)
      this.allowances.set(address, allowance)
    }
    return allowance
  }
}
