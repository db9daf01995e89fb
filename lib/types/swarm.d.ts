// The parts of the untyped Holepunch network packages that are used here, at the versions pinned in package.json.

declare module 'hyperdht' {
  import type { KeyPair } from 'hypercore'

  export interface DHTOptions {
    bootstrap?: string[]
    host?: string
    port?: number
    firewalled?: boolean
    ephemeral?: boolean
    keyPair?: KeyPair
  }
  export default class DHT {
    constructor(options?: DHTOptions)
    static keyPair(seed?: Uint8Array): KeyPair
    static bootstrapper(port: number, host: string, options?: DHTOptions): DHT
    fullyBootstrapped(): Promise<void>
    ready(): Promise<void>
    address(): { host: string; port: number } | null
    destroy(options?: { force?: boolean }): Promise<void>
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
      firewall?: (remotePublicKey: Uint8Array) => boolean
    })
    readonly dht: DHT
    readonly keyPair: KeyPair
    readonly connections: Set<NoiseStream>
    readonly server: { relayAddresses: { host: string; port: number }[]; refresh(): void }
    join(topic: Uint8Array, options?: { server?: boolean; client?: boolean }): Discovery
    leave(topic: Uint8Array): Promise<void>
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
