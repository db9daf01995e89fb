// The channel of one VM on one connection, beside the replication of its cores: a protomux channel that carries bytes.
//
//   protocol    "vms/1", id: the log's discovery key
//   handshake   32 bytes: BLAKE2b(namespace ‖ log key ‖ Noise handshake hash ‖ 1 if the sender dialled, else 0)
//   messages    by number, see MESSAGES; what they hold is documented in ledger/messages.ts
//
// The handshake proves that both sides know the VM's key: whoever knows the topic only learns nothing.

import { hash, discoveryKey } from 'hypercore-crypto'
import b4a from 'b4a'
import c from 'compact-encoding'
import type { NoiseStream } from 'hyperswarm'
import Protomux, { type Channel as MuxChannel, type Message } from 'protomux'

const PROTOCOL = 'vms/1'
const CAPABILITY = hash(b4a.from('vms/capability'))

export const MESSAGES = [
  'hello',
  'request',
  'receipt',
  'refusal',
  'head',
  'ask',
  'confirmation',
  'fork',
  'attestations',
  'attestation'
] as const
export type MessageName = (typeof MESSAGES)[number]

export interface ChannelHandlers {
  /** The other side knows the key. */
  onopen(): void
  /** The bytes may be anything; throwing closes the connection. */
  onmessage(name: MessageName, bytes: Uint8Array): void
  onclose(): void
}

export class Channel {
  private readonly messages: Message[]
  private verified = false

  private constructor(
    readonly stream: NoiseStream,
    private readonly key: Uint8Array,
    private readonly channel: MuxChannel,
    private readonly handlers: ChannelHandlers
  ) {
    this.messages = MESSAGES.map(name =>
      channel.addMessage({ encoding: c.raw, onmessage: bytes => this.onmessage(name, bytes) })
    )
  }

  /** @returns null if the connection has the channel already, or is closed */
  static open(stream: NoiseStream, key: Uint8Array, handlers: ChannelHandlers): Channel | null {
    const created: { self?: Channel } = {}
    const channel = Protomux.from(stream).createChannel({
      protocol: PROTOCOL,
      id: discoveryKey(key),
      handshake: c.fixed32,
      onopen: handshake => created.self?.onopen(handshake),
      onclose: () => handlers.onclose()
    })
    if (channel === null) return null
    created.self = new Channel(stream, key, channel, handlers)
    channel.open(capability(stream, key, stream.isInitiator))
    return created.self
  }

  /** Calls `onchannel` when the other side opens the channel of `key`; it has to open it too then. */
  static accept(stream: NoiseStream, key: Uint8Array, onchannel: () => void): void {
    Protomux.from(stream).pair({ protocol: PROTOCOL, id: discoveryKey(key) }, onchannel)
  }

  /** @returns false if the other side does not keep up */
  send(name: MessageName, bytes: Uint8Array): boolean {
    return this.messages[MESSAGES.indexOf(name)].send(bytes)
  }

  /** Sends what `send` is given meanwhile in one frame. */
  batch(send: () => void): void {
    this.channel.cork()
    send()
    this.channel.uncork()
  }

  close(): void {
    this.channel.close()
  }

  private onopen(handshake: Uint8Array): void {
    if (!b4a.equals(handshake, capability(this.stream, this.key, !this.stream.isInitiator))) {
      return this.fail(new Error('the peer does not know the key'))
    }
    this.verified = true
    this.handlers.onopen()
  }

  // safety-catch, all over this stack, turns a TypeError from the wire into a crash: nothing but plain Errors may leave
  private onmessage(name: MessageName, bytes: Uint8Array): void {
    if (!this.verified) return
    try {
      this.handlers.onmessage(name, bytes)
    } catch (error) {
      this.fail(new Error(error instanceof Error ? error.message : 'malformed message'))
    }
  }

  private fail(error: Error): void {
    this.stream.destroy(error)
  }
}

function capability(stream: NoiseStream, key: Uint8Array, dialled: boolean): Uint8Array {
  return hash([CAPABILITY, key, stream.handshakeHash, b4a.from([dialled ? 1 : 0])])
}
