// The parts of small untyped packages that are used here, at the versions pinned in package.json.

declare module 'hypercore-crypto' {
  import type { KeyPair } from 'hypercore'
  export function keyPair(seed?: Uint8Array): KeyPair
  export function sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array
  export function verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean
  export function hash(data: Uint8Array | Uint8Array[]): Uint8Array
  export function randomBytes(n: number): Uint8Array
  export function discoveryKey(key: Uint8Array): Uint8Array
  export function namespace(name: string, count: number): Uint8Array[]
  export function data(block: Uint8Array): Uint8Array
  export interface Node {
    index: number
    size: number
    hash: Uint8Array
  }
  export function parent(left: Node, right: Node): Uint8Array
  export function tree(roots: Node[]): Uint8Array
}

declare module 'hypercore-id-encoding' {
  export function encode(key: Uint8Array): string
  export function decode(id: string | Uint8Array): Uint8Array
  export function isValid(id: string): boolean
}

declare module 'ready-resource' {
  import { EventEmitter } from 'node:events'
  /** Opens once with `ready`, closes once with `close`; subclasses override `_open` and `_close`. */
  export default class ReadyResource extends EventEmitter {
    readonly opened: boolean
    readonly closed: boolean
    readonly opening: Promise<void> | null
    readonly closing: Promise<void> | null
    ready(): Promise<void>
    close(): Promise<void>
    protected _open(): Promise<void>
    protected _close(): Promise<void>
  }
}
