// What an auditor says of a VM, and signs with its own identity.
//
//   auditor   32 bytes   public key that the signature is of
//   vm        32 bytes   key of the call log
//   length    uint       blocks of the log that it is about: all of them, from genesis on
//   hash      32 bytes   tree hash of the log at that length
//   verdict   1 byte     0 verified, 1 fraud, 2 inconclusive
//   time      uint       the auditor's clock, ms since 1970
//
// followed by the signature (64 bytes) over a namespace of its own and these fields. On the wire and on the disk alike.

import c, { type Encoder } from 'compact-encoding'
import { key, struct } from './encoding.js'
import { StatementType } from './statements.js'

/** How an audit ends. */
export const VERDICTS = ['verified', 'fraud', 'inconclusive'] as const
export type Verdict = (typeof VERDICTS)[number]

export interface Attestation {
  auditor: Uint8Array
  vm: Uint8Array
  length: number
  hash: Uint8Array
  verdict: Verdict
  time: number
}

const verdict: Encoder<Verdict> = {
  preencode: state => void state.end++,
  encode: (state, input) => c.uint8.encode(state, VERDICTS.indexOf(input)),
  decode(state) {
    const number = c.uint8.decode(state)
    const found = VERDICTS.at(number)
    if (found === undefined) throw new Error(`verdict ${number} is unknown`)
    return found
  }
}

export const attestation = new StatementType<Attestation>(
  'attestation',
  struct<Attestation>({ auditor: key, vm: key, length: c.uint, hash: key, verdict, time: c.uint })
)
