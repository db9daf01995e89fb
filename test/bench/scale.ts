// How serving, audits, starts and memory grow with the log, the files of a folder, the VMs of a host, and its callers.

import { Acknowledged } from './acknowledged.js'
import { crowd } from './crowd.js'
import type { Ground } from './ground.js'
import { HostProcess } from './host.js'
import { Load } from './load.js'
import { deployMany, proveAll } from './many-vms.js'
import { round, row, type Row } from './measure.js'
import { JOBS, prove } from './prove.js'
import type { Settings } from './settings.js'
import { starts } from './start.js'

/** What grows. */
export type Series = 'calls' | 'files' | 'vms' | 'callers'

/** What was measured at one size. */
export interface Point {
  series: Series
  size: number
  /** calls a second */
  serve: number
  /** records a second */
  audit: number
  /** seconds until a host that was killed is ready again */
  start: number
  /** MiB of the host's process after it has served */
  memory: number
  /** MiB that it had at most when it was ready again */
  startMemory: number
}

const SIZES: { [series in Series]: number[] } = {
  calls: [1000, 10_000, 100_000, 1_000_000],
  files: [10, 1000, 10_000, 100_000],
  vms: [1, 10, 100, 1000],
  callers: [1, 10, 50, 200]
}

const WHAT: { [series in Series]: string } = {
  calls: 'calls in the log',
  files: 'files in the folder',
  vms: 'VMs',
  callers: 'callers'
}

/** Who calls while something else than the callers grows. */
const CALLERS = 4
const EACH = 256

/** Of many VMs only some are called, and audited. */
const CALLED = 10

export async function scale(
  ground: Ground,
  { seconds, max, series: wanted }: Settings
): Promise<{ rows: Row[]; points: Point[] }> {
  const sizes = (series: Series) => (wanted.includes(series) ? SIZES[series].filter(size => size <= max) : [])
  const points: Point[] = []
  const log = await growCalls(ground, seconds, sizes('calls'))
  points.push(...log.points)
  points.push(...(await growFiles(ground, seconds, sizes('files'))))
  points.push(...(await growVMs(ground, seconds, sizes('vms'))))
  points.push(...(await growCallers(ground, seconds, sizes('callers'))))
  const rows = [...points.flatMap(point => rowsOf(point, seconds)), ...ratio(points), ...log.rows]
  return { rows, points }
}

async function growCalls(
  ground: Ground,
  seconds: number,
  sizes: number[]
): Promise<{ points: Point[]; rows: Row[] }> {
  if (sizes.length === 0) return { points: [], rows: [] }
  const points: Point[] = []
  const acknowledged = new Acknowledged()
  let host = await HostProcess.deploy(ground, 'scale-calls')
  let calls = 0
  for (const size of sizes) {
    const load = await connect(ground, host, 'scale-calls-callers', CALLERS, acknowledged)
    const missing = size - acknowledged.count // fewer than none, if more were made while the size before was timed
    if (missing > 0) await load.make(missing, CALLERS * EACH)
    const measured = await measure(ground, host, load, { seconds, inFlight: CALLERS * EACH })
    host = measured.host
    calls = measured.calls
    points.push({ series: 'calls', size, ...measured.figures })
  }
  await host.stop()
  return { points, rows: await starts(ground, 'scale-calls', calls) }
}

async function growFiles(ground: Ground, seconds: number, sizes: number[]): Promise<Point[]> {
  if (sizes.length === 0) return []
  const points: Point[] = []
  const acknowledged = new Acknowledged()
  let host = await HostProcess.deploy(ground, 'scale-files')
  let files = 0
  for (const size of sizes) {
    await crowd(ground, { key: host.key, name: 'scale-crowd', callers: size - files }, acknowledged)
    files = size
    const load = await connect(ground, host, 'scale-files-callers', CALLERS, acknowledged)
    const measured = await measure(ground, host, load, { seconds, inFlight: CALLERS * EACH })
    host = measured.host
    points.push({ series: 'files', size, ...measured.figures })
  }
  await host.stop()
  return points
}

async function growCallers(ground: Ground, seconds: number, sizes: number[]): Promise<Point[]> {
  if (sizes.length === 0) return []
  const points: Point[] = []
  const acknowledged = new Acknowledged()
  let host = await HostProcess.deploy(ground, 'scale-callers')
  for (const size of sizes) {
    const load = await connect(ground, host, 'scale-callers-callers', size, acknowledged)
    const inFlight = Math.max(EACH, size)
    const measured = await measure(ground, host, load, { seconds, inFlight })
    host = measured.host
    points.push({ series: 'callers', size, ...measured.figures })
  }
  await host.stop()
  return points
}

async function growVMs(ground: Ground, seconds: number, sizes: number[]): Promise<Point[]> {
  const points: Point[] = []
  let deployed = 0
  for (const size of sizes) {
    await deployMany(ground, 'scale-vms', size - deployed)
    deployed = size
    const first = await HostProcess.resume(ground, 'scale-vms', size)
    const called = first.keys.slice(0, CALLED)
    const loads: { key: string; load: Load }[] = []
    for (const key of called) {
      const folder = ground.path(`scale-vms-callers-${size}-${key}`)
      loads.push({ key, load: await Load.open({ key, nodes: ground.nodes, folder }) })
    }
    const each = Math.ceil(EACH / called.length)
    const rates = await Promise.all(loads.map(({ load }) => load.run(seconds, each)))
    const { memory } = first
    // what was logged at a smaller size was acknowledged then: it was compared then
    const { host, audits } = await proveAll(ground, first, loads)
    const total = (of: (one: (typeof audits)[number]) => number) =>
      audits.reduce((sum, one) => sum + of(one), 0)
    points.push({
      series: 'vms',
      size,
      serve: round(
        rates.reduce((sum, { perSecond }) => sum + perSecond, 0),
        0
      ),
      audit: round(total(one => one.checked) / total(one => one.seconds), 0),
      start: round(host.seconds),
      memory: round(memory, 0),
      startMemory: round(host.peak, 0)
    })
    await host.stop()
  }
  return points
}

function connect(
  ground: Ground,
  host: HostProcess,
  name: string,
  callers: number,
  acknowledged: Acknowledged
): Promise<Load> {
  return Load.open({ key: host.key, nodes: ground.nodes, folder: ground.path(name), callers }, acknowledged)
}

/** Measures at one size; the host is another then, on the same storage. */
async function measure(
  ground: Ground,
  first: HostProcess,
  load: Load,
  { seconds, inFlight }: { seconds: number; inFlight: number }
): Promise<{ host: HostProcess; calls: number; figures: Omit<Point, 'series' | 'size'> }> {
  const { perSecond } = await load.run(seconds, inFlight)
  const { memory } = first
  await load.keep(inFlight)
  const { host, audited } = await prove(ground, first, load)
  const figures = {
    serve: round(perSecond, 0),
    audit: round(audited.checked / audited.seconds, 0),
    start: round(host.seconds),
    memory: round(memory, 0),
    startMemory: round(host.peak, 0)
  }
  return { host, calls: audited.checked, figures }
}

function rowsOf({ series, size, serve, audit, start, memory, startMemory }: Point, seconds: number): Row[] {
  const at = `${size.toLocaleString('en')} ${WHAT[series]}`
  const load =
    series === 'callers'
      ? `${Math.max(EACH, size)} in flight of all callers`
      : series === 'vms'
        ? `${EACH} in flight, for at most ${CALLED} of the VMs`
        : `${CALLERS} callers with ${EACH} in flight each`
  const conditions = `${load}, in one process beside the host`
  return [
    row(`serving, ${at}`, serve, 'calls/s', `${conditions}, for ${seconds} s`),
    row(`audit, ${at}`, audit, 'records/s', `vms audit --jobs ${JOBS}, cold, full, whole process`),
    row(`start, ${at}`, start, 's', 'vms serve until it is ready, after kill -9 with calls in flight'),
    row(`memory, ${at}`, memory, 'MiB', "VmRSS of the host's process after serving"),
    row(`memory at the start, ${at}`, startMemory, 'MiB', 'VmHWM when it is ready after kill -9')
  ]
}

/** What is left of the throughput on the longest log. */
function ratio(points: Point[]): Row[] {
  const at = (size: number) => points.find(one => one.series === 'calls' && one.size === size)?.serve
  const [few, many] = [at(10_000), at(1_000_000)]
  if (few === undefined || many === undefined) return []
  return [row('serving at 1,000,000 / at 10,000 calls', many / few, 'of it', 'target: at least 0.8')]
}
