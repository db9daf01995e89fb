// Calls, as users make them: the real command line serves over a real DHT, and the callers are in another process.

import { Load } from './load.js'
import { crowd } from './crowd.js'
import type { Ground } from './ground.js'
import { bareCommits } from './commits.js'
import { HostProcess, vms } from './host.js'
import { median, row, secondsOf, type Row } from './measure.js'
import { proveUnder, type Weight } from './prove.js'
import type { Settings } from './settings.js'

const COLD_CALLS = 5

/** Callers beside each other, who write a file each. */
const CALLERS = 8

export async function calls(ground: Ground, { seconds, files }: Settings): Promise<Row[]> {
  const conditions =
    'two processes on this machine, encrypted Hyperswarm connections; signed and checked, sandboxed, ' +
    `committed atomically and durably, record checked in the log; ${files} files in the folder; killed and audited after`
  const first = await HostProcess.deploy(ground, 'calls')
  const load = await Load.open({ key: first.key, nodes: ground.nodes, folder: ground.path('callers') })
  const { acknowledged } = load
  await crowd(ground, { key: first.key, name: 'crowd', callers: files }, acknowledged)
  const begun = acknowledged.count
  const single = await load.run(seconds, 1)
  const between = acknowledged.count
  const many = await load.run(seconds, 64)
  const end = acknowledged.count
  const others = ground.path('others')
  const several = await Load.open(
    { key: first.key, nodes: ground.nodes, folder: others, callers: CALLERS },
    acknowledged
  )
  const all = await several.run(seconds, 64)
  const last = acknowledged.count
  await several.close()
  const cold = await coldCalls(ground, first.key)
  // init is record 0; of what the cold calls were told nothing is kept, and they come last
  const ranges: [number, number][] = [
    [begun + 1, between + 1],
    [between + 1, end + 1],
    [last - all.count + 1, last + 1]
  ]
  const { host, weights } = await proveUnder(ground, first, load, ranges)
  await host.stop()
  const [alone, weight, weightOfAll] = weights
  const bare = await bareCommits(ground, { seconds, files, logBytes: Math.round(alone.log) })
  return [
    row('RSVP calls, 64 in flight', many.perSecond, 'calls/s', `one caller, ${conditions}`, many.latency),
    row(`RSVP calls, 64 in flight of ${CALLERS} callers`, all.perSecond, 'calls/s', conditions, all.latency),
    row(
      'RSVP calls, one at a time',
      single.perSecond,
      'calls/s',
      `one caller, ${conditions}`,
      single.latency
    ),
    ...bare.rows,
    row(
      'RSVP one at a time / bare durable commit',
      single.perSecond / bare.perSecond,
      'of it',
      'target: at least 0.8; the commits at distinct paths, measured after the calls'
    ),
    row('vms call, whole process', cold, 's', `median of ${COLD_CALLS}, loopback DHT, from start to exit`),
    ...weigh(
      weight,
      'one caller',
      `${many.count} calls, 64 in flight: of a block's writes to a file the last counts`
    ),
    ...weigh(weightOfAll, `${CALLERS} callers`, `${all.count} calls, 64 in flight of all`)
  ]
}

function weigh({ log, files }: Weight, who: string, which: string): Row[] {
  return [
    row(`log, ${who}`, log, 'bytes/call', `blocks of the call log; ${which}`),
    row(`files, ${who}`, files, 'bytes/call', `blocks of the files' two cores; ${which}`)
  ]
}

async function coldCalls(ground: Ground, key: string): Promise<number> {
  const times: number[] = []
  for (let n = 0; n < COLD_CALLS; n++) {
    times.push(
      await secondsOf(() => vms('call', key, 'RSVP', 'true', '--json', '--bootstrap', ground.bootstrap))
    )
  }
  return median(times)
}
