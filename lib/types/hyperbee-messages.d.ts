// The blocks of a Hyperbee as they are stored, at the version pinned in package.json.

declare module 'hyperbee/lib/messages.js' {
  interface Codec<T> {
    decode(buffer: Uint8Array): T
    encode(message: T): Uint8Array
  }
  /** A node of the tree: blocks of its keys, and of each child its block and its place in that block's index. */
  export interface Level {
    keys: number[]
    children: number[]
  }
  export const Node: Codec<{ index: Uint8Array; key: Uint8Array; value: Uint8Array | null }>
  export const YoloIndex: Codec<{ levels: Level[] }>
}
