// Runs one call from its arguments to its outcome. Runs in the child.

import { setImmediate as macrotask } from 'node:timers/promises'
import { decodeValue, encodeValue, MAX_VALUE_BYTES, type Value } from '../ledger/values.js'
import { methodOf, Overflow, type Contract } from './contract.js'
import { makeConsole } from './console.js'
import type { ChildFrame, Level } from './frames.js'
import { Session } from './system.js'
import { describe, failure, isOverflow } from './thrown.js'
import type { Call, Outcome, SystemAnswer } from './types.js'

const MAX_ARGUMENTS = 1024

/** The way to the host. */
export interface Host {
  send(frame: ChildFrame): void
  /** Waits for the host's answer and blocks the thread meanwhile: nothing else may happen in the contract. */
  answer(): SystemAnswer
}

/**
 * Runs a call, and sends all that it asks of the host before this resolves. All its microtasks have drained by then.
 * @throws Overflow if it ended in a full stack, which is no outcome
 */
export async function invoke(contract: Contract, call: Call, position: number, host: Host): Promise<Outcome> {
  const session = new Session(call)
  const console = makeConsole((level: Level, text: string) => {
    host.send({ type: 'console', position, level, text })
  })
  let outcome: Outcome | null = null
  let overflow = false
  const settle = (end: () => Outcome) => {
    if (outcome) return
    session.close() // before the result is looked at, so that nothing can be asked for any more
    outcome = end()
  }
  run(contract, call, session, console).then(
    result => settle(() => encodeResult(result)),
    (error: unknown) => {
      overflow = isOverflow(error)
      settle(() => describe(error))
    }
  )
  for (;;) {
    await macrotask()
    if (overflow) throw new Overflow()
    if (outcome !== null) break
    const asked = session.next()
    if (!asked) {
      settle(neverSettles)
      continue
    }
    host.send({ type: 'system', position, name: asked.name, args: asked.args, wait: true })
    asked.answer(host.answer())
  }
  // asked for while the call ran, so it is done; there is nobody left to hear the answer
  for (let asked = session.next(); asked; asked = session.next()) {
    host.send({ type: 'system', position, name: asked.name, args: asked.args, wait: false })
  }
  return outcome
}

async function run(contract: Contract, call: Call, session: Session, console: object): Promise<unknown> {
  const args = decodeValue(call.args)
  const exports = contract.instantiate({ System: session.system, console })
  session.open()
  const method = methodOf(exports, call.method)
  if (!method) throw sandboxError(`the contract has no method ${call.method}`, 'NO_SUCH_METHOD')
  if (!isList(args)) throw sandboxError('the arguments are not a list', 'INVALID_VALUE')
  if (args.length > MAX_ARGUMENTS) throw sandboxError(`more than ${MAX_ARGUMENTS} arguments`, 'LIMIT')
  return await method(...args)
}

function isList(args: Value): args is Value[] {
  return Array.isArray(args)
}

function sandboxError(message: string, code: string): Error {
  return Object.assign(new Error(message), { code })
}

function encodeResult(result: unknown): Outcome {
  let value
  try {
    value = encodeValue(result)
  } catch (error) {
    const reason = describe(error).error.message
    // values.ts estimates sizes before it encodes, and says so in these words
    if (reason.includes('takes more than')) return tooLarge()
    return failure('TypeError', `the result cannot be carried: ${reason}`, 'INVALID_VALUE')
  }
  return value.byteLength > MAX_VALUE_BYTES ? tooLarge() : { ok: true, value }
}

function tooLarge() {
  return failure('Error', `the result takes more than ${MAX_VALUE_BYTES} bytes`, 'LIMIT')
}

function neverSettles() {
  return failure(
    'Error',
    'the call never settles: it waits for something that cannot happen',
    'NEVER_SETTLES'
  )
}
