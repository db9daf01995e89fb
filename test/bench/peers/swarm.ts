// protomux-rpc between two processes over a swarm: as it is, and with as much of a call as it takes to check, keep and log it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import b4a from 'b4a'
import c from 'compact-encoding'
import { keyPair, randomBytes, sign } from 'hypercore-crypto'
import Hyperswarm from 'hyperswarm'
import ProtomuxRPC from 'protomux-rpc'
import { createDHT } from '../../../lib/swarm/network.js'
import { program, type Ground } from '../ground.js'
import { rate, row, type Row } from '../measure.js'

const ECHO_BYTES = 200

export async function overSwarm(ground: Ground, seconds: number, files: number): Promise<Row[]> {
  const topic = randomBytes(32)
  const job = {
    bootstrap: ground.nodes,
    topic: b4a.toString(topic, 'hex'),
    folder: ground.path('rpc'),
    files
  }
  const server = spawn(process.execPath, [program('peers/swarm-process'), JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const dht = createDHT({ bootstrap: ground.nodes })
  const swarm = new Hyperswarm({ dht })
  try {
    const ended = once(server, 'exit').then(([status]) => {
      throw new Error(`its server ended with ${status}`)
    })
    ended.catch(() => {}) // it is ended below
    await Promise.race([once(server.stdout, 'data'), ended])
    const connected = new Promise<object>(resolve => swarm.on('connection', resolve))
    swarm.join(topic, { server: false, client: true })
    const rpc = new ProtomuxRPC(await connected, { id: topic, valueEncoding: c.raw })
    return await measure(rpc, seconds, files)
  } finally {
    server.kill('SIGKILL')
    await swarm.destroy()
    await dht.destroy()
  }
}

async function measure(rpc: ProtomuxRPC, seconds: number, files: number): Promise<Row[]> {
  const identity = keyPair()
  const message = randomBytes(ECHO_BYTES)
  const tasks: [string, string, (n: number) => Promise<unknown>][] = [
    [
      'verify, put and append',
      `request signed and checked, Hyperbee put beside ${files} files, Hypercore append; not sandboxed, not atomic, not synced to disk, nothing to audit`,
      n => rpc.request('rsvp', signed({ isAttending: n % 2 === 0, reason: `reason ${n}` }, identity))
    ],
    ['echo', `${ECHO_BYTES} bytes; not signed, not executed, not stored`, () => rpc.request('echo', message)]
  ]
  const rows: Row[] = []
  for (const [name, what, task] of tasks) {
    for (const inFlight of [1, 64]) {
      const { perSecond, latency } = await rate(seconds, inFlight, task)
      const conditions = `two processes, encrypted Hyperswarm connection; ${what}`
      rows.push(row(`protomux-rpc ${name}, ${inFlight} in flight`, perSecond, 'calls/s', conditions, latency))
    }
  }
  return rows
}

/** Signature, public key, and what is asked. */
function signed(call: object, { publicKey, secretKey }: ReturnType<typeof keyPair>): Uint8Array {
  const body = b4a.from(JSON.stringify(call))
  return b4a.concat([sign(body, secretKey), publicKey, body])
}
