// The host's end of a channel: what one peer asks of one VM, and what it is answered.

import type { NoiseStream } from 'hyperswarm'
import type { VMSError } from '../errors.js'
import { decodeAsk, decodeSignedRequest, encodeRefusal } from '../ledger/messages.js'
import type { SignedRequest } from '../ledger/request.js'
import { Channel } from '../swarm/channel.js'

export interface SessionHandlers {
  onopen(session: Session): void
  onrequest(session: Session, signed: SignedRequest): void
  /** The peer asks what the head is now. */
  onask(session: Session, challenge: Uint8Array): void
  /** The peer passes on a head; throws if it is none. */
  onhead(bytes: Uint8Array): void
  /** The peer passes on the body of what should be a proof of a fork; throws if it is none. */
  onfork(bytes: Uint8Array): void
  onclose(session: Session): void
}

export class Session {
  private constructor(private readonly channel: Channel) {}

  /** Opens a session when the peer opens the VM's channel. */
  static accept(stream: NoiseStream, key: Uint8Array, handlers: SessionHandlers): void {
    Channel.accept(stream, key, () => {
      const opening: { session?: Session } = {}
      const channel = Channel.open(stream, key, {
        onopen: () => handlers.onopen(opening.session!),
        onmessage: (name, bytes) => {
          if (name === 'request') handlers.onrequest(opening.session!, decodeSignedRequest(bytes))
          else if (name === 'ask') handlers.onask(opening.session!, decodeAsk(bytes))
          else if (name === 'head') handlers.onhead(bytes)
          else if (name === 'fork') handlers.onfork(bytes)
        },
        onclose: () => handlers.onclose(opening.session!)
      })
      if (channel) opening.session = new Session(channel)
    })
  }

  sendHello(bytes: Uint8Array): void {
    this.channel.send('hello', bytes)
  }

  sendHead(bytes: Uint8Array): void {
    this.channel.send('head', bytes)
  }

  sendReceipt(bytes: Uint8Array): void {
    this.channel.send('receipt', bytes)
  }

  sendConfirmation(bytes: Uint8Array): void {
    this.channel.send('confirmation', bytes)
  }

  sendRefusal(request: Uint8Array, { code, message, retry }: VMSError): void {
    this.channel.send('refusal', encodeRefusal({ request, code, message, retry }))
  }

  close(): void {
    this.channel.close()
  }
}
