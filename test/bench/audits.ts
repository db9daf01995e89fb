// What audits cost, beside what they audit: a cold one of all calls, and a sample.

import { rm } from 'node:fs/promises'
import { filled } from './filled.js'
import type { Ground } from './ground.js'
import { HostProcess } from './host.js'
import { row, type Row } from './measure.js'
import { audit, JOBS } from './prove.js'
import type { Settings } from './settings.js'

const SHARE = 0.01

export async function audits(ground: Ground, settings: Settings): Promise<Row[]> {
  const { name, key, audited, serving, rows } = await filled(ground, settings)
  const host = await HostProcess.resume(ground, name)
  const storage = ground.path('sample')
  const sample = await audit(ground, key, storage, '--sample', String(SHARE), '--seed', 'bench')
  await rm(storage, { recursive: true })
  await host.stop()
  const { checked, length, seconds } = audited
  const conditions =
    `vms audit --jobs ${JOBS}, whole process, empty storage, finding the host included; ` +
    `${checked} records in ${length} blocks`
  return [
    ...rows,
    row('audit, cold, full', checked / seconds, 'records/s', conditions),
    row('audit, cold, full, beside serving', checked / seconds / serving, '× as fast', 'the same log'),
    row(`audit of a share of ${SHARE}`, sample.seconds, 's', `${sample.checked} records, ${conditions}`),
    row(`audit of a share of ${SHARE}, beside all`, sample.seconds / seconds, 'of the time', conditions)
  ]
}
