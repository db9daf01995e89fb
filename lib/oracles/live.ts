// The oracles of a VM at its host, where they are really asked.

import c from 'compact-encoding'
import { codeOf, messageOf, VMSError } from '../errors.js'
import { outcome, type Outcome } from '../ledger/record.js'
import { decodeValue, encodeValue, type Value } from '../ledger/values.js'
import type { CheckedRequest } from '../ledger/request.js'
import type { Asked, OpenOracles } from '../machine/oracles.js'
import { OracleError, type Oracle } from './oracle.js'

/** How long an oracle has for an answer, ms. */
export const DEADLINE_MS = 10_000

/** Characters of an error's message and of its code. */
const MAX_MESSAGE = 1000
const MAX_CODE = 64

export class LiveOracles implements OpenOracles {
  /** what each call has been answered: asked again, it gets the same */
  private readonly answers = new WeakMap<CheckedRequest, Promise<Outcome>[]>()
  private readonly closing = new AbortController()

  constructor(
    private readonly oracles: Oracle[],
    private readonly deadline = DEADLINE_MS
  ) {}

  answer(request: CheckedRequest, nth: number, asked: Asked, room: number): Promise<Outcome> {
    const answers = this.answers.get(request) ?? []
    this.answers.set(request, answers)
    return (answers[nth] ??= this.ask(asked, room))
  }

  /** What has not answered yet is not waited for: who asked is told CLOSED, which is no outcome of a call. */
  async close(): Promise<void> {
    this.closing.abort()
    await Promise.all(this.oracles.map(oracle => oracle.close()))
  }

  private async ask({ name, method, inputs }: Asked, room: number): Promise<Outcome> {
    try {
      const value = encodeValue(await this.call(name, method, decodeValue(inputs) as Value[]))
      const answer: Outcome = { ok: true, value }
      if (c.encode(outcome, answer).byteLength <= room) return answer
      throw new OracleError('ANSWER_TOO_LARGE', `the answer of ${name}.${method} has more than ${room} bytes`)
    } catch (error) {
      if (this.closing.signal.aborted) throw new VMSError('CLOSED', 'the oracles were closed')
      return failure(error)
    }
  }

  private call(name: string, method: string, inputs: Value[]): Promise<Value> {
    const oracle = this.oracles.find(({ spec }) => spec.name === name)
    if (!oracle) throw new OracleError('ORACLE_FAILED', `this host has no oracle ${name}`)
    const { deadline } = this
    const closing = this.closing.signal
    const stop = new AbortController()
    return new Promise((resolve, reject) => {
      const onclosing = () => {
        reject(new Error('closed'))
        stop.abort()
      }
      if (closing.aborted) return onclosing()
      closing.addEventListener('abort', onclosing)
      const timer = setTimeout(() => {
        reject(
          new OracleError('ORACLE_TIMEOUT', `${name}.${method} gave no answer within ${deadline / 1000} s`)
        )
        stop.abort()
      }, deadline)
      oracle
        .call(method, inputs, stop.signal)
        .then(resolve, reject)
        .finally(() => {
          clearTimeout(timer)
          closing.removeEventListener('abort', onclosing)
        })
    })
  }
}

function failure(error: unknown): Outcome {
  const code = codeOf(error)
  return {
    ok: false,
    error: {
      name: 'Error',
      message: plain(messageOf(error)).slice(0, MAX_MESSAGE),
      // a LIMIT would end the call: that is for the sandbox to say
      code: code === undefined || code === 'LIMIT' ? 'ORACLE_FAILED' : plain(code).slice(0, MAX_CODE)
    }
  }
}

// what survives being written as UTF-8; cut after that, between characters of the BMP at least
function plain(text: string): string {
  return Buffer.from(text.slice(0, MAX_MESSAGE))
    .toString()
    .replace(/[\ud800-\udfff]/g, '\ufffd')
}
