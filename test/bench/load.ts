// Callers: clients of one VM in this process, each with an identity of its own.

import path from 'node:path'
import { VMSClient } from '../../lib/index.js'
import { Acknowledged } from './acknowledged.js'
import { rate, rateOf, rateWhile, type Rate } from './measure.js'

export interface Rsvp {
  RSVP(isAttending: boolean, reason?: string): void
}

/** ms that a call has: longer than it waits where more is asked of a host than it can do. */
const TIMEOUT_MS = 300_000

/** Calls of this process so far: each has a reason of its own. */
let calls = 0

export class Load {
  /** calls that were sent, and are not answered */
  inFlight = 0
  /** the loads that go on until they are stopped */
  private readonly endless: Promise<unknown>[] = []
  private stopping = false

  private constructor(
    readonly clients: VMSClient<Rsvp>[],
    readonly acknowledged: Acknowledged
  ) {}

  /**
   * Connects so many callers, each with a first call; or without, if they only read the files once.
   * @param folder of their copies and identities
   */
  static async open(
    options: { key: string; nodes: string[]; folder: string; callers?: number; reading?: boolean },
    acknowledged = new Acknowledged()
  ): Promise<Load> {
    const { key, nodes: bootstrap, folder, callers = 1, reading = false } = options
    const clients = Array.from({ length: callers }, (_, i) => {
      const storage = path.join(folder, `caller-${i}`)
      const identity = path.join(folder, `identity-${i}`)
      return new VMSClient<Rsvp>(key, { bootstrap, storage, identity, timeout: TIMEOUT_MS })
    })
    const load = new Load(clients, acknowledged)
    // a few at a time, as callers come: each looks for the host by itself
    await rateOf(callers, 8, n => (reading ? clients[n].files.readdir('/') : load.callOf(clients[n])))
    return load
  }

  /** One call, of the callers in turns. */
  call(): Promise<void> {
    return this.callOf(this.clients[calls % this.clients.length])
  }

  /** Calls for so long, as many at a time. */
  run(seconds: number, inFlight: number): Promise<Rate> {
    return rate(seconds, inFlight, () => this.call())
  }

  /** Makes so many calls, as many at a time. */
  make(count: number, inFlight: number): Promise<Rate> {
    return rateOf(count, inFlight, () => this.call())
  }

  /** Keeps so many calls in flight from here on; resolves once `first` of them are acknowledged. */
  async keep(inFlight: number, first = inFlight): Promise<void> {
    let done = 0
    await new Promise<void>((resolve, reject) => {
      const running = rateWhile(
        () => !this.stopping,
        inFlight,
        () => this.call().then(() => ++done >= first && resolve())
      )
      // those under way when the host dies are answered by nobody
      this.endless.push(running.catch(error => (this.stopping ? undefined : reject(error as Error))))
    })
  }

  /** Makes no more calls, and lets go of those that are not answered. */
  async close(): Promise<void> {
    this.stopping = true
    await Promise.all(this.clients.map(client => client.close()))
    await Promise.all(this.endless)
  }

  private async callOf(client: VMSClient<Rsvp>): Promise<void> {
    const n = calls++
    this.inFlight++
    try {
      const { index, hash } = await client.request('RSVP', [n % 2 === 0, `reason ${n}`])
      this.acknowledged.add(index, hash)
    } finally {
      this.inFlight--
    }
  }
}
