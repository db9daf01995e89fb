// A reader's end of a VM's channel on one connection. The peer is the host once it has proved it, else a mirror.

import b4a from 'b4a'
import type { NoiseStream } from 'hyperswarm'
import { VMSError } from '../errors.js'
import type { Head } from '../ledger/encoding.js'
import { deriveKeys, encodeKey } from '../ledger/keys.js'
import { decodeHello, decodeRefusal, encodeSignedRequest, type Refusal } from '../ledger/messages.js'
import type { SignedRequest } from '../ledger/request.js'
import {
  headMessage,
  hello,
  receipt,
  type HeadMessage,
  type Receipt,
  type Signed
} from '../ledger/statements.js'
import { Channel } from '../swarm/channel.js'

export interface LinkHandlers {
  onopen(link: Link): void
  /** The peer has proved that it holds the log's key, and has shown its head. */
  onhost(link: Link, head: Head): void
  onhead(head: Signed<HeadMessage>): void
  onreceipt(receipt: Signed<Receipt>): void
  onrefusal(refusal: Refusal): void
  onclose(link: Link): void
}

export class Link {
  /** Whether the peer has proved to be the host, and has shown its head. */
  isHost = false
  /** the log's public key, once the peer has proved to hold it */
  private signer: Uint8Array | null = null
  private channel: Channel | null = null

  /** @param signer the log's public key if it is known already: mirrors pass on heads without a hello */
  constructor(
    private readonly stream: NoiseStream,
    private readonly key: Uint8Array,
    private readonly knownSigner: () => Uint8Array | null,
    private readonly handlers: LinkHandlers
  ) {
    this.channel = Channel.open(stream, key, {
      onopen: () => handlers.onopen(this),
      onmessage: (name, bytes) => {
        switch (name) {
          case 'hello':
            return this.onhello(bytes)
          case 'head':
            return this.onhead(headMessage.decode(bytes))
          case 'receipt':
            return this.onreceipt(receipt.decode(bytes))
          case 'refusal':
            return handlers.onrefusal(decodeRefusal(bytes))
          case 'request':
            return // we host nothing here
        }
      },
      onclose: () => handlers.onclose(this)
    })
  }

  /** The key that the peer has on the network. */
  get peer(): Uint8Array {
    return this.stream.remotePublicKey
  }

  send(requests: SignedRequest[]): void {
    this.channel?.batch(() => {
      for (const request of requests) this.channel?.send('request', encodeSignedRequest(request))
    })
  }

  close(): void {
    this.channel?.close()
  }

  private onhello(bytes: Uint8Array): void {
    const message = decodeHello(bytes)
    const keys = deriveKeys(message.publicKey, message.namespace)
    if (!b4a.equals(keys.log, this.key)) throw this.bad('its manifest is of another log')
    const statement = hello.decode(message.hello)
    if (!b4a.equals(statement.vm, this.key) || !b4a.equals(statement.handshake, this.stream.handshakeHash)) {
      throw this.bad('its proof is for another connection')
    }
    if (!hello.verify(statement, keys.signer)) throw this.bad('its proof is not signed by the log')
    this.signer = keys.signer
  }

  private onhead(head: Signed<HeadMessage>): void {
    const signer = this.signer ?? this.knownSigner()
    if (signer === null) return // nothing to check it with yet
    if (!b4a.equals(head.vm, this.key) || !headMessage.verify(head, signer))
      throw this.bad('a head is not signed by the log')
    this.handlers.onhead(head)
    if (this.signer === null || this.isHost) return
    this.isHost = true
    this.handlers.onhost(this, head)
  }

  private onreceipt(one: Signed<Receipt>): void {
    if (this.signer === null) throw this.bad('a receipt came from a peer that is not the host')
    if (!b4a.equals(one.vm, this.key) || !receipt.verify(one, this.signer)) {
      throw this.bad('a receipt is not signed by the log')
    }
    this.handlers.onreceipt(one)
  }

  private bad(why: string): VMSError {
    return new VMSError('BAD_HOST', `a peer of ${encodeKey(this.key)} lies: ${why}`)
  }
}
