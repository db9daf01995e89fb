// Autobase: append, and apply into a Hyperbee. Prints its rows. Argument: the job as JSON.

import Autobase from 'autobase'
import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import { rate, row, type Row } from '../measure.js'
import type { Job } from './index.js'

const { folder, seconds, files } = JSON.parse(process.argv[2]) as Job
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
const appended = async (from: number, count: number) => {
  // an array is so many appends
  const calls = Array.from({ length: count }, (_, i) => ({
    who: `caller-${(from + i) % files}`,
    isAttending: true,
    reason: `reason ${from + i}`
  }))
  await base.append(calls)
  await base.update()
}
for (let n = 0; n < files; n += 1000) await appended(n, Math.min(1000, files - n))
const rows: Row[] = []
for (const size of [1, 64]) {
  const { perSecond, latency } = await rate(seconds, 1, n => appended(n * size, size))
  rows.push(
    row(
      `Autobase append and apply, ${size === 1 ? 'one by one' : `arrays of ${size}`}`,
      perSecond * size,
      'calls/s',
      `one process, no network, no signed requests, no sandbox, no sync to disk; ${files} entries`,
      size === 1 ? latency : undefined
    )
  )
}
process.stdout.write(JSON.stringify(rows))
await base.close()
await store.close()
