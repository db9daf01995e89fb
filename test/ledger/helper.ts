// What tests of the formats share: seeded randomness, key pairs, folders that go away, and JSON that carries bytes.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import b4a from 'b4a'
import type { KeyPair } from 'hypercore'
import crypto from '../../lib/ledger/crypto.js'

/** The same numbers on every machine (mulberry32). */
export class Random {
  constructor(private state: number) {}

  /** from 0 up to 1 */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** a whole number from 0 up to `end`, excluded */
  int(end: number): number {
    return Math.floor(this.next() * end)
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)]
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.int(256))
  }

  /** Up to `length` code points, well-formed, from all over Unicode. */
  text(length: number): string {
    return Array.from({ length: this.int(length + 1) }, () => this.codePoint()).join('')
  }

  private codePoint(): string {
    const [from, to] = this.pick(RANGES)
    return String.fromCodePoint(from + this.int(to - from + 1))
  }
}

const RANGES = [
  [0x61, 0x63],
  [0x61, 0x63],
  [0x00, 0x7f],
  [0x80, 0x7ff],
  [0x800, 0xd7ff],
  [0xe000, 0xffff],
  [0x10000, 0x10ffff]
]

/** The key pair whose seed is 32 times the same byte. */
export function keyPairOf(byte: number): KeyPair {
  return crypto.keyPair(seedOf(byte))
}

export function seedOf(byte: number): Uint8Array {
  return b4a.alloc(32, byte)
}

/** Some 32 bytes that are the hash of a text. */
export function hashOf(text: string): Uint8Array {
  return crypto.hash(b4a.from(text))
}

/** A folder that is removed when the test ends, and what was registered before it is closed. */
export async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'vmswarm-unit-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export type JSONValue = null | boolean | number | string | JSONValue[] | { [key: string]: JSONValue }

/** Bytes become `{"$hex": "…"}`, everything else is as in JSON. */
export function toJSON(input: unknown): JSONValue {
  if (input instanceof Uint8Array) return { $hex: hex(input) }
  if (Array.isArray(input)) return input.map(toJSON)
  if (typeof input !== 'object' || input === null) return input as JSONValue
  return object(Object.entries(input).map(([key, item]) => [key, toJSON(item)])) as {
    [key: string]: JSONValue
  }
}

export function fromJSON(input: JSONValue): unknown {
  if (Array.isArray(input)) return input.map(fromJSON)
  if (typeof input !== 'object' || input === null) return input
  if (typeof input.$hex === 'string') return unhex(input.$hex)
  return object(Object.entries(input).map(([key, item]) => [key, fromJSON(item)]))
}

export function hex(bytes: Uint8Array): string {
  return b4a.toString(bytes, 'hex')
}

export function unhex(text: string): Uint8Array {
  return new Uint8Array(b4a.from(text, 'hex'))
}

// a key named __proto__ is a key like any other
function object(entries: [string, unknown][]): object {
  const out = {}
  for (const [key, value] of entries) {
    Object.defineProperty(out, key, { value, enumerable: true, writable: true, configurable: true })
  }
  return out
}
