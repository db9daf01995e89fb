// A reader's end of a VM's channel on one connection. The peer is the host once it has proved it, else a mirror.

import b4a from 'b4a'
import type { NoiseStream } from 'hyperswarm'
import { messageOf, VMSError } from '../errors.js'
import { MAX_FORK_BYTES } from '../ledger/fork.js'
import { deriveKeys, encodeKey, type VMKeys } from '../ledger/keys.js'
import { decodeHello, decodeRefusal, encodeSignedRequest, type Refusal } from '../ledger/messages.js'
import type { SignedRequest } from '../ledger/request.js'
import {
  confirmation,
  headMessage,
  hello,
  receipt,
  type Confirmation,
  type HeadMessage,
  type Receipt,
  type Signed
} from '../ledger/statements.js'
import { Channel } from '../swarm/channel.js'

/** How long a host has for an answer, ms. */
const ASK_MS = 10_000

/** Questions to a host that it has not answered yet. */
const MAX_ASKS = 64

export interface LinkHandlers {
  onopen(link: Link): void
  /** The peer has shown which keys the VM has: they follow from the VM's key, whoever says it. */
  onkeys(keys: VMKeys): void
  /** `isHost` says whether it is the host's own. */
  onhead(link: Link, head: Signed<HeadMessage>): void
  onreceipt(link: Link, receipt: Signed<Receipt>): void
  onrefusal(refusal: Refusal): void
  /** The body of what should be a proof of a fork; throws if it is none. */
  onfork(body: Uint8Array): void
  onclose(link: Link): void
  /** The peer asks for attestations, or hands over one; throws if that is a lie. */
  onattestation(link: Link, name: 'attestations' | 'attestation', bytes: Uint8Array): void
}

/** A question to the host. */
interface Ask {
  answer: Promise<Signed<Confirmation> | null>
  settle: (answer: Signed<Confirmation> | null) => void
}

export class Link {
  /** Whether the peer has proved to be the host, and has shown its head. */
  isHost = false
  /** Whether it stands by the newest head that is known: only such a host is called. */
  trusted = false
  /** Whether the peer has said what it has. */
  spoken = false
  /** blocks of the newest head that was passed on to it */
  told = 0
  /** the older head that was passed on to it */
  toldBehind: Uint8Array | null = null
  /** Whether the peer has proved to hold the log's key. */
  private proved = false
  /** a head that came before the log's public key was known */
  private held: Uint8Array | null = null
  private readonly asks = new Map<string, Ask>()
  private channel: Channel | null = null

  /** @param keys of the VM, if they are known already: mirrors pass on heads without a hello */
  constructor(
    readonly stream: NoiseStream,
    private readonly key: Uint8Array,
    private readonly keys: () => VMKeys | null,
    private readonly handlers: LinkHandlers
  ) {
    this.channel = Channel.open(stream, key, {
      onopen: () => handlers.onopen(this),
      onmessage: (name, bytes) => {
        switch (name) {
          case 'hello':
            return this.onhello(bytes)
          case 'head':
            return this.onhead(bytes)
          case 'receipt':
            return this.onreceipt(receipt.decode(bytes))
          case 'refusal':
            return handlers.onrefusal(decodeRefusal(bytes))
          case 'confirmation':
            return this.onconfirmation(confirmation.decode(bytes))
          case 'fork':
            return this.onfork(bytes)
          case 'request':
          case 'ask':
            return // we host nothing here
          case 'attestations':
          case 'attestation':
            return handlers.onattestation(this, name, bytes)
        }
      },
      onclose: () => {
        for (const { settle } of this.asks.values()) settle(null)
        handlers.onclose(this)
      }
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

  /** Passes on a signed head. */
  sendHead(bytes: Uint8Array): void {
    this.channel?.send('head', bytes)
  }

  /** Passes on the body of a proof of a fork. */
  sendFork(body: Uint8Array): void {
    this.channel?.send('fork', body)
  }

  /**
   * Asks the host what its head is now.
   * @param challenge 32 bytes that nobody could have known before what it refers to
   * @returns its signed answer; null if the connection ends first, or this is no host
   */
  confirm(challenge: Uint8Array): Promise<Signed<Confirmation> | null> {
    const name = b4a.toString(challenge, 'hex')
    const same = this.asks.get(name)
    if (same) return same.answer
    if (!this.proved || this.asks.size >= MAX_ASKS) return Promise.resolve(null)
    let settle!: (answer: Signed<Confirmation> | null) => void
    const answer = new Promise<Signed<Confirmation> | null>(resolve => (settle = resolve))
    // what is not answered in time may be asked again
    const timer = setTimeout(() => settle(null), ASK_MS)
    void answer.then(() => {
      clearTimeout(timer)
      this.asks.delete(name)
    })
    this.asks.set(name, { answer, settle })
    this.channel?.send('ask', challenge)
    return answer
  }

  /** Looks at the head that came before the keys were known. */
  keysKnown(): void {
    const { held } = this
    this.held = null
    try {
      if (held !== null) this.onhead(held)
    } catch (error) {
      this.stream.destroy(new Error(messageOf(error)))
    }
  }

  /** Asks for attestations, with no bytes, or hands over one. */
  sendAttestation(name: 'attestations' | 'attestation', bytes: Uint8Array): void {
    this.channel?.send(name, bytes)
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
    this.proved = true
    this.handlers.onkeys(keys)
  }

  private onhead(bytes: Uint8Array): void {
    const head = headMessage.decode(b4a.from(bytes)) // a copy: it must not keep a whole network frame in memory
    const keys = this.keys()
    if (keys === null) return void (this.held = headMessage.encode(head)) // nothing to check it with yet
    if (!b4a.equals(head.vm, this.key) || !headMessage.verify(head, keys.signer))
      throw this.bad('a head is not signed by the log')
    this.isHost = this.proved
    this.spoken = true
    this.told = Math.max(this.told, head.length)
    this.handlers.onhead(this, head)
  }

  private onreceipt(one: Signed<Receipt>): void {
    const keys = this.keys()
    if (!this.proved || keys === null) throw this.bad('a receipt came from a peer that is not the host')
    if (!b4a.equals(one.vm, this.key) || !receipt.verify(one, keys.signer)) {
      throw this.bad('a receipt is not signed by the log')
    }
    this.handlers.onreceipt(this, one)
  }

  private onconfirmation(one: Signed<Confirmation>): void {
    const keys = this.keys()
    const name = b4a.toString(one.challenge, 'hex')
    const ask = this.asks.get(name)
    if (!ask || keys === null) return // nobody has asked
    if (!b4a.equals(one.vm, this.key) || !confirmation.verify(one, keys.signer))
      throw this.bad('a confirmation is not signed by the log')
    this.asks.delete(name)
    ask.settle(one)
  }

  private onfork(bytes: Uint8Array): void {
    if (bytes.byteLength > MAX_FORK_BYTES) throw this.bad('what it calls a fork is too large')
    this.handlers.onfork(b4a.from(bytes)) // a copy: it must not keep a whole network frame in memory
  }

  private bad(why: string): VMSError {
    return new VMSError('BAD_HOST', `a peer of ${encodeKey(this.key)} lies: ${why}`)
  }
}
