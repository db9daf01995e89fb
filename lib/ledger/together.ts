// One signature for many messages: of the root of a Merkle tree over them, in which leaves and inner nodes are hashed apart as
// in RFC 9162. Each message carries the signature and its own way to the root, and so proves itself without the others.
//
//   signature, alone        64 bytes: ed25519 of the message
//   signature, together     64 bytes: ed25519 of the root; then, from the leaf upwards, for each node beside the way:
//                           0 if it is on the left, 1 if on the right, and its hash (32)
//
//   leaf    BLAKE2b(0 ‖ message)
//   node    BLAKE2b(1 ‖ left ‖ right); a last node without a neighbour goes up as it is

import b4a from 'b4a'
import type { Encoder } from 'compact-encoding'
import type { KeyPair } from 'hypercore'
import crypto, { type Statement } from './crypto.js'

const SIGNATURE = 64
const STEP = 33

/** Steps to the root, at most: of more messages than are ever signed together. */
const MAX_STEPS = 16

/** A signature, as the last of what it stands in. */
export const signatureTogether: Encoder<Uint8Array> = {
  preencode(state, input) {
    state.end += input.byteLength
  },
  encode(state, input) {
    state.buffer!.set(input, state.start)
    state.start += input.byteLength
  },
  decode(state) {
    const found = state.buffer!.subarray(state.start, state.end)
    if (!isLength(found.byteLength)) throw new Error('out of bounds')
    state.start = state.end
    return found
  }
}

function isLength(bytes: number): boolean {
  const steps = (bytes - SIGNATURE) / STEP
  return Number.isInteger(steps) && steps >= 0 && steps <= MAX_STEPS
}

export class SignaturesTogether {
  /** what was found right last: those that were signed together come one after the other */
  private last: { root: Uint8Array; signature: Uint8Array; publicKey: Uint8Array } | null = null

  constructor(
    private readonly alone: Statement,
    private readonly together: Statement
  ) {}

  /** @returns the signature of each message: of a lone one as it is, of several together */
  sign(messages: Uint8Array[], keyPair: KeyPair): Uint8Array[] {
    if (messages.length === 1) return [crypto.sign(this.alone, messages[0], keyPair)]
    const { root, ways } = treeOf(messages)
    const signature = crypto.sign(this.together, root, keyPair)
    return ways.map(way => b4a.concat([signature, ...way]))
  }

  verify(message: Uint8Array, signed: Uint8Array, publicKey: Uint8Array): boolean {
    if (!isLength(signed.byteLength)) return false
    if (signed.byteLength === SIGNATURE) return crypto.verify(this.alone, message, signed, publicKey)
    const root = rootOf(message, signed.subarray(SIGNATURE))
    if (root === null) return false
    const signature = signed.subarray(0, SIGNATURE)
    const { last } = this
    const isKnown =
      last !== null &&
      b4a.equals(last.root, root) &&
      b4a.equals(last.signature, signature) &&
      b4a.equals(last.publicKey, publicKey)
    if (isKnown) return true
    if (!crypto.verify(this.together, root, signature, publicKey)) return false
    this.last = { root, signature: b4a.from(signature), publicKey: b4a.from(publicKey) }
    return true
  }
}

const [LEFT, RIGHT] = [b4a.from([0]), b4a.from([1])]
const [LEAF, NODE] = [b4a.from([0]), b4a.from([1])]

function leafOf(message: Uint8Array): Uint8Array {
  return crypto.hash([LEAF, message])
}

function nodeOf(left: Uint8Array, right: Uint8Array): Uint8Array {
  return crypto.hash([NODE, left, right])
}

function treeOf(messages: Uint8Array[]): { root: Uint8Array; ways: Uint8Array[][] } {
  const ways: Uint8Array[][] = messages.map(() => [])
  let level = messages.map((message, i) => ({ hash: leafOf(message), below: [i] }))
  while (level.length > 1) {
    const above: typeof level = []
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = level.slice(i, i + 2)
      if (right === undefined) {
        above.push(left)
        continue
      }
      for (const one of left.below) ways[one].push(RIGHT, right.hash)
      for (const one of right.below) ways[one].push(LEFT, left.hash)
      above.push({ hash: nodeOf(left.hash, right.hash), below: [...left.below, ...right.below] })
    }
    level = above
  }
  return { root: level[0].hash, ways }
}

/** @returns null if a side is neither left nor right */
function rootOf(message: Uint8Array, way: Uint8Array): Uint8Array | null {
  let hash = leafOf(message)
  for (let i = 0; i < way.byteLength; i += STEP) {
    const beside = way.subarray(i + 1, i + STEP)
    if (way[i] > 1) return null
    hash = way[i] === 0 ? nodeOf(beside, hash) : nodeOf(hash, beside)
  }
  return hash
}
