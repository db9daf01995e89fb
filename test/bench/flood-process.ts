// Callers who ask for much, in a process of their own: says "ready" once all are connected, and keeps its calls in flight from
// "go" to "stop"; then it hands over what was acknowledged. Argument: the job as JSON.

import { Load } from './load.js'

export interface Job {
  key: string
  nodes: string[]
  folder: string
  callers: number
  /** calls that each caller has in flight */
  each: number
}

export type Message = 'ready' | { entries: [index: number, hash: Uint8Array][] }

const job = JSON.parse(process.argv[2]) as Job
const load = await Load.open(job)
const say = (message: Message, then = () => {}) => process.send!(message, then)
process.on('message', message => {
  if (message === 'go') {
    void load.keep(job.callers * job.each, 1)
  } else {
    // it may have thousands of calls to let go of: the process ends with them
    say({ entries: load.acknowledged.entries() }, () => process.exit(0))
  }
})
process.on('disconnect', () => process.exit(1))
say('ready')
