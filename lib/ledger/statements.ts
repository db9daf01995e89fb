// What a VM's log key signs, besides the cores themselves.
//
//   head           vm, length, hash, time                     sent with each commit, once a minute when idle
//   receipt        vm, request, block, index, record, hash    the host's answer to a request
//   hello          vm, handshake, head                        the host's proof at the start of a connection
//   confirmation   vm, challenge, head                        the host's answer to who asks what its head is now
//
// each followed by its signature (64 bytes) over a namespace of its own and the fields before; the receipts of a block are signed
// together (together.ts), so that hundreds of answers cost one signature. `time` is the host's clock
// in ms since 1970. `request` and `record` are BLAKE2b hashes, `hash` is the log's tree hash: of a head at its length, of a
// receipt after its block. `handshake` is the Noise handshake hash of the connection. `challenge` is what the asker chose: if it
// is the hash of something that the host has signed, the host stood by `head` after it had signed that.

import c, { type Encoder } from 'compact-encoding'
import type { KeyPair } from 'hypercore'
import crypto, { type Statement } from './crypto.js'
import { decodeExactly, head, key, signature, struct, type Head } from './encoding.js'
import { signatureTogether, SignaturesTogether } from './together.js'

export interface HeadMessage extends Head {
  vm: Uint8Array
  time: number
}

export interface Receipt {
  vm: Uint8Array
  request: Uint8Array
  block: number
  index: number
  record: Uint8Array
  hash: Uint8Array
}

export interface Hello {
  vm: Uint8Array
  handshake: Uint8Array
  head: Head
}

export interface Confirmation {
  vm: Uint8Array
  challenge: Uint8Array
  head: Head
}

export type Signed<T> = T & { signature: Uint8Array }

/** One kind of statement: signs it, checks it, and turns it into bytes and back. */
export class StatementType<T extends object> {
  private readonly signed: Encoder<{ fields: T; signature: Uint8Array }>

  constructor(
    protected readonly name: Statement,
    protected readonly fields: Encoder<T>,
    encoding = signature
  ) {
    this.signed = struct<{ fields: T; signature: Uint8Array }>({ fields, signature: encoding })
  }

  sign(input: T, keyPair: KeyPair): Signed<T> {
    return { ...input, signature: crypto.sign(this.name, c.encode(this.fields, input), keyPair) }
  }

  verify(input: Signed<T>, publicKey: Uint8Array): boolean {
    return crypto.verify(this.name, c.encode(this.fields, input), input.signature, publicKey)
  }

  encode(input: Signed<T>): Uint8Array {
    return c.encode(this.signed, { fields: input, signature: input.signature })
  }

  /** @throws Error if the bytes are no such statement; the signature is not checked */
  decode(buffer: Uint8Array): Signed<T> {
    const decoded = decodeExactly(this.signed, buffer)
    return { ...decoded.fields, signature: decoded.signature }
  }
}

/** Statements of which many are signed together. */
export class TogetherType<T extends object> extends StatementType<T> {
  private readonly signatures: SignaturesTogether

  constructor(name: Statement, together: Statement, fields: Encoder<T>) {
    super(name, fields, signatureTogether)
    this.signatures = new SignaturesTogether(name, together)
  }

  signAll(inputs: T[], keyPair: KeyPair): Signed<T>[] {
    const signatures = this.signatures.sign(
      inputs.map(input => c.encode(this.fields, input)),
      keyPair
    )
    return inputs.map((input, i) => ({ ...input, signature: signatures[i] }))
  }

  override verify(input: Signed<T>, publicKey: Uint8Array): boolean {
    return this.signatures.verify(c.encode(this.fields, input), input.signature, publicKey)
  }
}

export const headMessage = new StatementType<HeadMessage>(
  'head',
  struct<HeadMessage>({ vm: key, length: c.uint, hash: key, time: c.uint })
)

export const receipt = new TogetherType<Receipt>(
  'receipt',
  'receipts',
  struct<Receipt>({ vm: key, request: key, block: c.uint, index: c.uint, record: key, hash: key })
)

export const hello = new StatementType<Hello>('hello', struct<Hello>({ vm: key, handshake: c.fixed64, head }))

export const confirmation = new StatementType<Confirmation>(
  'confirmation',
  struct<Confirmation>({ vm: key, challenge: key, head })
)
