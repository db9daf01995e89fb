// Files in memory and a handler over them, so that the executor is tested without cores, logs or networks.

import { Executor, type ExecutorOptions, type RunOptions } from '../../lib/sandbox/executor.js'
import type { BatchHandler, Call, CallResult, SystemAnswer } from '../../lib/sandbox/types.js'
import { decodeValue, encodeValue, type Value } from '../../lib/ledger/values.js'
import type { TestContext } from 'node:test'

export const ALICE = 'a'.repeat(52)
export const BOB = 'b'.repeat(52)

/** The most gas that a call can have. */
export const MOST_GAS = 2 ** 31 - 1

/** With the most gas this takes minutes. */
export const SPIN = "const s = 'a'.repeat(2 ** 20); for (;;) /(.*)(.*)(.*)b/.test(s)"

/** The watchdog of an executor whose calls have the most gas and spin: about a second. */
export const HASTY = 5

/** What a call is in these tests: method, arguments, and who calls. */
export interface TestCall {
  method: string
  args?: Value[]
  caller?: string
}

/** A value, or the error as it would stand in the log. */
export type Ended = { value: Value } | { name: string; message: string; code: string | null }

export function fixture(name: string): string {
  return decodeURIComponent(new URL(`../../../fixtures/contracts/${name}`, import.meta.url).pathname)
}

/** An executor that is closed when the test ends. */
export function executor(t: TestContext, options?: ExecutorOptions): Executor {
  const made = new Executor(options)
  t.after(() => made.close())
  return made
}

/** A VM in miniature: one contract and its files. */
export class World implements BatchHandler {
  files = new Map<string, string | Uint8Array>()
  /** Every System call, as `position name path`. */
  asked: string[] = []
  ended: Ended[] = []
  /** What each call of the last batch has used. */
  gas: number[] = []
  #writes = new Map<string, string | Uint8Array | null>()

  constructor(
    readonly executor: Executor,
    readonly source: string,
    readonly options: RunOptions = {}
  ) {}

  /** Runs a batch once; `ended` has the outcomes. */
  async batch(...calls: TestCall[]): Promise<number> {
    this.ended = []
    this.gas = []
    this.#writes.clear()
    return this.executor.run(this.source, calls.map(toCall), this, this.options)
  }

  /** Runs one call that is expected to end. */
  async call(method: string, ...args: Value[]): Promise<Ended> {
    return this.callAs(ALICE, method, ...args)
  }

  async callAs(caller: string, method: string, ...args: Value[]): Promise<Ended> {
    const count = await this.batch({ method, args, caller })
    if (count !== 1) throw new Error('the call was killed')
    return this.ended[0]
  }

  system(position: number, name: string, [first, second]: Value[]): Promise<SystemAnswer> {
    const path = typeof first === 'string' ? first : 'not a path'
    this.asked.push(`${position} ${name} ${path}`)
    return Promise.resolve(this.#answer(name, path, second))
  }

  again() {
    this.#writes.clear()
  }

  end(_position: number, { outcome, gas }: CallResult): Promise<void> {
    if (outcome.ok) for (const [path, data] of this.#writes) this.#apply(path, data)
    this.#writes.clear()
    this.gas.push(gas)
    this.ended.push(outcome.ok ? { value: decodeValue(outcome.value) } : outcome.error)
    return Promise.resolve()
  }

  #answer(name: string, path: string, second: Value): SystemAnswer {
    const now = this.#now()
    const data = now.get(path)
    const below = [...now.keys()].filter(file => file.startsWith(path + '/'))
    switch (name) {
      case 'files.readFile':
        if (data === undefined) return missing(path)
        return { ok: true, value: second === 'binary' ? Buffer.from(data) : Buffer.from(data).toString() }
      case 'files.writeFile':
        this.#writes.set(path, second as string | Uint8Array)
        return { ok: true, value: null }
      case 'files.unlink':
        if (data === undefined) return missing(path)
        this.#writes.set(path, null)
        return { ok: true, value: null }
      case 'files.stat':
        if (data !== undefined) return { ok: true, value: { type: 'file', size: Buffer.from(data).length } }
        return below.length > 0 ? { ok: true, value: { type: 'directory', size: 0 } } : missing(path)
      case 'files.readdir': {
        const names = below.map(file => file.slice(path.length + 1).split('/')[0])
        return { ok: true, value: [...new Set(names)].sort() }
      }
      case 'files.mkdir':
        return { ok: true, value: null }
      default:
        return { ok: false, message: `no ${name} here`, code: 'EINVAL' }
    }
  }

  // the files as the running call sees them
  #now(): Map<string, string | Uint8Array> {
    const now = new Map(this.files)
    for (const [path, data] of this.#writes) {
      if (data === null) now.delete(path)
      else now.set(path, data)
    }
    return now
  }

  #apply(path: string, data: string | Uint8Array | null) {
    if (data === null) this.files.delete(path)
    else this.files.set(path, data)
  }
}

export function toCall({ method, args = [], caller = ALICE }: TestCall, index: number): Call {
  return { method, args: encodeValue(args), caller, vm: 'v'.repeat(52), index }
}

/** A contract with one method `run`. */
export function contract(body: string): string {
  return `exports.run = async (...args) => {\n${body}\n}`
}

/** What asks System for something and spins then; `then` is called when it has its answer. */
export function spinner(executor: Executor, then: () => void): World {
  const world = new World(executor, contract(`await System.files.stat('/'); ${SPIN}`), { gas: MOST_GAS })
  world.system = () => {
    setImmediate(then)
    return Promise.resolve({ ok: true, value: null })
  }
  return world
}

/** Runs the body once as a method and returns how it ended. */
export async function once(executor: Executor, body: string, ...args: Value[]): Promise<Ended> {
  return new World(executor, contract(body)).call('run', ...args)
}

/** Whether a process is there and not merely waiting to be reaped. */
export function alive(pid: number, stat: (path: string) => string): boolean {
  try {
    const text = stat(`/proc/${pid}/stat`)
    return text.slice(text.lastIndexOf(')') + 2, text.lastIndexOf(')') + 3) !== 'Z'
  } catch {
    return false
  }
}

function missing(path: string): SystemAnswer {
  return { ok: false, message: `ENOENT: no such file or directory, open '${path}'`, code: 'ENOENT' }
}
