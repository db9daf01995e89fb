// What the tests in real networks measure, and how often: each promise of the project several times when everything is tested.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Line, Running } from '../helpers/cli.js'
import { within, type Lab } from './lab.js'

export const FULL = process.env.VMS_TEST_FULL === '1'

/** When something that should be quick has failed, ms. */
const NEVER_MS = 120_000

/** How often something is done. */
export function times(full: number, normal = 1): number {
  return FULL ? full : normal
}

/** Calls `increment` in a process of its own. @returns ms from its start until the answer is there */
export async function call(lab: Lab, key: string, user = 'alice', ...flags: string[]): Promise<number> {
  const start = performance.now()
  const running = await lab.start(user, 'call', key, 'increment', '--json', '--timeout', '100', ...flags)
  const [answer] = await within(NEVER_MS, running.json(), 'the answer to a call')
  const ms = performance.now() - start
  assert.equal(answer.ok, true, JSON.stringify(answer))
  await within(NEVER_MS, running.ended, 'the end of a call')
  return ms
}

/** A session with a VM. */
export class Connected {
  private constructor(readonly running: Running) {}

  static async open(lab: Lab, key: string, user = 'alice'): Promise<Connected> {
    const running = await lab.start(user, 'connect', key, '--json', '--timeout', '100')
    const connected = new Connected(running)
    await connected.increment()
    return connected
  }

  /** @returns ms until the answer is there */
  async increment(): Promise<number> {
    const { running } = this
    const start = performance.now()
    const count = this.answers().length
    running.child.stdin!.write('increment()\n')
    const answered = running.until(() => this.answers().length > count)
    await within(NEVER_MS, answered, 'the answer in a session')
    const [answer] = this.answers().slice(count)
    assert.equal(typeof answer.value, 'number', JSON.stringify(answer))
    return performance.now() - start
  }

  /** What was told of the host. */
  get events(): Line[] {
    return this.lines().filter(({ event }) => event === 'host')
  }

  /** Waits until the session has said so often that the host is gone or back. */
  async told(online: boolean, count = 1): Promise<void> {
    const told = () => this.events.filter(event => event.online === online).length
    const held = this.running.until(() => told() >= count)
    await within(NEVER_MS, held, `the host being ${online ? 'online' : 'offline'}`)
  }

  async close(): Promise<void> {
    this.running.child.stdin!.end()
    assert.equal((await within(NEVER_MS, this.running.ended, 'the end of a session')).status, 0)
  }

  private answers(): Line[] {
    return this.lines().filter(({ event }) => event === undefined)
  }

  private lines(): Line[] {
    const complete = this.running.stdout.split('\n').slice(0, -1)
    return complete.map(line => JSON.parse(line) as Line)
  }
}

/**
 * Tells what was measured. When everything is tested, with nothing else running meanwhile, it fails if a sample is beyond what
 * is promised; beside other tests that would only say how busy the machine is.
 */
export function promised(t: TestContext, what: string, samples: number[], bound: number): void {
  const sorted = samples.map(ms => Math.round(ms)).sort((a, b) => a - b)
  const [min, median, max] = [sorted[0], sorted[sorted.length >> 1], sorted[sorted.length - 1]]
  const kept = sorted.filter(ms => ms <= bound).length
  t.diagnostic(
    `${what}: ${min} / ${median} / ${max} ms (min / median / max), ${kept} of ${sorted.length} within ${bound / 1000} s`
  )
  if (FULL) assert.equal(kept, sorted.length, `${what}: ${sorted.join(', ')} ms`)
}
