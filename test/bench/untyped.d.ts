// The parts of the untyped packages that the benchmarks compare with.

declare module 'protomux-rpc' {
  export default class ProtomuxRPC {
    constructor(stream: object, options: { id: Uint8Array; valueEncoding: unknown })
    respond(method: string, handler: (value: Uint8Array) => Uint8Array | Promise<Uint8Array>): void
    request(method: string, value: Uint8Array): Promise<Uint8Array>
  }
}

declare module 'autobase' {
  import type Corestore from 'corestore'
  import type Hyperbee from 'hyperbee'
  import type Hypercore from 'hypercore'

  export default class Autobase {
    constructor(
      store: Corestore,
      bootstrap: Uint8Array | null,
      handlers: {
        valueEncoding: string
        open(store: { get(name: string): Hypercore }): Hyperbee
        apply(nodes: { value: { who: string; reason: string } }[], view: Hyperbee): Promise<void>
      }
    )
    readonly view: Hyperbee
    ready(): Promise<void>
    append(value: unknown): Promise<void>
    update(): Promise<void>
    close(): Promise<void>
  }
}
