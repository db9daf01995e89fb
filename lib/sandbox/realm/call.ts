// One call inside the contract's realm, from its arguments to its outcome. It is driven from outside: begun, then taken
// from System call to System call, each time after the microtasks have drained.

import { Size, toValue, type Value } from '../../ledger/normal.js'
import type { Level } from '../levels.js'
import type { OracleShape, SystemAnswer } from '../types.js'
import { adopt, priceOf, priceOfSize } from './adopt.js'
import { makeConsole } from './console.js'
import { instantiate, methodOf, type Wrapper } from './contract.js'
import { lineOf } from './line.js'
import { charge, end, faulted, free, limit, notice, type Fault } from './meter.js'
import { Session, type Asked } from './system.js'
import { describe, failure, type Failure } from './thrown.js'

const MAX_ARGUMENTS = 1024

/** A call as it comes from outside. */
export interface Begin {
  method: string
  /** a Value of another realm */
  args: Value
  caller: string
  vm: string
  index: number
  gas: number
  /** of another realm */
  oracles: OracleShape[]
}

/** How a call has ended. No outcome: the stack of the machine was full, which differs between machines. */
export interface CallEnd {
  outcome: { ok: true; value: Value } | Failure | null
  gas: number
  /** the line of the contract where the error was made, if it is known */
  line: number | null
}

export interface Line {
  level: Level
  text: string
}

export class RunningCall {
  readonly #session: Session
  readonly #gas: number
  #lines: Line[] = []
  #asked: Asked | null = null
  #ended: CallEnd | null = null

  /** Runs until the contract awaits something; the microtasks must be drained after that. */
  constructor(wrapper: Wrapper, call: Begin, makeHooks: (gas: number) => object) {
    this.#session = new Session(call, call.oracles)
    this.#gas = call.gas
    void this.#run(wrapper, call, makeHooks)
  }

  /** @returns how the call has ended, or null if it waits for something */
  ended(): CallEnd | null {
    const fault = faulted()
    if (this.#ended === null && fault !== null)
      this.#end(
        free(() => outcomeOf(fault)),
        null
      )
    return this.#ended
  }

  /** @returns the System call whose turn it is, or null if there is none */
  next(): { name: string; args: Value[] } | null {
    this.#asked = free(() => this.#session.next()) ?? null
    return this.#asked
  }

  /** Answers the System call that `next` returned. @param value of another realm */
  answer(value: Value): void {
    this.#take(value, () => ({ ok: true, value: adopt(value) }))
  }

  /** Answers it with an error. */
  refuse(message: string, code: string): void {
    if (code === 'LIMIT') this.#limit(message)
    else this.#take(message, () => ({ ok: false, message, code }))
  }

  /** Ends a call that waits for something that cannot happen. */
  giveUp(): void {
    const message = 'the call never settles: it waits for something that cannot happen'
    this.#end(
      free(() => failure('Error', message, 'NEVER_SETTLES')),
      null
    )
  }

  /** @returns what the contract wrote to its console since this was last asked */
  lines(): Line[] {
    const lines = this.#lines
    this.#lines = []
    return lines
  }

  #take(taken: Value, answer: () => SystemAnswer): void {
    try {
      charge(free(() => priceOf(taken)))
    } catch {
      return // stopped: `ended` tells
    }
    free(() => this.#asked?.answer(answer()))
  }

  #limit(message: string): void {
    try {
      limit(message)
    } catch {
      return
    }
  }

  async #run(wrapper: Wrapper, call: Begin, makeHooks: (gas: number) => object): Promise<void> {
    try {
      const console = makeConsole((level, text) => void this.#lines.push({ level, text }))
      const exports = instantiate(wrapper, this.#session.system, console, makeHooks(call.gas))
      this.#session.open()
      charge(free(() => priceOf(call.args)))
      const { method, args } = free(() => ({
        method: methodFor(exports, call.method),
        args: argumentsOf(call.args)
      }))
      const value = await method(...args)
      this.#session.close() // before the result is looked at, so that nothing can be asked for any more
      this.#end(resultOf(value), null)
    } catch (error) {
      this.#session.close()
      notice(error)
      // a fault is found by whoever asks how the call ended
      if (faulted() === null)
        this.#end(
          free(() => describe(error)),
          free(() => lineOf(error))
        )
    }
  }

  #end(outcome: CallEnd['outcome'], line: number | null): void {
    if (this.#ended !== null) return
    this.#session.close()
    const { left } = end()
    this.#ended = { outcome, gas: this.#gas - left, line }
  }
}

function methodFor(exports: unknown, name: string): (...args: unknown[]) => unknown {
  const method = methodOf(exports, name)
  if (!method) throw sandboxError(`the contract has no method ${name}`, 'NO_SUCH_METHOD')
  return method
}

function argumentsOf(args: Value): unknown[] {
  const list = adopt(args)
  if (!Array.isArray(list)) throw sandboxError('the arguments are not a list', 'INVALID_VALUE')
  if (list.length > MAX_ARGUMENTS) limit(`more than ${MAX_ARGUMENTS} arguments`)
  return list
}

function resultOf(result: unknown): CallEnd['outcome'] {
  const size = new Size()
  try {
    return { ok: true, value: free(() => toValue(result, size)) }
  } catch (error) {
    return describeRefusal(describe(error).error.message)
  } finally {
    charge(priceOfSize(size))
  }
}

function describeRefusal(reason: string): Failure {
  // normal.ts estimates sizes before anything is encoded, and says so in these words
  if (reason.includes('takes more than')) limit(`the result cannot be carried: ${reason}`)
  return failure('TypeError', `the result cannot be carried: ${reason}`, 'INVALID_VALUE')
}

function outcomeOf({ code, message }: Fault): CallEnd['outcome'] {
  return code === 'OVERFLOW' ? null : failure('LimitError', message, code)
}

function sandboxError(message: string, code: string): Error {
  return Object.assign(new Error(message), { code })
}
