// A host's word that its log ended somewhere, given after it had signed something else (ledger/statements.ts).

import b4a from 'b4a'
import type { Head } from '../../ledger/encoding.js'
import type { VMKeys } from '../../ledger/keys.js'
import { confirmation } from '../../ledger/statements.js'

/**
 * The head that a confirmation confirms.
 * @param challenge the hash of what the host had signed before
 * @throws Error if it is no confirmation of this VM for that
 */
export function confirmedBy(keys: VMKeys, encoded: Uint8Array, challenge: Uint8Array): Head {
  const confirmed = confirmation.decode(encoded)
  if (!b4a.equals(confirmed.vm, keys.log) || !confirmation.verify(confirmed, keys.signer)) {
    throw new Error('the confirmation is not signed by the key of the log')
  }
  if (!b4a.equals(confirmed.challenge, challenge)) throw new Error('the confirmation is for something else')
  return confirmed.head
}
