// A Durable Object in miniflare: an answer a caller in its storage. Prints its rows. Argument: the job as JSON.

import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { rate, rateOf, row, type Row } from '../measure.js'
import type { Job } from './index.js'
import { Packages } from './install.js'

/** The part of miniflare that is used. */
interface Module {
  Miniflare: new (options: object) => { ready: Promise<URL>; dispose(): Promise<void> }
}

const WORKER = `
export class Rsvps {
  constructor(state) { this.state = state }
  async fetch(request) {
    const { who, isAttending, reason } = await request.json()
    await this.state.storage.put(who, { who, isAttending, reason })
    return new Response('kept')
  }
}
export default {
  fetch: (request, env) => env.RSVPS.get(env.RSVPS.idFromName('rsvps')).fetch(request)
}`

const { folder, seconds, files, packages } = JSON.parse(process.argv[2]) as Job
const { Miniflare } = await new Packages(packages).import<Module>('miniflare')
const miniflare = new Miniflare({
  modules: true,
  script: WORKER,
  compatibilityDate: '2025-07-01',
  durableObjects: { RSVPS: 'Rsvps' },
  durableObjectsPersist: folder
})
const url = await miniflare.ready
const agent = new Agent({ keepAlive: true })
await rateOf(files, 64, n => call(n))
const rows: Row[] = []
for (const inFlight of [1, 64]) {
  const { perSecond, latency } = await rate(seconds, inFlight, call)
  rows.push(
    row(
      `miniflare Durable Object, ${inFlight} in flight`,
      perSecond,
      'calls/s',
      `HTTP on loopback, workerd in a process of its own, one object, storage.put into SQLite below ${files} keys; not signed, no log`,
      latency
    )
  )
}
process.stdout.write(JSON.stringify(rows))
agent.destroy()
await miniflare.dispose()

async function call(n: number): Promise<void> {
  const body = JSON.stringify({ who: `caller-${n % files}`, isAttending: n % 2 === 0, reason: `reason ${n}` })
  const answer = await new Promise<string>((resolve, reject) => {
    const asked = request(url, { method: 'POST', agent }, response => resolve(text(response)))
    asked.on('error', reject)
    asked.end(body)
  })
  if (answer !== 'kept') throw new Error(`miniflare says ${answer}`)
}
