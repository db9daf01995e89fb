// The thread of the child process in which contracts run, and nothing else does. It talks to the parent with blocking
// reads and writes on purpose: between two steps of a contract nothing else can happen, and an answer costs no poll.

import { readSync, writeSync } from 'node:fs'
import { setImmediate as macrotask } from 'node:timers/promises'
import { ContractRealm, type Wrapper } from './context.js'
import { compile } from './contract.js'
import {
  decodeHostFrame,
  FrameWriter,
  HEADER,
  MAX_FRAME,
  readLength,
  type ChildFrame,
  type HostFrame
} from './frames.js'
import { invoke, type Host } from './invoke.js'
import { forbidThreads } from './threads.js'
import type { Failure } from './realm/thrown.js'

// Contracts reject promises that nobody handles. Without a listener Node would look into the reason, and run getters.
process.on('unhandledRejection', () => {})
process.on('uncaughtException', die)

forbidThreads()

/** Bytes of frames, and ms, after which they are written. */
const FLUSH_BYTES = 16 * 1024
const FLUSH_MS = 5

/** After so many ms of work Node looks after the promises that were rejected: one call may reject as many. */
const REST_MS = 5

const realm = new ContractRealm()

const sources: { text: string; contract: Wrapper | Failure | null }[] = []

function die(reason?: unknown): never {
  // for the parent's error message, should this process not even have started
  if (reason instanceof Error) writeSync(2, `${reason.message}\n`)
  process.kill(process.pid, 'SIGKILL')
  throw new Error('still alive')
}

const output = new FrameWriter()
let since = 0 // when the first of the frames that are gathered came

// Frames are gathered, and written when there are enough, or when it is long that the first of them waits; looked at with
// each frame. So what a call says late is what it says before it computes for long.
function send(frame: ChildFrame) {
  if (output.size === 0) since = performance.now()
  output.push(frame)
  if (output.size >= FLUSH_BYTES || performance.now() - since >= FLUSH_MS) flush()
}

function flush() {
  const bytes = output.take()
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

// nothing that was said is kept back while this waits
function receive(): HostFrame {
  flush()
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

async function runBatch({ slot, gas, assume, oracles, calls }: Extract<HostFrame, { type: 'run' }>) {
  let rested = performance.now()
  for (const [position, call] of calls.entries()) {
    const source = sources[slot]
    const contract = (source.contract ??= compile(source.text, realm))
    const result =
      typeof contract === 'object'
        ? { outcome: contract, gas: 0 }
        : invoke(realm, contract, { ...call, oracles }, gas, position, assume, host)
    if (result === null) return send({ type: 'abort', position })
    send({ type: 'end', position, ...result })
    if (performance.now() - rested < REST_MS) continue
    await macrotask()
    rested = performance.now()
  }
  flush()
  await macrotask()
}

async function handle(frame: HostFrame) {
  switch (frame.type) {
    case 'source':
      sources[frame.slot] = { text: frame.source, contract: null }
      return
    case 'run':
      return runBatch(frame)
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
