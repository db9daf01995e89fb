// What the executor and its child process say to each other: binary frames over two pipes. Both sides use this
// module. A frame is its length (uint32, little endian, without itself), its type (one byte) and its body.
//
// The child runs hostile code, so the host reads its frames as it would a stranger's: sizes are bounded before
// anything is allocated, and whatever does not decode completely is an error.

import c, { type Encoder, type State } from 'compact-encoding'
import { decodeValue, value, type Value } from '../ledger/values.js'
import { LEVELS, type Level } from './levels.js'
import type { Call, Inspection, OracleShape, Outcome, SystemAnswer } from './types.js'

/** The most bytes that a frame may have. */
export const MAX_FRAME = 64 * 1024 * 1024

/** The most bytes that a frame of the child may have: a System call with two values, or a result. */
export const MAX_CHILD_FRAME = 8 * 1024 * 1024

/** The most bytes of UTF-8 that a contract's source may have. */
export const MAX_SOURCE = 512 * 1024

/** Bytes of a frame's length. */
export const HEADER = 4

/**
 * What the host says. A source is sent once, and named by its slot from then on; `assume` allows the child to answer some
 * of the System calls itself (see assumed.ts).
 */
export type HostFrame =
  | { type: 'source'; slot: number; source: string }
  | { type: 'run'; slot: number; gas: number; assume: boolean; oracles: OracleShape[]; calls: Call[] }
  | { type: 'inspect'; gas: number; oracles: OracleShape[]; source: string }
  | { type: 'answer'; answer: SystemAnswer }

/**
 * Who hears the answer to a System call: the contract, which waits for it; nobody, as the contract was told that all went
 * well and has gone on; nobody, as the call has ended.
 */
export type Hearing = (typeof HEARINGS)[number]
const HEARINGS = ['awaited', 'assumed', 'unheard'] as const

/** What the child says. `abort` is a call that cannot end in a way that would be the same everywhere. */
export type ChildFrame =
  | { type: 'ready' }
  | { type: 'system'; position: number; name: string; args: Value[]; answer: Hearing }
  | { type: 'end'; position: number; outcome: Outcome; gas: number }
  | { type: 'abort'; position: number }
  | { type: 'console'; position: number; level: Level; text: string; line: number | null }
  | { type: 'inspected'; inspection: Inspection }

type Body<F, T extends string> = F extends { type: T } ? Omit<F, 'type'> : never

// an encoding from the parts of an object, in the order given
function struct<T extends object>(parts: { [K in keyof T]-?: Encoder<T[K]> }): Encoder<T> {
  const names = Object.keys(parts) as (keyof T)[]
  return {
    preencode(state, message) {
      for (const name of names) parts[name].preencode(state, message[name])
    },
    encode(state, message) {
      for (const name of names) parts[name].encode(state, message[name])
    },
    decode(state) {
      const message: Partial<T> = {}
      for (const name of names) message[name] = parts[name].decode(state)
      return message as T
    }
  }
}

function nullable<T>(encoding: Encoder<T>): Encoder<T | null> {
  return {
    preencode(state, input) {
      c.bool.preencode(state, input !== null)
      if (input !== null) encoding.preencode(state, input)
    },
    encode(state, input) {
      c.bool.encode(state, input !== null)
      if (input !== null) encoding.encode(state, input)
    },
    decode(state) {
      return c.bool.decode(state) ? encoding.decode(state) : null
    }
  }
}

// either of two shapes that `ok` tells apart
function result<Good extends { ok: true }, Bad extends { ok: false }>(
  good: Encoder<Omit<Good, 'ok'>>,
  bad: Encoder<Omit<Bad, 'ok'>>
): Encoder<Good | Bad> {
  return {
    preencode(state, input) {
      c.bool.preencode(state, input.ok)
      if (input.ok) good.preencode(state, input)
      else bad.preencode(state, input)
    },
    encode(state, input) {
      c.bool.encode(state, input.ok)
      if (input.ok) good.encode(state, input)
      else bad.encode(state, input)
    },
    decode(state) {
      if (c.bool.decode(state)) return { ok: true, ...good.decode(state) } as Good
      return { ok: false, ...bad.decode(state) } as Bad
    }
  }
}

const call = struct<Call>({
  method: c.string,
  args: c.uint8array,
  caller: c.string,
  vm: c.string,
  index: c.uint
})

const oracle = struct<OracleShape>({ name: c.string, methods: c.array(c.string) })

// a value that the child has encoded: it must be one, in its only encoding
const encoded: Encoder<Uint8Array> = {
  preencode: (state, bytes) => c.uint8array.preencode(state, bytes),
  encode: (state, bytes) => c.uint8array.encode(state, bytes),
  decode(state) {
    const bytes = new Uint8Array(c.uint8array.decode(state))
    decodeValue(bytes)
    return bytes
  }
}

const list: Encoder<Value[]> = {
  preencode: (state, items) => value.preencode(state, items),
  encode: (state, items) => value.encode(state, items),
  decode(state) {
    const items = value.decode(state)
    if (!Array.isArray(items)) throw new Error('not a list')
    return items
  }
}

const outcome = result<Extract<Outcome, { ok: true }>, Extract<Outcome, { ok: false }>>(
  struct({ value: encoded }),
  struct({ error: struct({ name: c.string, message: c.string, code: nullable(c.string) }) })
)

const answer = result<Extract<SystemAnswer, { ok: true }>, Extract<SystemAnswer, { ok: false }>>(
  struct({ value }),
  struct({ message: c.string, code: c.string })
)

// one of a few words
function word<T extends string>(words: readonly T[]): Encoder<T> {
  return {
    preencode: state => c.uint8.preencode(state, 0),
    encode: (state, input) => c.uint8.encode(state, words.indexOf(input)),
    decode(state) {
      const known = words[c.uint8.decode(state)] as T | undefined
      if (known === undefined) throw new Error('unknown word')
      return known
    }
  }
}

const place = nullable(c.uint)
const problem = struct<Inspection['problems'][number]>({ message: c.string, line: place, column: place })

const inspection = struct<Inspection>({
  methods: c.array(c.string),
  signatures: c.array(c.string),
  problems: c.array(problem),
  warnings: c.array(problem),
  load: c.uint
})

const hostBodies: { [T in HostFrame['type']]: Encoder<Body<HostFrame, T>> } = {
  source: struct({ slot: c.uint, source: c.string }),
  run: struct({ slot: c.uint, gas: c.uint, assume: c.bool, oracles: c.array(oracle), calls: c.array(call) }),
  inspect: struct({ gas: c.uint, oracles: c.array(oracle), source: c.string }),
  answer: struct({ answer })
}

const childBodies: { [T in ChildFrame['type']]: Encoder<Body<ChildFrame, T>> } = {
  ready: struct({}),
  system: struct({ position: c.uint, name: c.string, args: list, answer: word(HEARINGS) }),
  end: struct({ position: c.uint, outcome, gas: c.uint }),
  abort: struct({ position: c.uint }),
  console: struct({ position: c.uint, level: word(LEVELS), text: c.string, line: place }),
  inspected: struct({ inspection })
}

/** A frame that would have more bytes than a frame may. */
export class FrameTooLarge extends Error {}

// the frames of one side, each with the encoding of its body; their order gives the types
class Language<Frame extends { type: string }> {
  readonly #types: Frame['type'][]
  readonly #bodies: Encoder<object>[]

  constructor(bodies: { [T in Frame['type']]: Encoder<Body<Frame, T>> }) {
    this.#types = Object.keys(bodies)
    this.#bodies = Object.values(bodies)
  }

  /** Adds a frame to what the state has, in a buffer that `room` finds for it. */
  write(state: State, frame: Frame, room: (state: State) => void): void {
    const type = this.#types.indexOf(frame.type)
    const start = state.end
    state.end += HEADER + 1
    this.#bodies[type].preencode(state, frame)
    const length = state.end - start - HEADER
    if (length > MAX_FRAME) {
      state.end = start
      throw new FrameTooLarge(`a frame of ${length} bytes is too large for the sandbox`)
    }
    room(state)
    c.uint32.encode(state, length)
    c.uint8.encode(state, type)
    this.#bodies[type].encode(state, frame)
  }

  encode(frame: Frame): Uint8Array {
    const state: State = { start: 0, end: 0, buffer: null }
    this.write(state, frame, state => (state.buffer = new Uint8Array(state.end)))
    return state.buffer!
  }

  decode(bytes: Uint8Array): Frame {
    const state: State = { start: 0, end: bytes.byteLength, buffer: bytes }
    const type = c.uint8.decode(state)
    if (type >= this.#types.length) throw new Error('unknown frame')
    const frame = this.#bodies[type].decode(state) as Frame
    if (state.start !== state.end) throw new Error('a frame has bytes left over')
    frame.type = this.#types[type]
    return frame
  }
}

const ofHost = new Language<HostFrame>(hostBodies)
const ofChild = new Language<ChildFrame>(childBodies)

/** @returns a frame's bytes, its length in front */
export const encodeHostFrame = (frame: HostFrame) => ofHost.encode(frame)
/** @returns a frame's bytes, its length in front */
export const encodeChildFrame = (frame: ChildFrame) => ofChild.encode(frame)
/** @throws Error if the bytes (without the length) are no frame of the host */
export const decodeHostFrame = (bytes: Uint8Array) => ofHost.decode(bytes)
/** @throws Error if the bytes (without the length) are no frame of the child */
export const decodeChildFrame = (bytes: Uint8Array) => ofChild.decode(bytes)

/** Gathers frames of the child, one behind the other. */
export class FrameWriter {
  readonly #state: State = { start: 0, end: 0, buffer: new Uint8Array(GATHERED) }

  /** How many bytes there are. */
  get size(): number {
    return this.#state.end
  }

  push(frame: ChildFrame): void {
    ofChild.write(this.#state, frame, enlarge)
  }

  /** @returns all bytes, which are good until the next frame comes */
  take(): Uint8Array {
    const state = this.#state
    const bytes = state.buffer!.subarray(0, state.end)
    state.start = state.end = 0
    if (bytes.byteLength > GATHERED) state.buffer = new Uint8Array(GATHERED)
    return bytes
  }
}

/** Bytes that a writer has room for at all times. */
const GATHERED = 64 * 1024

function enlarge(state: State) {
  const { buffer, start, end } = state
  if (buffer !== null && end <= buffer.byteLength) return
  state.buffer = new Uint8Array(end * 2)
  state.buffer.set(buffer!.subarray(0, start))
}

/** The length in a frame's header. */
export function readLength(bytes: Uint8Array, at = 0): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
}

/** Cuts a stream of chunks into frames. */
export class FrameReader {
  #chunks: Uint8Array[] = []
  #size = 0
  #needed = HEADER // bytes to go on with

  /** @param max the most bytes that a frame may have */
  constructor(private readonly max = MAX_FRAME) {}

  /**
   * @returns the frames that the chunk completes, without their lengths
   * @throws Error on a length that no frame has
   */
  push(chunk: Uint8Array): Uint8Array[] {
    this.#chunks.push(chunk)
    this.#size += chunk.byteLength
    if (this.#size < this.#needed) return []
    const bytes = this.#join()
    const end = bytes.byteLength
    const frames: Uint8Array[] = []
    let at = 0
    this.#needed = HEADER
    while (end - at >= HEADER) {
      const length = readLength(bytes, at)
      if (length < 1 || length > this.max) throw new Error('a frame of an impossible size')
      this.#needed = HEADER + length
      if (end - at < this.#needed) break
      frames.push(bytes.subarray(at + HEADER, at + this.#needed))
      at += this.#needed
      this.#needed = HEADER
    }
    this.#chunks = at < end ? [bytes.subarray(at)] : []
    this.#size = end - at
    return frames
  }

  #join(): Uint8Array {
    if (this.#chunks.length === 1) return this.#chunks[0]
    const joined = new Uint8Array(this.#size)
    let at = 0
    for (const chunk of this.#chunks) {
      joined.set(chunk, at)
      at += chunk.byteLength
    }
    return joined
  }
}
