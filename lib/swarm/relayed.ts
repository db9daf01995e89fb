// When a connection is relayed: where neither side's router lets the other through (both map each peer to another port), and
// where it failed without. Both sides work on a direct way all the while, and change over to it when they find one.

import b4a from 'b4a'
import type DHT from 'hyperdht'
import type { NoiseStream } from 'hyperswarm'
import { decodeRelays } from './network.js'
import { natOf } from './watchdog.js'

/**
 * How long an attempt without a relay may take, ms. Routers that let each other through do so in less than a second; where
 * they do not it takes 10 s more until that is said.
 */
const DIRECT_MS = 3000

/** The same where only the peer may know a relay: what is cut short without need keeps its host busy for a while. */
const UNKNOWN_MS = 6000

/** A peer that comes again after DIRECT_MS, and before this, has not got through, ms. */
const AGAIN_MS = 60_000

/** How long after a peer came again its handshake is answered at most, ms. */
const ANSWER_MS = 2000

/** Peers that are remembered because they did not get through yet, at most. */
const MAX_PEERS = 1000

/**
 * Chooses for each connection whether a relay is offered. A router that maps always to the same port is passed directly in
 * less than a second unless the other one is the kind that needs the relay: then that side offers it.
 */
export class Relaying {
  private readonly relays: Uint8Array[]
  /** when those came who have not got through, by their keys */
  private readonly knocks = new Map<string, number>()
  /** until when relays are offered to whoever comes */
  private needed = 0
  /** those to whom one attempt was cut short */
  private readonly cut = new Set<string>()
  /** the connections to relays */
  private readonly lines = new Set<NoiseStream>()

  /** @param relays keys as printed */
  constructor(
    private readonly dht: DHT,
    relays?: string[]
  ) {
    this.relays = decodeRelays(relays)
    this.hurry()
  }

  /** What Hyperswarm asks for each connection. @param force whether it was tried without */
  readonly choose = (force: boolean): Uint8Array[] | null => {
    if (this.relays.length === 0) return null
    const needed = force || performance.now() < this.needed
    return needed || ['symmetric', 'unknown'].includes(natOf(this.dht)) ? this.relays : null
  }

  /** Somebody wants to connect: who comes again has not got through. The next that is asked for is this connection. */
  knock(peer: Uint8Array): void {
    const [name, now] = [nameOf(peer), performance.now()]
    const since = now - (this.knocks.get(name) ?? now)
    if (since >= DIRECT_MS / 2 && since < AGAIN_MS) this.needed = now + ANSWER_MS
    if (this.knocks.size >= MAX_PEERS) this.knocks.clear()
    this.knocks.set(name, now)
  }

  /** Somebody has got through. */
  opened(peer: Uint8Array): void {
    this.knocks.delete(nameOf(peer))
    this.cut.delete(nameOf(peer))
  }

  /** Whether a connection is relayed just now: it may find a direct way yet. */
  isRelayed({ rawStream: { remoteHost, remotePort } }: NoiseStream): boolean {
    for (const { rawStream } of this.lines) {
      if (rawStream?.remoteHost === remoteHost && rawStream.remotePort === remotePort) return true
    }
    return false
  }

  // Ends a first attempt without a relay early, as if punching had failed: the next one has a relay, if one is known here, or
  // to the peer, who sees that it did not get through before. What searches for the right port of a router takes its time.
  private hurry(): void {
    const { dht, relays } = this
    const connect = dht.connect.bind(dht)
    dht.connect = (peer, options) => {
      const stream = connect(peer, options)
      if (options === undefined) {
        this.lines.add(stream) // a relay: Hyperswarm gives options for everybody else
        stream.once('close', () => this.lines.delete(stream))
      }
      if (options?.relayThrough !== null) return stream
      const name = nameOf(peer)
      const { random } = dht.stats.punches
      const timer = setTimeout(
        () => {
          if (relays.length === 0 && (this.cut.has(name) || dht.stats.punches.random > random)) return
          if (this.cut.size >= MAX_PEERS) this.cut.clear()
          this.cut.add(name)
          stream.destroy(new HolepunchAborted())
        },
        relays.length === 0 ? UNKNOWN_MS : DIRECT_MS
      )
      const done = () => clearTimeout(timer)
      stream.once('open', done).once('close', done)
      return stream
    }
  }
}

/** What Hyperswarm tries with a relay after. */
class HolepunchAborted extends Error {
  readonly code = 'HOLEPUNCH_ABORTED'

  constructor() {
    super('the peer was not reached directly in time')
  }
}

function nameOf(peer: Uint8Array): string {
  return b4a.toString(peer, 'hex')
}
