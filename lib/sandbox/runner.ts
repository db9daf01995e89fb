// The thread of the child process in which contracts run, and nothing else does. It talks to the parent with blocking
// reads and writes on purpose: between two steps of a contract nothing else can happen, and an answer costs no poll.

import { readSync, writeSync } from 'node:fs'
import { setImmediate as macrotask } from 'node:timers/promises'
import { ContractRealm, type Wrapper } from './context.js'
import { compile } from './contract.js'
import {
  decodeHostFrame,
  encodeChildFrame,
  HEADER,
  MAX_FRAME,
  readLength,
  type ChildFrame,
  type HostFrame
} from './frames.js'
import { invoke, type Host } from './invoke.js'
import { forbidThreads } from './threads.js'
import type { Failure } from './realm/thrown.js'
import type { Call, OracleShape } from './types.js'

// Contracts reject promises that nobody handles. Without a listener Node would look into the reason, and run getters.
process.on('unhandledRejection', () => {})
process.on('uncaughtException', die)

forbidThreads()

const realm = new ContractRealm()

const sources: { text: string; contract: Wrapper | Failure | null }[] = []

function die(reason?: unknown): never {
  // for the parent's error message, should this process not even have started
  if (reason instanceof Error) writeSync(2, `${reason.message}\n`)
  process.kill(process.pid, 'SIGKILL')
  throw new Error('still alive')
}

function send(frame: ChildFrame) {
  const bytes = encodeChildFrame(frame)
  for (let at = 0; at < bytes.byteLength;) at += retry(() => writeSync(1, bytes, at))
}

let buffered = Buffer.alloc(0)

function take(size: number): Uint8Array {
  if (buffered.byteLength < size) {
    const chunk = Buffer.allocUnsafe(Math.max(size, 64 * 1024))
    let end = buffered.copy(chunk)
    while (end < size) {
      const read = retry(() => readSync(0, chunk, end, chunk.byteLength - end, null))
      if (read === 0) die() // the parent is gone
      end += read
    }
    buffered = chunk.subarray(0, end)
  }
  const bytes = buffered.subarray(0, size)
  buffered = buffered.subarray(size)
  return bytes
}

// the pipes are blocking as Node makes them; should one not be, wait for it in small steps
function retry(action: () => number): number {
  for (;;) {
    try {
      return action()
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null
      if (code === 'EOF') return 0
      if (code !== 'EAGAIN') die(error)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}

function receive(): HostFrame {
  const size = readLength(take(HEADER))
  if (size > MAX_FRAME) die()
  return decodeHostFrame(take(size))
}

const host: Host = {
  send,
  answer() {
    const frame = receive()
    return frame.type === 'answer' ? frame.answer : die()
  }
}

async function runBatch(slot: number, gas: number, oracles: OracleShape[], calls: Call[]) {
  for (const [position, call] of calls.entries()) {
    const source = sources[slot]
    const contract = (source.contract ??= compile(source.text, realm))
    const result =
      typeof contract === 'object'
        ? { outcome: contract, gas: 0 }
        : invoke(realm, contract, { ...call, oracles }, gas, position, host)
    if (result === null) return send({ type: 'abort', position })
    send({ type: 'end', position, ...result })
    await macrotask() // Node looks after the promises that were rejected
  }
}

async function handle(frame: HostFrame) {
  switch (frame.type) {
    case 'source':
      sources[frame.slot] = { text: frame.source, contract: null }
      return
    case 'run':
      return runBatch(frame.slot, frame.gas, frame.oracles, frame.calls)
    case 'inspect': {
      const { inspect } = await import('./inspect.js') // a third of the start, and seldom needed
      const inspection = inspect(frame.source, frame.gas, frame.oracles, realm)
      return send({ type: 'inspected', inspection })
    }
    case 'answer':
      die() // nothing was asked
  }
}

send({ type: 'ready' })
for (;;) await handle(receive())
