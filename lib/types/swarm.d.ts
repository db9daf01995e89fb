// The parts of the untyped Holepunch network packages that are used here, at the versions pinned in package.json.

declare module 'hyperdht' {
  import type { Duplex } from 'streamx'
  import type { KeyPair } from 'hypercore'
  import type { NoiseStream } from 'hyperswarm'

  export interface DHTOptions {
    bootstrap?: string[]
    host?: string
    /** or a range: from, and the first that is not in it */
    port?: number | [number, number]
    /** whether to take another port if that one is taken */
    anyPort?: boolean
    firewalled?: boolean
    ephemeral?: boolean
    keyPair?: KeyPair
    /** ms between two attempts to find the port of a router by chance */
    randomPunchInterval?: number
  }
  export interface ConnectOptions {
    keyPair?: KeyPair
    relayThrough?: Uint8Array | Uint8Array[] | null
  }
  export default class DHT {
    constructor(options?: DHTOptions)
    static keyPair(seed?: Uint8Array): KeyPair
    static bootstrapper(port: number, host: string, options?: DHTOptions): DHT
    fullyBootstrapped(): Promise<void>
    ready(): Promise<void>
    bind(): Promise<void>
    address(): { host: string; port: number } | null
    /** the address at which others reach this process directly; null if they do not, or it is not known yet */
    remoteAddress(): { host: string; port: number } | null
    /** whether a router stands before this process */
    readonly firewalled: boolean
    /** whether each peer sees another port of it */
    readonly randomized: boolean
    /** the public address, once it is known */
    readonly host: string | null
    /** Looks for nodes again. */
    refresh(): void
    /** @returns the address at which the node sees us */
    ping(
      node: { host: string; port: number },
      options?: { retry?: boolean }
    ): Promise<{ to: { host: string; port: number } }>
    /** The nodes that it has heard of last. */
    toArray(options?: { limit?: number }): { host: string; port: number }[]
    connect(publicKey: Uint8Array, options?: ConnectOptions): NoiseStream
    /** how often a way through a router was looked for by chance */
    readonly stats: { punches: { random: number } }
    // private: see swarm/network.ts
    _randomPunchLimit: number
    createServer(onconnection: (stream: NoiseStream) => void): Server
    /** Those who have announced a topic, as node after node names them. */
    lookup(topic: Uint8Array): AsyncIterable<{
      peers: { publicKey: Uint8Array; relayAddresses: { host: string; port: number }[] }[]
    }>
    createRawStream(options: object): RawStream
    destroy(options?: { force?: boolean }): Promise<void>
  }
  export interface Server {
    listen(keyPair: KeyPair): Promise<void>
    refresh(): void
    close(): Promise<void>
    readonly relayAddresses: { host: string; port: number }[]
  }
  /** A stream of udx-native. */
  export interface RawStream extends Duplex {
    readonly id: number
    connect(socket: unknown, remoteId: number, remotePort: number, remoteHost: string): void
    readonly bytesReceived: number
    readonly bytesTransmitted: number
  }
}

declare module 'hyperdht/testnet.js' {
  import type DHT from 'hyperdht'

  export interface Testnet {
    bootstrap: { host: string; port: number }[]
    nodes: DHT[]
    destroy(): Promise<void>
  }
  export default function createTestnet(
    size?: number,
    options?: { host?: string; port?: number }
  ): Promise<Testnet>
}

declare module 'hyperswarm' {
  import type { EventEmitter } from 'node:events'
  import type { Duplex } from 'streamx'
  import type DHT from 'hyperdht'
  import type { KeyPair } from 'hypercore'

  export interface NoiseStream extends Duplex {
    readonly remotePublicKey: Uint8Array
    readonly publicKey: Uint8Array
    readonly handshakeHash: Uint8Array
    readonly isInitiator: boolean
    /** the UDP stream below it: where the peer, or the relay, is now; only a connection that is handed out has it for sure */
    readonly rawStream: {
      readonly remoteHost: string
      readonly remotePort: number
      readonly socket: unknown
    }
    readonly userData: unknown
    setKeepAlive(ms: number): void
    setTimeout(ms: number): void
    /** @returns whether everything written has arrived */
    flush(): Promise<boolean>
  }
  export interface PeerInfo {
    readonly publicKey: Uint8Array
    readonly topics: Uint8Array[]
    readonly client: boolean
    ban(banned: boolean): void
  }
  export interface Discovery {
    flushed(): Promise<void>
    refresh(options?: { server?: boolean; client?: boolean }): Promise<void>
    destroy(): Promise<void>
  }
  export default class Hyperswarm extends EventEmitter {
    constructor(options?: {
      keyPair?: KeyPair
      dht?: DHT
      bootstrap?: string[]
      maxPeers?: number
      /** whom to relay a connection through: asked for each, `force` says that it was tried without */
      relayThrough?: (force: boolean) => Uint8Array[] | null
      /** whom to refuse; the payload is null where we connect */
      firewall?: (remotePublicKey: Uint8Array, payload: object | null) => boolean
    })
    readonly dht: DHT
    readonly keyPair: KeyPair
    readonly connections: Set<NoiseStream>
    // private: see swarm/swarm.ts
    readonly _allConnections: Iterable<NoiseStream>
    readonly server: {
      readonly relayAddresses: { host: string; port: number }[]
      refresh(): void
      /** The network is there again: it stops waiting for that. */
      notifyOnline(): void
    }
    join(topic: Uint8Array, options?: { server?: boolean; client?: boolean }): Discovery
    leave(topic: Uint8Array): Promise<void>
    topics(): Iterable<Discovery>
    flush(): Promise<boolean>
    /** Ends all discoveries. */
    clear(): Promise<unknown>
    destroy(options?: { force?: boolean }): Promise<void>
    on(event: 'connection', listener: (stream: NoiseStream, info: PeerInfo) => void): this
    on(event: 'update', listener: () => void): this
  }
}

declare module 'protomux' {
  import type { Encoder } from 'compact-encoding'
  import type { Duplex } from 'streamx'

  export interface Message {
    send(bytes: Uint8Array): boolean
  }
  export interface Channel {
    readonly opened: boolean
    readonly closed: boolean
    readonly drained: boolean
    open(handshake?: unknown): void
    close(): void
    fullyOpened(): Promise<boolean>
    cork(): void
    uncork(): void
    addMessage(options: { encoding: unknown; onmessage: (bytes: Uint8Array) => void }): Message
  }
  export interface ChannelOptions {
    protocol: string
    id: Uint8Array
    handshake?: unknown
    unique?: boolean
    onopen?: (handshake: Uint8Array) => void
    onclose?: () => void
    ondrain?: () => void
  }
  export default class Protomux {
    readonly stream: Duplex
    // private: see swarm/guard.ts
    _destroying: boolean
    _safeDestroy: (error: unknown) => void
    _safeDestroyBound: (error: unknown) => void
    _warn: (error: unknown) => void
    _onbatch: (state: unknown) => void
    static from(stream: object): Protomux
    pair(
      options: { protocol: string; id: Uint8Array | null },
      notify: (id: Uint8Array) => void | Promise<void>
    ): void
    unpair(options: { protocol: string; id: Uint8Array | null }): void
    createChannel(options: ChannelOptions): Channel | null
    opened(options: { protocol: string; id: Uint8Array }): boolean
    destroy(error?: Error): void
  }
  export type RawEncoder = Encoder<Uint8Array>
}

declare module 'blind-relay' {
  import type { EventEmitter } from 'node:events'
  import type { RawStream } from 'hyperdht'
  import type { NoiseStream } from 'hyperswarm'

  export interface Session extends EventEmitter {
    // private: see swarm/relay.ts
    readonly _pairing: Set<string>
    readonly _links: Map<string, unknown>
    on(event: 'error' | 'close', listener: () => void): this
    on(event: 'pair', listener: (isInitiator: boolean, token: Uint8Array, stream: RawStream) => void): this
  }
  export class Server {
    constructor(options: { createStream: (options: object) => RawStream })
    accept(stream: NoiseStream, options: { id: Uint8Array }): Session
    close(): Promise<void>
  }
  export class Client {
    static from(stream: NoiseStream, options: { id: Uint8Array }): Client
    /** Emits the id of the relay's stream as data. */
    pair(isInitiator: boolean, token: Uint8Array, stream: RawStream): EventEmitter
    end(): Promise<unknown>
  }
  export function token(): Uint8Array
}
