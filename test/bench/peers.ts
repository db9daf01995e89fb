// What VMS is compared with, in the same run on the same machine.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import Autobase from 'autobase'
import b4a from 'b4a'
import c from 'compact-encoding'
import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import { randomBytes } from 'hypercore-crypto'
import Hyperswarm from 'hyperswarm'
import ProtomuxRPC from 'protomux-rpc'
import { createDHT } from '../../lib/swarm/bootstrap.js'
import { rate, round, type Row } from './measure.js'

/** protomux-rpc between two processes over a swarm: no signature, no execution, nothing is kept. */
export async function echo(bootstrap: string, seconds: number): Promise<Row[]> {
  const topic = randomBytes(32)
  const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'peers', 'echo.js')
  const server = spawn(process.execPath, [script, bootstrap, b4a.toString(topic, 'hex')], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  await once(server.stdout, 'data')
  const dht = createDHT([bootstrap])
  const swarm = new Hyperswarm({ dht })
  const connected = new Promise<object>(resolve => swarm.on('connection', resolve))
  swarm.join(topic, { server: false, client: true })
  const rpc = new ProtomuxRPC(await connected, { id: topic, valueEncoding: c.raw })
  const message = randomBytes(200)
  const rows: Row[] = []
  for (const inFlight of [1, 64]) {
    const { perSecond, latency } = await rate(seconds, inFlight, () => rpc.request('echo', message))
    rows.push({
      work: `protomux-rpc echo, ${inFlight} in flight`,
      value: round(perSecond, 0),
      unit: 'calls/s',
      conditions: '200 bytes, two processes, Hyperswarm connection; not signed, not executed, not stored',
      latency
    })
  }
  server.kill('SIGTERM')
  await once(server, 'exit')
  await swarm.destroy()
  await dht.destroy()
  return rows
}

/** Autobase: append, and apply into a Hyperbee; one process, no network, no signed requests, not synced to disk. */
export async function autobase(folder: string, seconds: number): Promise<Row[]> {
  const store = new Corestore(folder)
  const base = new Autobase(store, null, {
    valueEncoding: 'json',
    open: view =>
      new Hyperbee(view.get('view'), { keyEncoding: 'utf-8', valueEncoding: 'json', extension: false }),
    async apply(nodes, view) {
      const batch = view.batch()
      for (const { value } of nodes) await batch.put(`/rsvps/${value.who}.json`, value)
      await batch.flush()
    }
  })
  await base.ready()
  const rows: Row[] = []
  for (const size of [1, 64]) {
    const { perSecond } = await rate(seconds, 1, async n => {
      await base.append(
        // an array is so many appends

        Array.from({ length: size }, (_, i) => ({ who: `caller-${(n * size + i) % 1000}`, reason: `r${n}` }))
      )
      await base.update()
    })
    rows.push({
      work: `Autobase append and apply, ${size === 1 ? 'one by one' : `arrays of ${size}`}`,
      value: round(perSecond * size, 0),
      unit: 'calls/s',
      conditions: 'one process, no network, no signed requests, no sandbox, no sync to disk'
    })
  }
  await base.close()
  await store.close()
  return rows
}
