// What a host takes to start: on a log of many calls, and beside one on a log of hardly any.

import { filled } from './filled.js'
import type { Ground } from './ground.js'
import { HostProcess } from './host.js'
import { Load } from './load.js'
import { median, row, type Row } from './measure.js'
import type { Settings } from './settings.js'

const ROUNDS = 5
const FEW = 10

interface Started {
  seconds: number
  /** MiB at most, until it was ready */
  peak: number
}

export async function start(ground: Ground, settings: Settings): Promise<Row[]> {
  const { name, calls } = await filled(ground, settings)
  return starts(ground, name, calls)
}

/** Starts the host of a storage whose log has so many calls, beside another. */
export async function starts(ground: Ground, name: string, calls: number): Promise<Row[]> {
  await few(ground)
  // in turns, so that both meet the same machine
  const short: Started[] = []
  const long: Started[] = []
  for (let n = 0; n < ROUNDS; n++) {
    short.push(await once(ground, 'few'))
    long.push(await once(ground, name))
  }
  const [small, large] = [middle(short), middle(long)]
  const conditions = `vms serve, from its start to its line "ready", stopped in order before; median of ${ROUNDS}`
  const memory = `VmHWM of the host's process at that line, median of ${ROUNDS}`
  return [
    row(`host start, log of ${calls} calls`, large.seconds, 's', conditions),
    row(`host start, less that with ${FEW} calls`, large.seconds - small.seconds, 's', conditions),
    row(`host start, log of ${calls} calls`, large.peak, 'MiB', memory),
    row(`host start, less that with ${FEW} calls`, large.peak - small.peak, 'MiB', memory)
  ]
}

async function few(ground: Ground): Promise<void> {
  const host = await HostProcess.deploy(ground, 'few')
  const load = await Load.open({ key: host.key, nodes: ground.nodes, folder: ground.path('few-callers') })
  await load.make(FEW - 1, 1) // each connects with a call
  await load.close()
  await host.stop()
}

async function once(ground: Ground, name: string): Promise<Started> {
  const host = await HostProcess.resume(ground, name)
  const { seconds, peak } = host
  await host.stop()
  return { seconds, peak }
}

function middle(all: Started[]): Started {
  return { seconds: median(all.map(one => one.seconds)), peak: median(all.map(one => one.peak)) }
}
