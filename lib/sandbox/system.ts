// `System` as one call of a contract sees it, and the queue of what the contract has asked of the host. Built afresh
// for every call, frozen, and dead once the call has ended: a loop that dangles from call A cannot write in call B.
//
// What is asked is not sent at once. The runner takes one after the other from the queue, each after the microtasks
// have drained, so the order in which a contract sees its answers does not depend on how fast the host is.

import { MAX_VALUE_BYTES, toValue, type Value } from '../ledger/values.js'
import type { Call, SystemAnswer } from './types.js'

// what a contract may have asked for without an answer yet; beyond that it is told LIMIT
const MAX_PENDING = 1024
const MAX_PENDING_BYTES = 16 * 1024 * 1024

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

  /** @param call null while the contract is inspected */
  constructor(call: Call | null) {
    const { caller, vm, index } = call ?? NOBODY
    this.system = Object.freeze({
      caller: Object.freeze({ id: caller }),
      vm: Object.freeze({ key: vm, index }),
      files: this.#files(),
      oracles: Object.freeze({})
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
      stat: (path: unknown) => ask('stat', path).then(withTests),
      unlink: (path: unknown) => ask('unlink', path),
      mkdir: (path: unknown) => ask('mkdir', path),
      rmdir: (path: unknown, options?: unknown) => ask('rmdir', path, recursive(options))
    }
    for (const method of Object.values(files)) Object.freeze(method)
    return Object.freeze(files)
  }

  #ask(name: string, input: unknown[]): Promise<Value> {
    if (this.#state === 'loading') {
      this.touched = true
      throw systemError('System cannot be called while the contract loads', 'LOADING')
    }
    return new Promise((resolve, reject) => {
      const refuse = (message: string, code: string) => reject(systemError(message, code))
      if (this.#state === 'closed') return refuse('the call has ended', 'ENDED')
      let args
      try {
        args = input.map(arg => toValue(arg))
      } catch (error) {
        // toValue's own words, never the contract's: it runs nothing of the contract
        return refuse(`${name}: ${error instanceof TypeError ? error.message : 'not a value'}`, 'EINVAL')
      }
      const size = args.reduce<number>((sum, arg) => sum + sizeOf(arg), 0)
      if (this.queue.length >= MAX_PENDING || this.#bytes + size > MAX_PENDING_BYTES) {
        return refuse('too many System calls at once: await some of them', 'LIMIT')
      }
      this.#bytes += size
      const answer = (answer: SystemAnswer) => {
        if (answer.ok) resolve(answer.value)
        else refuse(answer.message, answer.code)
      }
      this.queue.push({ name, args, size, answer })
    })
  }
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
