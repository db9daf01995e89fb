// A child that is not what it should be: started in the place of the real one by tests that are named here.

import { readSync, writeSync } from 'node:fs'
import { decodeHostFrame, encodeChildFrame, FrameReader, type HostFrame } from '../../lib/sandbox/frames.js'
import { encodeValue } from '../../lib/ledger/values.js'

const write = (bytes: Uint8Array) => {
  for (let at = 0; at < bytes.byteLength;) at += writeSync(1, bytes, at)
}
const end = (position: number, gas: number) => {
  write(encodeChildFrame({ type: 'end', position, outcome: { ok: true, value: encodeValue(null) }, gas }))
}

/** Says of each call that it has asked for this, has not waited for the answer, and has ended. */
function claiming(name: string) {
  write(encodeChildFrame({ type: 'ready' }))
  for (;;) {
    const frame = receive()
    if (frame.type !== 'run') continue
    for (const position of frame.calls.keys()) {
      write(encodeChildFrame({ type: 'system', position, name, args: ['/a'], answer: 'assumed' }))
      end(position, 0)
    }
  }
}

const reader = new FrameReader()
const queue: HostFrame[] = []
function receive(): HostFrame {
  const chunk = Buffer.alloc(65536)
  while (queue.length === 0) {
    const size = readSync(0, chunk)
    if (size === 0) process.exit()
    queue.push(...reader.push(Buffer.from(chunk.subarray(0, size))).map(decodeHostFrame))
  }
  return queue.shift()!
}

function wait(ms: number) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

const modes: { [mode: string]: () => void } = {
  /** Is no child at all. */
  garbage: () => write(Buffer.from('hello? is anybody there?')),
  /** Announces more than a frame may have. */
  endless: () => {
    write(encodeChildFrame({ type: 'ready' }))
    receive()
    write(new Uint8Array(new Uint32Array([2 ** 30]).buffer))
    for (;;) write(new Uint8Array(65536))
  },
  /** Never stops talking. */
  flood: () => {
    write(encodeChildFrame({ type: 'ready' }))
    for (;;)
      write(
        encodeChildFrame({ type: 'console', position: 0, level: 'log', line: null, text: 'x'.repeat(1000) })
      )
  },
  /** Ends before it begins, and says why. */
  broken: () => {
    process.stderr.write('something is missing\n', () => process.exit(1))
  },
  /** Ends calls in the order of its own. */
  shuffled: () => {
    write(encodeChildFrame({ type: 'ready' }))
    for (;;) if (receive().type === 'run') end(1, 0)
  },
  /** Has an outcome for its first call, and for no other. */
  aborts: () => {
    write(encodeChildFrame({ type: 'ready' }))
    for (let calls = 0; ;) {
      const frame = receive()
      if (frame.type !== 'run') continue
      for (const position of frame.calls.keys()) {
        if (calls++ === 0) end(position, 0)
        else write(encodeChildFrame({ type: 'abort', position }))
      }
    }
  },
  /** Does not wait for what it reads. */
  hasty: () => claiming('files.readFile'),
  /** Knows what an oracle will say. */
  prophet: () => claiming('oracles.clock.now'),
  /** Assumes even where it was told not to. */
  defiant: () => claiming('files.writeFile'),
  /** Has no outcome, and goes on nevertheless. */
  haunting: () => {
    write(encodeChildFrame({ type: 'ready' }))
    for (;;) {
      if (receive().type !== 'run') continue
      write(encodeChildFrame({ type: 'abort', position: 0 }))
      end(0, 0)
    }
  },
  /** Takes its time for each call, and says how much gas it was given. */
  slow: () => {
    write(encodeChildFrame({ type: 'ready' }))
    for (;;) {
      const frame = receive()
      if (frame.type !== 'run') continue
      for (const position of frame.calls.keys()) {
        wait(800)
        end(position, frame.gas)
      }
    }
  }
}

modes[process.argv[2]]()
