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
  /** bytes that were counted */
  counted: number
}

export class Relay extends ReadyResource {
  /** bytes that were passed on */
  bytes = 0
  private readonly dht: DHT
  private readonly server: Server
  private readonly relay: BlindRelay
  /** the connections of peers, with the address of each */
  private readonly sessions = new Map<NoiseStream, { session: Session; address: string }>()
  /** the ends of each relayed connection, by the token that they have in common */
  private readonly ends = new Map<string, End[]>()
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
    return this.ends.size
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
    const same = [...this.sessions.values()].filter(one => one.address === address).length
    if (same >= MAX_SESSIONS) return void stream.destroy()
    const session = this.relay.accept(stream, { id: stream.remotePublicKey })
    this.sessions.set(stream, { session, address })
    stream.on('close', () => this.sessions.delete(stream))
    session.on('error', () => {})
    session.on('close', () => stream.destroy()) // its line is of no other use
    session.on('pair', (_isInitiator, token, raw) => {
      // a token is used once: of what is paired under it again, blind-relay would know the last only
      const added = this.add(b4a.toString(token, 'hex'), { stream: raw, address, counted: 0 })
      if (!added || isFull(session)) stream.destroy()
    })
  }

  /** @returns whether the token has no two ends yet */
  private add(token: string, end: End): boolean {
    const ends = this.ends.get(token) ?? []
    if (ends.length === 2) {
      end.stream.destroy()
      return false
    }
    ends.push(end)
    this.ends.set(token, ends)
    end.stream.on('close', () => {
      this.countOne(end)
      if (this.ends.get(token) === ends) this.ends.delete(token)
      // one end alone is of no use: it would stay until its peer leaves
      for (const { stream } of ends) stream.destroy()
    })
    return true
  }

  private count(): void {
    for (const [stream, { session }] of this.sessions) {
      if (isFull(session)) stream.destroy()
    }
    for (const ends of this.ends.values()) {
      const granted = ends.map(end => this.countOne(end))
      if (granted.includes(false)) for (const { stream } of ends) stream.destroy()
    }
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

function isFull({ _pairing, _links }: Session): boolean {
  return _pairing.size + _links.size > MAX_PAIRS
}
