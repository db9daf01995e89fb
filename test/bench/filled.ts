// A VM with a log of many calls, made once a run: audits and starts are measured on the same one.

import { Acknowledged } from './acknowledged.js'
import { crowd } from './crowd.js'
import type { Ground } from './ground.js'
import { HostProcess } from './host.js'
import { Load } from './load.js'
import { row, type Row } from './measure.js'
import { proveUnder, type Audited } from './prove.js'
import type { Settings } from './settings.js'

export interface Filled {
  /** of its storage, in the ground */
  name: string
  key: string
  /** records in its log */
  calls: number
  /** the audit that proved it: cold, and of all */
  audited: Audited
  /** calls a second while it was filled by one caller */
  serving: number
  rows: Row[]
}

const made = new WeakMap<Ground, Promise<Filled>>()

/** The VM of this run; its host does not run. */
export function filled(ground: Ground, settings: Settings): Promise<Filled> {
  const one = made.get(ground) ?? fill(ground, settings)
  made.set(ground, one)
  return one
}

async function fill(ground: Ground, { calls, files }: Settings): Promise<Filled> {
  const name = 'filled'
  const first = await HostProcess.deploy(ground, name)
  const acknowledged = new Acknowledged()
  const callers = Math.min(files, Math.floor(calls / 2))
  await crowd(ground, { key: first.key, name: 'filled-crowd', callers }, acknowledged)
  const folder = ground.path('filled-callers')
  const load = await Load.open({ key: first.key, nodes: ground.nodes, folder }, acknowledged)
  const { perSecond, count, latency } = await load.make(Math.max(64, calls - callers), 64)
  const { host, audited } = await proveUnder(ground, first, load)
  await host.stop()
  const conditions = `${count} calls of one caller, after one each of ${callers} others; killed and audited after`
  return {
    name,
    key: first.key,
    calls: audited.checked,
    audited,
    serving: perSecond,
    rows: [row('RSVP calls, 64 in flight, to be audited', perSecond, 'calls/s', conditions, latency)]
  }
}
