// Small encodings that the formats of log and wire share.

import c, { type Encoder } from 'compact-encoding'
import b4a from 'b4a'

/** Length and tree hash of a core: commits to every block before that length. */
export interface Head {
  length: number
  hash: Uint8Array
}

/** The files of a VM at one point: heads of the database core and of the blobs core. */
export interface FilesState {
  db: Head
  blobs: Head
}

/** Bytes with their length before them; unlike c.buffer, no bytes decode to no bytes and not to null. */
export const bytes: Encoder<Uint8Array> = {
  preencode(state, input) {
    c.uint.preencode(state, input.byteLength)
    state.end += input.byteLength
  },
  encode(state, input) {
    c.uint.encode(state, input.byteLength)
    state.buffer!.set(input, state.start)
    state.start += input.byteLength
  },
  decode(state) {
    const length = c.uint.decode(state)
    if (length > state.end - state.start) throw new Error('out of bounds')
    return state.buffer!.subarray(state.start, (state.start += length))
  }
}

export const key: Encoder<Uint8Array> = c.fixed32
export const signature: Encoder<Uint8Array> = c.fixed64
export const id: Encoder<Uint8Array> = c.fixed(16)
export const strings: Encoder<string[]> = c.array(c.string)

/** A struct: the fields one after the other, in the order given. */
export function struct<T extends object>(fields: { [K in keyof T]: Encoder<T[K]> }): Encoder<T> {
  const entries = Object.entries(fields) as [keyof T & string, Encoder<unknown>][]
  return {
    preencode(state, input) {
      for (const [name, encoding] of entries) encoding.preencode(state, input[name])
    },
    encode(state, input) {
      for (const [name, encoding] of entries) encoding.encode(state, input[name])
    },
    decode(state) {
      const output: Partial<T> = {}
      for (const [name, encoding] of entries) output[name] = encoding.decode(state) as T[typeof name]
      return output as T
    }
  }
}

/** Nothing as 0, something as 1 and the thing. */
export function optional<T>(encoding: Encoder<T>): Encoder<T | null> {
  return {
    preencode(state, input) {
      state.end++
      if (input !== null) encoding.preencode(state, input)
    },
    encode(state, input) {
      c.uint8.encode(state, input === null ? 0 : 1)
      if (input !== null) encoding.encode(state, input)
    },
    decode(state) {
      return c.uint8.decode(state) === 0 ? null : encoding.decode(state)
    }
  }
}

/** The last field of something that has not always had it: nothing if there is none. */
export function trailing<T>(encoding: Encoder<T>): Encoder<T | null> {
  return {
    preencode(state, input) {
      if (input !== null) encoding.preencode(state, input)
    },
    encode(state, input) {
      if (input !== null) encoding.encode(state, input)
    },
    decode: state => (state.start < state.end ? encoding.decode(state) : null)
  }
}

/** An array of so many items at most: what is small in bytes must not be large in memory. */
export function list<T>(encoding: Encoder<T>, most: number): Encoder<T[]> {
  const array = c.array(encoding)
  return {
    ...array,
    decode(state) {
      const { start } = state
      if (c.uint.decode(state) > most) throw new Error('too many items')
      state.start = start
      return array.decode(state)
    }
  }
}

export const head: Encoder<Head> = struct<Head>({ length: c.uint, hash: key })
export const filesState: Encoder<FilesState> = struct<FilesState>({ db: head, blobs: head })

/**
 * Decodes what must be in its one and only encoding: no trailing bytes, no longer forms of integers.
 * @throws Error, always a plain one
 */
export function decodeExactly<T>(encoding: Encoder<T>, buffer: Uint8Array): T {
  let decoded: T
  try {
    decoded = c.decode(encoding, buffer)
  } catch (error) {
    throw new Error(`malformed: ${error instanceof Error ? error.message : 'unknown'}`)
  }
  if (!b4a.equals(c.encode(encoding, decoded), buffer))
    throw new Error('malformed: not in its canonical encoding')
  return decoded
}

export function sameHead(a: Head, b: Head): boolean {
  return a.length === b.length && b4a.equals(a.hash, b.hash)
}

export function sameState(a: FilesState, b: FilesState): boolean {
  return sameHead(a.db, b.db) && sameHead(a.blobs, b.blobs)
}

/** A text that is the same for the same state only. */
export function nameOfState(state: FilesState): string {
  return b4a.toString(c.encode(filesState, state), 'hex')
}
