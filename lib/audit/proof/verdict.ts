// What comes of verifying a proof.

import type { Genesis } from '../../ledger/blocks.js'
import type { Finding } from '../findings.js'

/** What a proof shows of a VM. */
export interface Shown {
  /** of the VM */
  key: Uint8Array
  /** null if the proof does not hold it */
  genesis: Genesis | null
  findings: ProvenFinding[]
}

export interface ProvenFinding extends Finding {
  /** who signed the request that it is about, where it is about one */
  caller?: Uint8Array
}
