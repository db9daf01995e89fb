// The other side of the protomux-rpc benchmarks, a process of its own: says a line once it can be found. Argument: the job as
// JSON.

import b4a from 'b4a'
import c from 'compact-encoding'
import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import { randomBytes, verify } from 'hypercore-crypto'
import Hyperswarm from 'hyperswarm'
import ProtomuxRPC from 'protomux-rpc'
import { createDHT } from '../../../lib/swarm/network.js'

const SIGNATURE_BYTES = 64
const KEY_BYTES = 32
const OK = b4a.from('kept')

const { bootstrap, topic, folder, files } = JSON.parse(process.argv[2]) as {
  bootstrap: string[]
  /** hex */
  topic: string
  folder: string
  files: number
}
const store = new Corestore(folder)
const log = store.get({ name: 'log' })
await log.ready()
const bee = new Hyperbee(store.get({ name: 'files' }), {
  keyEncoding: 'utf-8',
  valueEncoding: 'json',
  extension: false
})
await bee.ready()
const batch = bee.batch()
for (let n = 0; n < files; n++) await batch.put(pathOf(randomBytes(KEY_BYTES)), { isAttending: true })
await batch.flush()

const id = b4a.from(topic, 'hex')
const swarm = new Hyperswarm({ dht: createDHT({ bootstrap }) })
swarm.on('connection', stream => {
  stream.on('error', () => {})
  const rpc = new ProtomuxRPC(stream, { id, valueEncoding: c.raw })
  rpc.respond('echo', value => value)
  rpc.respond('rsvp', rsvp)
})
await swarm.join(id, { server: true, client: false }).flushed()
process.stdout.write('ready\n')

async function rsvp(request: Uint8Array): Promise<Uint8Array> {
  const signature = request.subarray(0, SIGNATURE_BYTES)
  const caller = request.subarray(SIGNATURE_BYTES, SIGNATURE_BYTES + KEY_BYTES)
  const body = request.subarray(SIGNATURE_BYTES + KEY_BYTES)
  if (!verify(body, signature, caller)) throw new Error('the signature is wrong')
  const call = JSON.parse(b4a.toString(body)) as object
  const one = bee.batch() // which waits until those before are flushed, as bee.put does
  await one.put(pathOf(caller), { who: b4a.toString(caller, 'hex'), ...call })
  await one.flush()
  await log.append(request)
  return OK
}

function pathOf(caller: Uint8Array): string {
  return `/rsvps/${b4a.toString(caller, 'hex')}.json`
}
