// Many VMs in one host, of which nobody asks anything: what they take, and how soon the first call of one is answered.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { loadIdentity } from '../../lib/index.js'
import { Acknowledged } from './acknowledged.js'
import { program, RSVP, type Ground } from './ground.js'
import { HostProcess } from './host.js'
import { Load } from './load.js'
import { latencyOf, row, type Row } from './measure.js'
import { auditAndCompare, type Audited } from './prove.js'
import type { Settings } from './settings.js'

const CALLED = 20

export async function manyVMs(ground: Ground, { vms }: Settings): Promise<Row[]> {
  await deployMany(ground, 'vms', vms)
  const host = await HostProcess.resume(ground, 'vms', vms)
  const { seconds, memory, sandboxes } = host
  const keys = drawn(host.keys, Math.min(CALLED, vms))
  const times: { finding: number; first: number; second: number }[] = []
  const loads: { key: string; load: Load }[] = []
  for (const [i, key] of keys.entries()) {
    const folder = ground.path(`vms-caller-${i}`)
    const acknowledged = new Acknowledged()
    const begun = performance.now()
    const load = await Load.open({ key, nodes: ground.nodes, folder, reading: true }, acknowledged)
    const found = performance.now()
    await load.call()
    const called = performance.now()
    await load.call()
    times.push({ finding: found - begun, first: called - found, second: performance.now() - called })
    loads.push({ key, load })
  }
  const proved = await proveAll(ground, host, loads)
  await proved.host.stop()
  const conditions = `${vms} VMs of the RSVP contract in one vms serve, started again`
  const firsts = `${keys.length} random ones of ${vms} VMs that have run nothing since the host was started`
  const finding = latencyOf(times.map(one => one.finding))
  const first = latencyOf(times.map(one => one.first))
  const second = latencyOf(times.map(one => one.second))
  return [
    row(`host start, ${vms} idle VMs`, seconds, 's', `${conditions}, until all can be found`),
    row(`${vms} idle VMs, host's process`, memory, 'MiB', `${conditions}; VmRSS when ready`),
    row(
      `${vms} idle VMs, its sandboxes`,
      sandboxes,
      'MiB',
      `${conditions}; VmRSS of its children when ready`
    ),
    row(
      'an idle VM found',
      finding.p50,
      'ms',
      `${firsts}; a new client, with a first look at the files`,
      finding
    ),
    row('first call of it', first.p50, 'ms', `${firsts}; target: at most 100`, first),
    row('second call of it', second.p50, 'ms', `${firsts}; one at a time`, second)
  ]
}

/** Deploys so many VMs more to a storage, in a process of its own. */
export async function deployMany(ground: Ground, name: string, count: number): Promise<void> {
  await loadIdentity(ground.path(name, 'owner')) // or the host would say that it is a new one
  const job = { storage: ground.path(name, 'host'), bootstrap: ground.nodes, contract: RSVP, count }
  await promisify(execFile)(process.execPath, [program('deploy-process'), JSON.stringify(job)])
}

/** Kills the host while calls of all these VMs are in flight, and audits each of them after it was started again. */
export async function proveAll(
  ground: Ground,
  host: HostProcess,
  loads: { key: string; load: Load }[]
): Promise<{ host: HostProcess; audits: Audited[] }> {
  await Promise.all(loads.map(({ load }) => load.keep(8)))
  if (!loads.every(({ load }) => load.inFlight > 0)) throw new Error('not all VMs have calls in flight')
  await host.kill()
  await Promise.all(loads.map(({ load }) => load.close()))
  const again = await host.again()
  const audits: Audited[] = []
  for (const { key, load } of loads)
    audits.push((await auditAndCompare(ground, key, load.acknowledged)).audited)
  return { host: again, audits }
}

/** So many of them, drawn without putting back. */
function drawn<T>(all: T[], count: number): T[] {
  const left = [...all]
  return Array.from({ length: count }, () => left.splice(Math.floor(Math.random() * left.length), 1)[0])
}
