// What a call may have: as a client checks it before anything is sent, and a test of a contract as well.

import { messageOf, VMSError } from '../errors.js'
import { MAX_REQUEST_BYTES } from '../ledger/request.js'
import { encodeValue } from '../ledger/values.js'

/** @throws VMSError INVALID_VALUE */
export function encodeArguments(args: unknown[]): Uint8Array {
  try {
    return encodeValue(args)
  } catch (error) {
    throw new VMSError('INVALID_VALUE', `an argument cannot be sent: ${messageOf(error)}`)
  }
}

/** @throws VMSError TOO_LARGE */
export function checkSize(request: Uint8Array): void {
  const excess = request.byteLength - MAX_REQUEST_BYTES
  if (excess <= 0) return
  throw new VMSError(
    'TOO_LARGE',
    `the arguments are ${excess} bytes too large: a request has at most ${MAX_REQUEST_BYTES}`
  )
}
