// Many callers over one connection, to fill a VM: each signs one call, and so has one file. They believe the host's signed
// answer, and do not look for the record in the log; the audit at the end does.

import b4a from 'b4a'
import { encodeArguments } from '../../lib/client/arguments.js'
import crypto from '../../lib/ledger/crypto.js'
import { decodeKey } from '../../lib/ledger/keys.js'
import { hashOfRoots } from '../../lib/ledger/merkle.js'
import type { Refusal } from '../../lib/ledger/messages.js'
import { hashRequest, signRequest, type SignedRequest } from '../../lib/ledger/request.js'
import type { Receipt, Signed } from '../../lib/ledger/statements.js'
import { rootsOf } from '../../lib/machine/tree.js'
import { Replica } from '../../lib/replica/replica.js'
import type { Acknowledged } from './acknowledged.js'
import type { Ground } from './ground.js'

const IN_FLIGHT = 512
const TIMEOUT_MS = 60_000

/** So many callers call once each. */
export async function crowd(
  ground: Ground,
  { key, name, callers }: { key: string; name: string; callers: number },
  acknowledged: Acknowledged
): Promise<void> {
  const data = ground.path(name)
  const replica = new Replica(decodeKey(key), { bootstrap: ground.nodes, data, storage: data })
  const answers = new Map<string, (refusal: Refusal | null) => void>()
  replica.on('receipt', (receipt: Signed<Receipt>) => {
    acknowledged.add(receipt.index, receipt.record)
    answers.get(b4a.toString(receipt.request, 'hex'))?.(null)
  })
  replica.on('refusal', (refusal: Refusal) => answers.get(b4a.toString(refusal.request, 'hex'))?.(refusal))
  try {
    await replica.sync(TIMEOUT_MS)
    for (let left = callers; left > 0; left -= IN_FLIGHT) {
      const requests = await sign(replica, Math.min(left, IN_FLIGHT))
      const answered = requests.map(
        request =>
          new Promise<void>((resolve, reject) => {
            answers.set(b4a.toString(hashRequest(request), 'hex'), refusal =>
              refusal ? reject(new Error(`${refusal.code}: ${refusal.message}`)) : resolve()
            )
          })
      )
      if (!replica.host) throw new Error('the host is gone')
      replica.host.send(requests)
      await Promise.all(answered)
      answers.clear()
    }
  } finally {
    await replica.close()
  }
}

/** Requests of callers who have never called. */
async function sign(replica: Replica, count: number): Promise<SignedRequest[]> {
  const { key, log } = replica
  const { length } = log
  const seen = { length, hash: hashOfRoots(await rootsOf(log, length)) }
  return Array.from({ length: count }, () => {
    const identity = crypto.keyPair()
    const args = encodeArguments([true, 'one of many'])
    const request = { vm: key, caller: identity.publicKey, method: 'RSVP', args }
    return signRequest({ ...request, id: crypto.randomBytes(16), seen }, identity)
  })
}
