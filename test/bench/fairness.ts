// What callers have of each other: one who asks little, beside one who asks much, and beside more than the host can serve.

import { setTimeout as delay } from 'node:timers/promises'
import { Flood } from './flood.js'
import type { HostStatus } from '../../lib/index.js'
import type { Ground } from './ground.js'
import { HostProcess } from './host.js'
import { Load } from './load.js'
import { round, row, type Rate, type Row } from './measure.js'
import { prove } from './prove.js'
import type { Settings } from './settings.js'

const MANY = 1000
const CROWD = { callers: 8, each: 3000 }

/** How long it may take until what was asked for has reached the host, ms: 24,000 requests are signed in one process. */
const ARRIVE_MS = 60_000
const LOOK_MS = 250

export async function fairness(ground: Ground, { seconds }: Settings): Promise<Row[]> {
  const first = await HostProcess.deploy(ground, 'fairness')
  const { key } = first
  const { nodes } = ground
  const single = await Load.open({ key, nodes, folder: ground.path('single') })
  const { acknowledged } = single
  const alone = await single.run(seconds, 1)

  const one = await Flood.open({ key, nodes, folder: ground.path('greedy'), callers: 1, each: MANY })
  one.start()
  await arrived(first, ({ queue }) => queue > 0)
  const beside = await single.run(seconds, 1)
  await one.stop(acknowledged)
  await arrived(first, ({ queue }) => queue === 0)

  const before = first.memory
  const crowd = await Flood.open({ key, nodes, folder: ground.path('overload'), ...CROWD })
  const begun = performance.now()
  crowd.start()
  await arrived(first, ({ rejections }) => (rejections.BUSY ?? 0) > 0)
  const overloaded = await single.run(seconds, 1)
  const after = first.memory
  const most = first.mostMemory
  const { rejections, queue } = await first.status()
  const elapsed = round((performance.now() - begun) / 1000, 1)
  const load = {
    inFlight: crowd.inFlight,
    acknowledged,
    close: async () => {
      await crowd.stop(acknowledged)
      await single.close()
    }
  }
  const { host } = await prove(ground, first, load)
  await host.stop()

  const conditions = ({ count }: Rate) =>
    `${count} calls of one caller, one at a time; others have identities of their own`
  const asked = `${CROWD.callers} callers with ${CROWD.each} in flight each, in one process`
  const flooded = `${asked}, for ${elapsed} s`
  return [
    row('one caller alone, p99', alone.latency.p99, 'ms', conditions(alone), alone.latency),
    row(
      `beside one with ${MANY} in flight, p99`,
      beside.latency.p99,
      'ms',
      `${conditions(beside)}; the other is in a process of its own`,
      beside.latency
    ),
    row(
      `beside one with ${MANY} in flight / alone`,
      beside.latency.p99 / alone.latency.p99,
      '× p99',
      'target: at most 5'
    ),
    row(
      'beside more than it can serve, p99',
      overloaded.latency.p99,
      'ms',
      `${conditions(overloaded)}; beside ${asked}, from the first BUSY on`,
      overloaded.latency
    ),
    row('refused with BUSY meanwhile', rejections.BUSY ?? 0, 'requests', flooded),
    row('waiting then', queue, 'requests', `${flooded}; in the host's queue`),
    row('host before it', before, 'MiB', 'VmRSS of its process, after what is above'),
    row('host after it', after, 'MiB', `VmRSS of its process, ${flooded}`),
    row('host at most', most, 'MiB', `VmHWM of its process since its start, ${flooded}`)
  ]
}

/** Waits until the host's status is as it should be; figures say it themselves if it does not come to that. */
async function arrived(host: HostProcess, condition: (status: HostStatus) => boolean): Promise<void> {
  const end = performance.now() + ARRIVE_MS
  while (!condition(await host.status()) && performance.now() < end) await delay(LOOK_MS)
}
