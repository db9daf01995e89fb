// Who takes part in a soak: processes that are killed and started again, and held for a while, and what memory they have.

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Running, World } from '../helpers/cli.js'
import { memoryOf, memoryOfChildren } from '../bench/memory.js'
import type { CallerSettings, Said } from './caller-process.js'

/** A command that runs all the time. */
export class Member {
  running!: Running
  /** what earlier runs of it have printed */
  past = ''
  restarts = 0
  private ends = false

  constructor(
    private readonly world: World,
    readonly name: string,
    private readonly command: string[],
    private readonly onproblem: (problem: string) => void
  ) {}

  /** Resolves once it has printed a line. */
  async start(): Promise<void> {
    const running = (this.running = await this.world.start(this.name, ...this.command))
    this.ends = false
    void running.ended.then(({ status, stderr }) => {
      if (!this.ends && this.running === running)
        this.onproblem(`the ${this.name} ended by itself with ${status}: ${stderr.slice(-2000)}`)
    })
    await running.json()
  }

  async restart(): Promise<void> {
    const { stdout } = await this.stop('SIGKILL')
    this.past += stdout
    this.restarts++
    await this.start()
  }

  /** Holds the process: to others it is as if its machine were gone. */
  async hold(ms: number): Promise<void> {
    const { child } = this.running
    child.kill('SIGSTOP')
    await sleep(ms) // which is what is tested, not waited for
    child.kill('SIGCONT')
  }

  stop(signal: NodeJS.Signals): ReturnType<Running['stop']> {
    this.ends = true
    return this.running.stop(signal)
  }

  /** The length that it told last of an event; 0 if it told none. */
  newest(event: string): number {
    for (const text of [this.running.stdout, this.past]) {
      // of the last line there may be a part only
      const start = text.lastIndexOf(`{"event":"${event}"`, text.lastIndexOf('\n'))
      if (start === -1) continue
      const line = text.slice(start, text.indexOf('\n', start))
      return Number((JSON.parse(line) as Record<string, unknown>).length)
    }
    return 0
  }

  /** The lines that it has printed in all its runs. */
  lines(): Record<string, unknown>[] {
    return (this.past + this.running.stdout).split('\n').flatMap(line => {
      try {
        return line === '' ? [] : [JSON.parse(line) as Record<string, unknown>]
      } catch {
        return [] // it was killed in the middle of it
      }
    })
  }
}

/** A process with some callers. */
export class Callers {
  readonly ended: Promise<number | null>
  private ends = false

  private constructor(
    readonly child: ChildProcess,
    onproblem: (problem: string) => void
  ) {
    this.ended = once(child, 'exit').then(([status]) => status as number | null)
    void this.ended.then(status => {
      if (!this.ends) onproblem(`callers ended by themselves with ${status}`)
    })
  }

  static start(
    settings: CallerSettings,
    data: string,
    onsaid: (said: Said) => void,
    onproblem: (problem: string) => void
  ): Callers {
    const file = fileURLToPath(new URL('./caller-process.js', import.meta.url))
    const env = { ...process.env, XDG_DATA_HOME: data }
    const child = fork(file, [JSON.stringify(settings)], { env })
    child.on('message', onsaid)
    return new Callers(child, onproblem)
  }

  /** Resolves once all calls are answered. */
  async stop(): Promise<number | null> {
    this.ends = true
    this.child.send('stop')
    return this.ended
  }

  async close(): Promise<void> {
    this.ends = true
    this.child.kill('SIGKILL')
    await this.ended
  }
}

/** What memory processes have, in MiB, from time to time. */
export class Memory {
  private readonly lives = new Map<string, { start: number; end: number; samples: number[] }>()

  take(name: string, pid: number, children = false): void {
    const key = `${name} ${pid}`
    const life = this.lives.get(key) ?? { start: performance.now(), end: 0, samples: [] }
    this.lives.set(key, life)
    try {
      const used = children ? memoryOfChildren(pid) : memoryOf(pid)
      if (used > 0) life.samples.push(used)
      life.end = performance.now()
    } catch {} // it has ended
  }

  /** Those who lived so long: the median of their second quarter, and of their last. */
  judge(ms: number): { name: string; minutes: number; second: number; last: number }[] {
    return [...this.lives].flatMap(([name, { start, end, samples }]) => {
      const quarter = Math.floor(samples.length / 4)
      if (end - start < ms || quarter === 0) return []
      const second = median(samples.slice(quarter, 2 * quarter))
      const last = median(samples.slice(-quarter))
      return [{ name, minutes: (end - start) / 60_000, second, last }]
    })
  }
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}
