// Callers that call for as long as they may, and whose clients are closed in the middle of calls now and then. It is told
// 'stop' by whoever forked it, says a Said for each call, and ends.

import { setMaxListeners } from 'node:events'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { VMSClient } from '../../lib/client/client.js'
import { codeOf, messageOf } from '../../lib/errors.js'
import crypto from '../../lib/ledger/crypto.js'
import { Random } from '../helpers/random.js'

export interface CallerSettings {
  seed: number
  key: string
  bootstrap: string[]
  folder: string
  callers: number
  /** ms between the calls of one, on average */
  pause: number
  /** ms between closing a caller's client, on average */
  reopen: number
}

/** What became of a call. */
export type Said = { name: string } & (
  { ok: true; index: number; hash: string; value: unknown } | { ok: false; code: string; message: string }
)

interface Contract {
  add(name: string): number
}

/** Calls that one has in flight. */
const LANES = 2

/** Longer than any outage: an answer that does not come in this time was lost. */
const TIMEOUT_MS = 120_000

const settings = JSON.parse(process.argv[2]) as CallerSettings
const stopping = new AbortController()
process.on('message', () => stopping.abort())
setMaxListeners(0, stopping.signal)
const alone = () => process.exit(1) // nobody listens any more
process.on('disconnect', alone)
let sent: Promise<unknown> = Promise.resolve()

function say(said: Said): void {
  sent = new Promise(resolve => process.send!(said, resolve))
}

async function pause(ms: number, random: Random): Promise<void> {
  await sleep(random.below(2 * ms), undefined, { signal: stopping.signal }).catch(() => {})
}

async function call(number: number): Promise<void> {
  const { seed, key, bootstrap, folder } = settings
  const random = new Random(seed + number)
  const storage = path.join(folder, String(number))
  const identity = crypto.keyPair()
  const open = () => new VMSClient<Contract>(key, { bootstrap, identity, storage, timeout: TIMEOUT_MS })
  let client = Promise.resolve(open())
  const lane = async (which: number) => {
    for (let n = 0; !stopping.signal.aborted; n++) {
      const name = `${number}-${which}-${n}`
      try {
        const { index, hash, value } = await (await client).request('add', [name])
        say({ name, ok: true, index, hash: Buffer.from(hash).toString('hex'), value })
      } catch (error) {
        say({ name, ok: false, code: String(codeOf(error)), message: messageOf(error) })
      }
      await pause(settings.pause, random)
    }
  }
  const reopen = async () => {
    for (;;) {
      await pause(settings.reopen, random)
      if (stopping.signal.aborted) return
      client = client.then(async one => {
        await one.close()
        return open()
      })
      await client
    }
  }
  await Promise.all([...Array.from({ length: LANES }, (_, which) => lane(which)), reopen()])
  await (await client).close()
}

await Promise.all(Array.from({ length: settings.callers }, (_, n) => call(n)))
await sent
process.off('disconnect', alone)
process.disconnect()
