// A request: what a caller asks of a VM, and signs.
//
//   vm       32 bytes   key of the call log
//   caller   32 bytes   public key that the signature is of
//   method   string
//   args     bytes      an encoded Value that is an array (values.ts)
//   id       16 bytes   random; the same when the request is signed again
//   seen     head       a length of the log and its tree hash there that the caller has verified
//
// A request is valid in blocks seen.length up to seen.length + window - 1, and runs once: see history.ts.

import c, { type Encoder } from 'compact-encoding'
import type { KeyPair } from 'hypercore'
import crypto from './crypto.js'
import { bytes, decodeExactly, head, id, key, type Head, struct } from './encoding.js'
import { decodeValue } from './values.js'

export interface Request {
  vm: Uint8Array
  caller: Uint8Array
  method: string
  args: Uint8Array
  id: Uint8Array
  seen: Head
}

/** A request as it travels and as it stands in the log: the signed bytes, never re-encoded. */
export interface SignedRequest {
  bytes: Uint8Array
  signature: Uint8Array
}

/** A request that was checked. */
export interface CheckedRequest {
  signed: SignedRequest
  request: Request
}

/** The most bytes of a request: what leaves room in a record of 1 MiB for an outcome that says so if it became too large. */
export const MAX_REQUEST_BYTES = 1024 * 1024 - 512

export const request: Encoder<Request> = struct<Request>({
  vm: key,
  caller: key,
  method: c.string,
  args: bytes,
  id,
  seen: head
})

export function signRequest(input: Request, keyPair: KeyPair): SignedRequest {
  const encoded = c.encode(request, input)
  return { bytes: encoded, signature: crypto.sign('request', encoded, keyPair) }
}

/** @throws Error if the bytes are no request */
export function decodeRequest(buffer: Uint8Array): Request {
  if (buffer.byteLength > MAX_REQUEST_BYTES) throw new Error('malformed: longer than a request may be')
  const decoded = decodeExactly(request, buffer)
  if (decoded.seen.length < 1) throw new Error('malformed: a request builds on genesis at least')
  if (!Array.isArray(decodeValue(decoded.args))) throw new Error('malformed: the arguments are no array')
  return decoded
}

export function verifyRequest(signed: SignedRequest, caller: Uint8Array): boolean {
  return crypto.verify('request', signed.bytes, signed.signature, caller)
}

/** The hash of a request names it in the host's answer. */
export function hashRequest(signed: SignedRequest): Uint8Array {
  return crypto.hash(signed.bytes)
}
