// The bench's end of a process with callers who ask for much.

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Acknowledged } from './acknowledged.js'
import type { Job, Message } from './flood-process.js'
import { program } from './ground.js'

export class Flood {
  private constructor(
    private readonly child: ChildProcess,
    private readonly job: Job
  ) {}

  /** Connects the callers. */
  static async open(job: Job): Promise<Flood> {
    const child = fork(program('flood-process'), [JSON.stringify(job)], { serialization: 'advanced' })
    const flood = new Flood(child, job)
    await flood.next()
    return flood
  }

  /** calls that it keeps in flight */
  get inFlight(): number {
    return this.job.callers * this.job.each
  }

  start(): void {
    this.child.send('go')
  }

  /** Ends it, and adds what it was told. */
  async stop(acknowledged: Acknowledged): Promise<void> {
    const said = this.next()
    const ended = once(this.child, 'exit')
    this.child.send('stop')
    const message = await said
    if (message !== 'ready') acknowledged.addAll(message.entries)
    await ended
  }

  private async next(): Promise<Message> {
    const [message] = (await Promise.race([
      once(this.child, 'message'),
      once(this.child, 'exit').then(([status]) => {
        throw new Error(`the callers ended with ${status}`)
      })
    ])) as [Message]
    return message
  }
}
