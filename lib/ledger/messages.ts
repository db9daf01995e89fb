// What the messages of a VM's channel hold (swarm/channel.ts), besides the statements of statements.ts.
//
//   hello          namespace (32), public key (32) of the log's manifest, then a signed hello     host to all, first of all
//   request        signature (64), then the request's bytes                                       client to host
//   receipt        a signed receipt                                                               host to client
//   refusal        hash of the request (32), code, message: not executed, no trace in the log     host to client
//                  then, if the host can tell, after how many ms it may be sent again (uint)
//   head           a signed head: the host's first follows its hello, then one with each commit   host to all
//                  the newest that a peer has, and each newer one; a host that lost it notices    peer to all
//   ask            challenge (32): what is the head now?                                          peer to host
//   confirmation   a signed confirmation                                                          host to peer
//   fork           a proof that the host has signed two histories: fork.ts                        peer to all
//   attestations   nothing: asks for what the peer has attested, now and from now on                who trusts auditors, to all
//   attestation    a signed attestation (attestation.ts)                                           auditor to who asked

import b4a from 'b4a'
import c from 'compact-encoding'
import { ERROR_CODES, VMSError, type ErrorCode } from '../errors.js'
import { bytes, decodeExactly, key, signature, struct, trailing } from './encoding.js'
import { MAX_REQUEST_BYTES, type SignedRequest } from './request.js'

export interface HelloMessage {
  namespace: Uint8Array
  publicKey: Uint8Array
  /** a signed hello: statements.ts */
  hello: Uint8Array
}

export interface Refusal {
  request: Uint8Array
  code: ErrorCode
  message: string
  /** ms after which it may be sent again, if the host can tell */
  retry: number | null
}

const helloMessage = struct<HelloMessage>({ namespace: key, publicKey: key, hello: bytes })
const signedRequest = struct<SignedRequest>({ signature, bytes })
const refusal = struct<Omit<Refusal, 'code'> & { code: string }>({
  request: key,
  code: c.string,
  message: c.string,
  retry: trailing(c.uint)
})

export function encodeHello(input: HelloMessage): Uint8Array {
  return c.encode(helloMessage, input)
}

export function decodeHello(buffer: Uint8Array): HelloMessage {
  return decodeExactly(helloMessage, buffer)
}

export function encodeSignedRequest(input: SignedRequest): Uint8Array {
  return c.encode(signedRequest, input)
}

/** @throws Error; VMSError TOO_LARGE */
export function decodeSignedRequest(buffer: Uint8Array): SignedRequest {
  if (buffer.byteLength > MAX_REQUEST_BYTES + 128) {
    throw new VMSError('TOO_LARGE', `a request has at most ${MAX_REQUEST_BYTES} bytes`)
  }
  return decodeExactly(signedRequest, b4a.from(buffer)) // a copy: it must not keep a whole network frame in memory
}

export function encodeRefusal(input: Refusal): Uint8Array {
  return c.encode(refusal, input)
}

/** A code that this release does not know is a BAD_HOST. */
export function decodeRefusal(buffer: Uint8Array): Refusal {
  const { request, code, message, retry } = decodeExactly(refusal, buffer)
  const known = Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'BAD_HOST'
  return { request, code: known, message: message.slice(0, 1000), retry }
}

/** @throws Error if it is no challenge */
export function decodeAsk(buffer: Uint8Array): Uint8Array {
  return b4a.from(decodeExactly(key, buffer))
}
