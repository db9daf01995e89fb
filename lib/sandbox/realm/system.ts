// `System` as one call of a contract sees it, and the queue of what the contract has asked of the host. Built afresh
// for every call, frozen, and dead once the call has ended: a loop that dangles from call A cannot write in call B.
//
// What is asked is not sent at once. The runner takes one after the other from the queue, each after the microtasks
// have drained, so the order in which a contract sees its answers does not depend on how fast the host is.

import { MAX_VALUE_BYTES, Size, toValue, type Value } from '../../ledger/normal.js'
import type { Call, OracleShape, SystemAnswer } from '../types.js'
import { priceOfSize } from './adopt.js'
import { charge, free, limit } from './meter.js'

// the native one, taken before it is metered
const { defineProperty, freeze } = Object

// what a contract may have asked for without an answer yet
const MAX_PENDING = 1024
const MAX_PENDING_BYTES = 16 * 1024 * 1024

/** Gas for a System call, whatever it does: it goes to the host and back. */
const SYSTEM_GAS = 1000

/** A System call that waits for its turn. */
export interface Asked {
  name: string
  args: Value[]
  size: number
  answer(answer: SystemAnswer): void
}

// while a contract is inspected there is no caller yet, and all that can be said is how a key looks
const NOBODY: Pick<Call, 'caller' | 'vm' | 'index'> = { caller: 'y'.repeat(52), vm: 'y'.repeat(52), index: 0 }

export class Session {
  /** What the contract gets. */
  readonly system: object
  /** Asked and not answered, in order. */
  readonly queue: Asked[] = []
  /** Whether System was called while the contract loads. */
  touched = false
  #state: 'loading' | 'open' | 'closed' = 'loading'
  #bytes = 0

  /**
   * @param call null while the contract is inspected
   * @param oracles of another realm
   */
  constructor(call: Pick<Call, 'caller' | 'vm' | 'index'> | null, oracles: OracleShape[]) {
    const { caller, vm, index } = call ?? NOBODY
    this.system = freeze({
      caller: freeze({ id: caller }),
      vm: freeze({ key: vm, index }),
      files: this.#files(),
      oracles: this.#oracles(oracles)
    })
  }

  /** From now on System can be called. */
  open() {
    this.#state = 'open'
  }

  /** From now on System refuses; what was asked before stays in the queue. */
  close() {
    this.#state = 'closed'
  }

  /** @returns the call whose turn it is, which leaves the queue */
  next(): Asked | undefined {
    const asked = this.queue.shift()
    if (asked) this.#bytes -= asked.size
    return asked
  }

  #files(): object {
    const ask = (name: string, ...args: unknown[]) => this.#ask(`files.${name}`, args)
    const files = {
      readFile: (path: unknown, encoding: unknown = 'utf8') => ask('readFile', path, encoding),
      writeFile: (path: unknown, data: unknown) => ask('writeFile', path, data),
      readdir: (path: unknown, options?: unknown) => ask('readdir', path, recursive(options)),
      stat: (path: unknown) => ask('stat', path),
      unlink: (path: unknown) => ask('unlink', path),
      mkdir: (path: unknown) => ask('mkdir', path),
      rmdir: (path: unknown, options?: unknown) => ask('rmdir', path, recursive(options))
    }
    for (const name in files) freeze(files[name as keyof typeof files])
    return freeze(files)
  }

  // any number of inputs, of which each is a value
  #oracles(shapes: OracleShape[]): object {
    const oracles = {}
    for (const { name, methods } of shapes) {
      const oracle = {}
      for (const method of methods) {
        const call = (...inputs: unknown[]) => this.#ask(`oracles.${name}.${method}`, inputs)
        define(oracle, method, freeze(call))
      }
      define(oracles, name, freeze(oracle))
    }
    return freeze(oracles)
  }

  #ask(name: string, input: unknown[]): Promise<Value> {
    if (this.#state === 'loading') {
      this.touched = true
      throw systemError('System cannot be called while the contract loads', 'LOADING')
    }
    charge(SYSTEM_GAS)
    const size = new Size()
    const promise = free(() => this.#enqueue(name, input, size))
    charge(priceOfSize(size))
    return promise
  }

  #enqueue(name: string, input: unknown[], total: Size): Promise<Value> {
    const refused = (message: string, code: string) => Promise.reject(systemError(message, code))
    if (this.#state === 'closed') return refused('the call has ended', 'ENDED')
    const args: Value[] = []
    let size = 0
    try {
      for (let i = 0; i < input.length; i++) {
        const arg = valueOf(input[i], total)
        size += sizeOf(arg)
        args.push(arg)
      }
    } catch (error) {
      // toValue's own words, never the contract's: it runs nothing of the contract
      const reason = error instanceof TypeError ? error.message : 'not a value'
      // normal.ts says so in these words
      return refused(`${name}: ${reason}`, reason.includes('takes more than') ? 'EFBIG' : 'EINVAL')
    }
    if (this.queue.length >= MAX_PENDING || this.#bytes + size > MAX_PENDING_BYTES) {
      limit('too many System calls at once: await some of them')
    }
    this.#bytes += size
    return new Promise<Value>((resolve, reject) => {
      const answer = (answer: SystemAnswer) => {
        if (!answer.ok) reject(systemError(answer.message, answer.code))
        else resolve(name === 'files.stat' ? withTests(answer.value) : answer.value)
      }
      this.queue.push({ name, args, size, answer })
    })
  }
}

// whatever its name: nothing that is inherited is in the way
function define(target: object, name: string, value: object): void {
  defineProperty(target, name, { value, enumerable: true })
}

// an Error like those of Node: the code is its own property
function systemError(message: string, code: string): Error {
  return Object.defineProperty(new Error(message), 'code', {
    value: code,
    writable: true,
    enumerable: true,
    configurable: true
  })
}

// each may be as large as a value can be; what was looked at is added up
function valueOf(arg: unknown, total: Size): Value {
  const size = new Size()
  try {
    return toValue(arg, size)
  } finally {
    total.bytes += size.bytes
    total.items += size.items
  }
}

// what can be long is long text or bytes; the rest is small
function sizeOf(arg: Value): number {
  if (typeof arg === 'string') return arg.length * 2
  if (arg instanceof Uint8Array) return arg.byteLength
  return arg === null || typeof arg !== 'object' ? 8 : MAX_VALUE_BYTES
}

function recursive(options: unknown): { recursive: boolean } {
  if (typeof options !== 'object' || options === null) return { recursive: false }
  return { recursive: Object.getOwnPropertyDescriptor(options, 'recursive')?.value === true }
}

// not enumerable, so that a contract can return what stat gave it
function withTests(stat: Value): Value {
  if (typeof stat !== 'object' || stat === null) return stat
  const type: unknown = Object.getOwnPropertyDescriptor(stat, 'type')?.value
  return Object.defineProperties(stat, {
    isFile: { value: () => type === 'file' },
    isDirectory: { value: () => type === 'directory' }
  })
}
