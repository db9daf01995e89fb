// The parts of the untyped Holepunch storage packages that are used here, at the versions pinned in package.json.

declare module 'hypercore' {
  import type { EventEmitter } from 'node:events'
  import type { Node } from 'hypercore-crypto'
  import type { Atom } from 'hypercore-storage'

  export interface KeyPair {
    publicKey: Uint8Array
    secretKey: Uint8Array
  }

  export interface Signer {
    signature: 'ed25519'
    namespace: Uint8Array
    publicKey: Uint8Array
  }

  export interface Manifest {
    version: number
    hash: 'blake2b'
    allowPatch: boolean
    quorum: number
    signers: Signer[]
    prologue: { hash: Uint8Array; length: number } | null
    linked: Uint8Array[] | null
    userData: Uint8Array | null
  }

  export interface Peer {
    remotePublicKey: Uint8Array
    remoteFork: number
    remoteLength: number
  }

  /** What a peer sends to show another history. */
  export interface ConflictProof {
    fork: number
    block: object | null
    hash: object | null
    seek: object | null
    upgrade: { start: number; length: number; nodes: Node[]; additionalNodes: Node[]; signature: Uint8Array }
  }

  export interface SessionOptions {
    name?: string
    checkout?: number
    overwrite?: boolean
    atom?: Atom
    snapshot?: boolean
    writable?: boolean
    /** ms that a read waits for a block, forever if not given */
    timeout?: number
  }

  export interface ReadOptions {
    wait?: boolean
    timeout?: number
    valueEncoding?: { decode(bytes: Uint8Array): unknown }
  }

  export interface Download {
    done(): Promise<boolean>
    destroy(): void
  }

  export default class Hypercore extends EventEmitter {
    readonly key: Uint8Array
    readonly discoveryKey: Uint8Array
    readonly id: string
    readonly length: number
    readonly byteLength: number
    readonly contiguousLength: number
    readonly fork: number
    readonly writable: boolean
    readonly opened: boolean
    readonly closing: Promise<void> | null
    readonly closed: boolean
    readonly keyPair: KeyPair | null
    readonly manifest: Manifest | null
    readonly peers: Peer[]
    readonly core: {
      state: { signature: Uint8Array | null }
      replicator: {
        /** whether it asks peers that are longer for what it has not */
        eagerUpgrade: boolean
        /** answers who waits for blocks that are there now */
        _resolveBlocksLocally(): Promise<void>
      }
      /** looks at a proof of another history; resolves with whether it is dealt with */
      checkConflict(proof: ConflictProof, from: object): Promise<boolean>
    }
    readonly state: { length: number; roots: Node[] }
    static key(manifest: Manifest | Uint8Array): Uint8Array
    ready(): Promise<void>
    close(): Promise<void>
    append(blocks: Uint8Array | Uint8Array[]): Promise<{ length: number; byteLength: number }>
    truncate(length: number, options?: number | { fork?: number }): Promise<void>
    get(index: number, options?: ReadOptions): Promise<Uint8Array | null>
    has(start: number, end?: number): Promise<boolean>
    update(options?: { wait?: boolean }): Promise<boolean>
    download(range: { start?: number; end?: number; linear?: boolean; blocks?: number[] }): Download
    treeHash(length?: number): Promise<Uint8Array>
    signable(length?: number, fork?: number): Promise<Uint8Array>
    /** Deletes blocks; they can be fetched again. */
    clear(start: number, end: number): Promise<unknown>
    /** What is kept beside a core, for this process alone. */
    setUserData(key: string, value: string | Uint8Array): Promise<void>
    getUserData(key: string): Promise<Uint8Array | null>
    session(options?: SessionOptions): Hypercore
    snapshot(): Hypercore
    findingPeers(): () => void
    setActive(active: boolean): void
  }
}

declare module 'hypercore-storage' {
  /** Gathers the writes of several cores; `flush` makes them one RocksDB write batch. */
  export interface Atom {
    db: { write(options?: unknown): AtomBatch }
    flush(): Promise<void>
  }
  export interface AtomBatch {
    tryPut(key: Uint8Array, value: Uint8Array): void
    tryDelete(key: Uint8Array): void
    tryDeleteRange(start: Uint8Array, end: Uint8Array): void
    flush(): Promise<void>
  }
  export default class CorestoreStorage {
    readonly path: string
    readonly db: { currentWalFile(): Promise<{ number: number; path: string }> }
    createAtom(): Atom
  }
}

declare module 'corestore' {
  import type { Duplex } from 'streamx'
  import type Hypercore from 'hypercore'
  import type { KeyPair, Manifest } from 'hypercore'
  import type CorestoreStorage from 'hypercore-storage'

  export interface CoreOptions {
    key?: Uint8Array
    name?: string
    keyPair?: KeyPair
    manifest?: Manifest
    active?: boolean
    allowFork?: boolean
    writable?: boolean
  }

  export default class Corestore {
    constructor(
      storage: string | CorestoreStorage,
      options?: { readOnly?: boolean; primaryKey?: Uint8Array; unsafe?: boolean }
    )
    readonly storage: CorestoreStorage
    readonly primaryKey: Uint8Array
    readonly closed: boolean
    ready(): Promise<void>
    close(): Promise<void>
    get(options: CoreOptions): Hypercore
    session(): Corestore
    namespace(name: string): Corestore
    createKeyPair(name: string): Promise<KeyPair>
    /** the discovery keys of the cores that it holds */
    list(): AsyncIterable<Uint8Array>
    getAuth(discoveryKey: Uint8Array): Promise<{ key: Uint8Array; manifest: Manifest | null } | null>
    replicate(isInitiatorOrStream: boolean | object): Duplex
  }
}

declare module 'hyperbee' {
  import type Hypercore from 'hypercore'

  /** What a Hyperbee with the options that are used here needs of a core. */
  export interface BeeCore {
    readonly length: number
    readonly opened: boolean
    readonly writable: boolean
    readonly fork: number
    ready(): Promise<void>
    update(): Promise<boolean>
    get(index: number, options?: { valueEncoding?: { decode(bytes: Uint8Array): unknown } }): Promise<unknown>
    append(blocks: Uint8Array | Uint8Array[]): Promise<unknown>
    close(): Promise<void>
  }

  export interface BeeNode<V = unknown> {
    seq: number
    key: string
    value: V
  }
  export interface Range {
    gt?: string
    gte?: string
    lt?: string
    lte?: string
    reverse?: boolean
    limit?: number
  }
  export interface BeeOptions {
    keyEncoding?: unknown
    wait?: boolean
    timeout?: number
  }
  export interface RangeIterator {
    open(): Promise<void>
    next(): Promise<BeeNode | null>
    close(): Promise<void>
  }
  export interface BeeBatch {
    put(key: string, value: unknown, options?: BeeOptions): Promise<void>
    del(key: string, options?: BeeOptions): Promise<void>
    get(key: string, options?: BeeOptions): Promise<BeeNode | null>
    flush(): Promise<void>
    close(): Promise<void>
  }
  export default class Hyperbee {
    constructor(
      core: BeeCore,
      options?: {
        keyEncoding?: string
        valueEncoding?: string
        metadata?: { contentFeed: Uint8Array | null }
        extension?: boolean
        sessions?: boolean
      }
    )
    readonly core: Hypercore
    readonly version: number
    ready(): Promise<void>
    close(): Promise<void>
    get(key: string, options?: BeeOptions): Promise<BeeNode | null>
    peek(range: Range, options?: BeeOptions): Promise<BeeNode | null>
    createRangeIterator(range: Range, options?: BeeOptions): RangeIterator
    batch(): BeeBatch
    checkout(version: number): Hyperbee
    snapshot(): Hyperbee
  }
}

declare module 'sub-encoder' {
  export default class SubEncoder {
    constructor(prefix: string, encoding: string)
    encode(key: string): Uint8Array
    decode(key: Uint8Array): string
  }
}

declare module 'hyperdrive' {
  import type Corestore from 'corestore'
  import type Hypercore from 'hypercore'
  import type { Manifest } from 'hypercore'
  import type Hyperbee from 'hyperbee'

  export interface BlobId {
    blockOffset: number
    blockLength: number
    byteOffset: number
    byteLength: number
  }
  export interface Entry {
    key: string
    value: { executable: boolean; linkname: string | null; blob: BlobId | null; metadata: unknown }
  }
  export default class Hyperdrive {
    constructor(store: Corestore, key?: Uint8Array)
    readonly key: Uint8Array
    readonly core: Hypercore
    readonly db: Hyperbee
    readonly blobs: { core: Hypercore } | null
    readonly version: number
    static getContentManifest(manifest: Manifest, key: Uint8Array): Manifest
    static getContentKey(manifest: Manifest, key: Uint8Array): Uint8Array
    static normalizePath(path: string): string
    ready(): Promise<void>
    close(): Promise<void>
    getBlobs(): Promise<{ core: Hypercore }>
    get(path: string): Promise<Uint8Array | null>
    put(path: string, bytes: Uint8Array): Promise<void>
    del(path: string): Promise<void>
    entry(path: string): Promise<Entry | null>
    checkout(version: number): Hyperdrive
    batch(): Hyperdrive & { flush(): Promise<void> }
    list(folder: string): AsyncIterable<Entry>
  }
}

declare module 'hypercore/lib/merkle-tree.js' {
  import type { Node } from 'hypercore-crypto'
  const merkle: {
    MerkleTree: {
      get(state: object, index: number): Promise<Node | null>
      getRoots(state: object, length: number): Promise<Node[]>
    }
  }
  export default merkle
}

declare module 'hypercore/lib/caps.js' {
  const caps: {
    /** What is signed about a core. */
    treeSignable(key: Uint8Array, treeHash: Uint8Array, length: number, fork: number): Uint8Array
  }
  export default caps
}
