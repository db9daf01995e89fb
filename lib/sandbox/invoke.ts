// Runs one call from its arguments to its outcome: what it asks of the host is sent on, one after the other. All of it is
// synchronous: while a contract runs, nothing else happens in this process.

import { decodeValue, encodeNormal, MAX_VALUE_BYTES } from '../ledger/values.js'
import type { ContractRealm, Wrapper } from './context.js'
import type { ChildFrame } from './frames.js'
import type { RunningCall } from './realm/index.js'
import { failure } from './realm/thrown.js'
import { ASSUMED, mayAssume } from './assumed.js'
import type { Call, CallResult, OracleShape, Outcome, SystemAnswer } from './types.js'

/** The way to the host. */
export interface Host {
  send(frame: ChildFrame): void
  /** Waits for the host's answer and blocks the thread meanwhile. */
  answer(): SystemAnswer
}

/**
 * Runs a call, and sends all that it asks of the host before this returns.
 * @param gas the most that it may use
 * @param assume whether it may be told that a write went well before the host has said so
 * @returns null if it ended in a full stack, which is no outcome
 */
export function invoke(
  realm: ContractRealm,
  contract: Wrapper,
  call: Call & { oracles: OracleShape[] },
  gas: number,
  position: number,
  assume: boolean,
  host: Host
): CallResult | null {
  const running = realm.begin(contract, { ...call, args: decodeValue(call.args), gas })
  let ended = running.ended()
  for (; ended === null; ended = running.ended()) {
    print(running, position, host)
    const asked = running.next()
    if (asked === null) {
      running.giveUp()
      continue
    }
    const { name, args } = asked
    if (assume && mayAssume(name)) {
      host.send({ type: 'system', position, name, args, answer: 'assumed' })
      realm.answer(running, ASSUMED)
    } else {
      host.send({ type: 'system', position, name, args, answer: 'awaited' })
      realm.answer(running, host.answer())
    }
  }
  print(running, position, host)
  const { outcome, line } = ended
  if (outcome === null) return null
  if (!outcome.ok) {
    const { name, message } = outcome.error
    host.send({ type: 'console', position, level: 'error', text: `${name}: ${message}`, line })
    return { outcome, gas: ended.gas }
  }
  // asked for while the call ran, so it is done; there is nobody left to hear the answer
  for (let asked = running.next(); asked !== null; asked = running.next()) {
    host.send({ type: 'system', position, name: asked.name, args: asked.args, answer: 'unheard' })
  }
  const value = encodeNormal(outcome.value)
  return { outcome: value.byteLength > MAX_VALUE_BYTES ? tooLarge() : { ok: true, value }, gas: ended.gas }
}

function print(running: RunningCall, position: number, host: Host): void {
  for (const { level, text } of running.lines()) {
    host.send({ type: 'console', position, level, text, line: null })
  }
}

function tooLarge(): Outcome {
  return failure('LimitError', `the result takes more than ${MAX_VALUE_BYTES} bytes`, 'LIMIT')
}
