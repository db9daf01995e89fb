// The children of this process, shared by all executors. A batch has a child for itself while it runs; executors that
// find none wait, first come first served, and each of them waits for one child at a time, so that a VM with many
// batches comes no sooner than one with few.
//
// Contracts that burn their watchdog in every call wait for each other, and the others not for them: an executor whose
// last batch went well is served as if it had come a little earlier, and those with a call that was killed lately have
// one child less than the pool, all of them together.

import { availableParallelism } from 'node:os'
import { messageOf, VMSError } from '../errors.js'
import { isolation } from './isolation.js'
import { FAT, MAX_RESIDENT, MAX_TOTAL, resident } from './memory.js'
import { SandboxProcess } from './process.js'

/** After how many ms without work a child is ended. */
export const IDLE_MS = 30_000

const PATIENCE_MS = 100

// how much earlier than others an executor in good standing comes: the watchdog of a host
const ADVANCE_MS = 5000

const WATCH_MS = 25
const MAX_REASON = 300

// how many children more there may be for a while, if none of the others gets free; only where their memory can be seen
const EXTRA = process.platform === 'linux' ? 2 : 0

export interface PoolOptions {
  /** How many children there are when there is work for all of them: one a core by default, 2 to 4. */
  size?: number
  /** How many more there may be when work waits for long. */
  extra?: number
  /** Starts a child. */
  start?: () => Promise<SandboxProcess>
}

/** What is known of an executor: `good` if its last batch went well, `suspect` if one of its calls was killed lately. */
export type Standing = 'good' | 'new' | 'suspect'

interface Waiter {
  user: object
  source: string | null
  suspect: boolean
  /** when it came */
  since: number
  impatient: boolean
  timer: NodeJS.Timeout
  resolve: (child: SandboxProcess) => void
  reject: (error: Error) => void
}

export class Pool {
  readonly #size: number
  readonly #max: number
  readonly #start: () => Promise<SandboxProcess>
  readonly #users = new Set<object>()
  #waiting: Waiter[] = []
  #warm = false
  #count = 0 // of children, with those that are about to be and those that are not quite gone
  #starting = 0
  readonly #children = new Set<SandboxProcess>()
  /** Ready and without work, the one used last at the end; each with the timer that ends it. */
  readonly #free = new Map<SandboxProcess, NodeJS.Timeout>()
  /** At work; whether for a suspect. */
  readonly #busy = new Map<SandboxProcess, boolean>()
  /** Those that the pool itself has ended. */
  readonly #dismissed = new WeakSet<SandboxProcess>()
  #watch: NodeJS.Timeout | undefined

  constructor({ size, extra = EXTRA, start = startChild }: PoolOptions = {}) {
    this.#size = size ?? Math.min(Math.max(availableParallelism(), 2), 4)
    this.#max = this.#size + extra
    this.#start = start
  }

  /** The process ids of the children that are there now. */
  get pids(): number[] {
    return [...this.#children].flatMap(({ pid, alive }) => (pid !== undefined && alive ? [pid] : []))
  }

  /** From here on, and until all have left, there is a child for whoever comes next: starting one takes a quarter of a second. */
  keepWarm(user: object): void {
    this.#users.add(user)
    this.#warm = true
    if (this.#count === 0) void this.#add()
  }

  /**
   * Waits for a child; it belongs to the user until it is released.
   * @param source a child that has it already is preferred
   * @throws Error if no child can be started; VMSError CLOSED if the user leaves meanwhile
   */
  take(user: object, source: string | null, standing: Standing): Promise<SandboxProcess> {
    this.#users.add(user)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiter.impatient = true
        this.#serve()
      }, PATIENCE_MS)
      const since = performance.now() - (standing === 'good' ? ADVANCE_MS : 0)
      const suspect = standing === 'suspect'
      const waiter = { user, source, suspect, since, impatient: false, timer, resolve, reject }
      this.#waiting.push(waiter)
      this.#waiting.sort((a, b) => a.since - b.since)
      this.#serve()
    })
  }

  /**
   * Gives a child back.
   * @param idle after how many ms it is ended if nobody uses it
   */
  release(child: SandboxProcess, idle = IDLE_MS): void {
    if (!child.alive) return
    if (!child.silent || resident(child.pid) > FAT) return void child.kill() // and another one takes its place
    this.#busy.delete(child)
    if (this.#count > this.#size && this.#waiting.length === 0) return void this.#end(child)
    this.#rest(child, idle)
    this.#serve()
  }

  /** The user needs no child any more. Resolves when all children are gone, if it was the last. */
  async leave(user: object): Promise<void> {
    const left = this.#waiting.filter(waiter => waiter.user === user)
    this.#waiting = this.#waiting.filter(waiter => waiter.user !== user)
    for (const { timer, reject } of left) {
      clearTimeout(timer)
      reject(new VMSError('CLOSED', 'the executor is closed'))
    }
    if (!this.#users.delete(user) || this.#users.size > 0) return
    this.#warm = false
    await Promise.all([...this.#children].map(child => this.#end(child)))
  }

  // hands out what is free, and starts what is missing
  #serve() {
    for (const waiter of [...this.#waiting]) {
      if (this.#usable.length > 0 && this.#mayWaitFor(waiter) && this.#mayHave(waiter)) this.#hand(waiter)
    }
    const next = this.#waiting.filter(waiter => this.#mayWaitFor(waiter))
    const impatient = next.some(waiter => waiter.impatient && !waiter.suspect)
    while (this.#starting < next.length) {
      if (this.#count < this.#size || (impatient && this.#starting === 0 && this.#hasRoom())) void this.#add()
      else break
    }
  }

  // a suspect only gets a child that leaves another one to the rest, be it busy for them
  #mayHave({ suspect }: Waiter): boolean {
    if (!suspect || this.#size === 1) return true
    return this.#free.size + this.#busy.size >= this.#suspects + 2
  }

  #mayWaitFor({ suspect }: Waiter): boolean {
    return !suspect || this.#suspects < Math.max(1, this.#size - 1)
  }

  get #usable(): SandboxProcess[] {
    return [...this.#free.keys()].filter(({ alive }) => alive)
  }

  get #suspects(): number {
    return [...this.#busy.values()].filter(suspect => suspect).length
  }

  // for one child more, beyond the number that there should be
  #hasRoom(): boolean {
    if (this.#count >= this.#max) return false
    const total = [...this.#children].reduce((sum, { pid }) => sum + resident(pid), 0)
    return total + MAX_RESIDENT < MAX_TOTAL
  }

  #hand(waiter: Waiter) {
    const free = this.#usable
    const { source, suspect, timer, resolve } = waiter
    const child = free.find(({ sources }) => source !== null && sources.has(source)) ?? free[free.length - 1]
    this.#unfree(child)
    clearTimeout(timer)
    this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
    this.#busy.set(child, suspect)
    child.hold(true)
    this.#watch ??= setInterval(() => this.#look(), WATCH_MS).unref()
    resolve(child)
  }

  #unfree(child: SandboxProcess) {
    clearTimeout(this.#free.get(child))
    this.#free.delete(child)
  }

  #rest(child: SandboxProcess, idle: number) {
    child.hold(false)
    const end = () => {
      if (!this.#warm || this.#count > 1) void this.#end(child)
    }
    this.#free.set(child, setTimeout(end, idle).unref())
  }

  async #end(child: SandboxProcess) {
    this.#dismissed.add(child)
    this.#unfree(child)
    await child.kill()
  }

  async #add() {
    this.#count++
    this.#starting++
    let child: SandboxProcess | null = null
    try {
      child = await this.#start()
      this.#watchOver(child)
      await child.started
      if (!child.alive) await child.exited // then stderr is complete
    } catch (error) {
      this.#refuse(error)
    }
    this.#starting--
    if (child === null) this.#count--
    else if (child.alive) this.#rest(child, IDLE_MS)
    else if (!this.#dismissed.has(child))
      this.#refuse(child.stderr.trim().slice(0, MAX_REASON) || 'no reason given')
    this.#serve()
  }

  #watchOver(child: SandboxProcess) {
    this.#children.add(child)
    void child.exited.then(() => this.#lose(child))
    if (this.#users.size === 0) void this.#end(child) // they left while it was about to be
  }

  // nobody gets a child, so that nobody waits for ever; whoever comes next makes it try again
  #refuse(reason: unknown) {
    const error = new Error(`the sandbox process cannot be started: ${messageOf(reason)}`)
    for (const { timer, reject } of this.#waiting.splice(0)) {
      clearTimeout(timer)
      reject(error)
    }
  }

  #lose(child: SandboxProcess) {
    this.#children.delete(child)
    this.#count--
    const wasFree = this.#free.has(child)
    this.#unfree(child)
    const atWork = this.#busy.delete(child)
    const missing = this.#users.size > 0 && this.#free.size + this.#starting === 0 && this.#count < this.#size
    if ((atWork || (this.#warm && wasFree)) && missing) void this.#add() // whoever comes next need not wait
    this.#serve()
  }

  // the bound for all of them; each of them keeps to its own
  #look() {
    if (this.#busy.size === 0) {
      clearInterval(this.#watch)
      this.#watch = undefined
    } else if (this.#children.size > 2) {
      const sizes = [...this.#children].map(child => ({ child, bytes: resident(child.pid) }))
      const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0)
      if (total > MAX_TOTAL) void sizes.reduce((a, b) => (a.bytes > b.bytes ? a : b)).child.kill()
    }
  }
}

async function startChild(): Promise<SandboxProcess> {
  return new SandboxProcess(await isolation())
}

let ofProcess: Pool | undefined

/** The pool of this process. */
export function sharedPool(): Pool {
  return (ofProcess ??= new Pool())
}
