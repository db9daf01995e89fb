// The format vectors: what is in fixtures/vectors, as data. Nothing here is run by the tests but `Vector` and the list of
// changes; they compare with the committed files.

import c from 'compact-encoding'
import type { Changes } from '../../lib/files/overlay.js'
import { encodeBlock } from '../../lib/ledger/blocks.js'
import { deriveKeys, encodeKey } from '../../lib/ledger/keys.js'
import { encodeHello, encodeRefusal, encodeSignedRequest } from '../../lib/ledger/messages.js'
import { encodeRecord, hashRecord } from '../../lib/ledger/record.js'
import { hashRequest, request, signRequest } from '../../lib/ledger/request.js'
import { headMessage, hello, receipt } from '../../lib/ledger/statements.js'
import { encodeValue } from '../../lib/ledger/values.js'
import { hashOf, hex, keyPairOf, seedOf, toJSON, unhex, type JSONValue } from './helper.js'
import {
  CALLER_SEED,
  COMMITS,
  GENESIS,
  WITH_FACTORY,
  WITH_ORACLES,
  HEADS,
  HELLO,
  RECEIPT,
  RECORDS,
  REQUEST,
  RUNTIME_CHANGE,
  VALUES,
  VM_SEED
} from './samples.js'

/** Bytes in hex, and what they mean. */
export interface Vector {
  name: string
  bytes: string
  decoded: JSONValue
}

export interface SignedVector extends Vector {
  /** seed of the ed25519 key pair that signed */
  seed: string
  publicKey: string
  signature: string
}

export interface RequestVector extends SignedVector {
  /** BLAKE2b of the bytes */
  hash: string
  /** what goes over the wire */
  message: string
}

export interface KeysVector {
  publicKey: string
  log: string
  db: string
  blobs: string
  /** z-base-32 of the log's key */
  printed: string
  manifests: { log: JSONValue; db: JSONValue; blobs: JSONValue }
}

/** What a path holds: bytes, or the same bytes many times; null deletes it. */
export type Content = null | { $hex: string } | { repeat: string; times: number }

export interface FilesVector {
  name: string
  changes: { path: string; content: Content }[]
  db: { length: number; hash: string }
  blobs: { length: number; hash: string }
}

export function valueVectors(): Vector[] {
  return VALUES.map(([name, value]) => ({ name, bytes: hex(encodeValue(value)), decoded: toJSON(value) }))
}

export function requestVectors(): RequestVector[] {
  const signed = signRequest(REQUEST, keyPairOf(CALLER_SEED))
  return [
    {
      name: 'a request',
      seed: hex(seedOf(CALLER_SEED)),
      publicKey: hex(keyPairOf(CALLER_SEED).publicKey),
      bytes: hex(c.encode(request, REQUEST)),
      decoded: toJSON(REQUEST),
      signature: hex(signed.signature),
      hash: hex(hashRequest(signed)),
      message: hex(encodeSignedRequest(signed))
    }
  ]
}

export function recordVectors(): (Vector & { hash: string })[] {
  return RECORDS.map(([name, record]) => ({
    name,
    bytes: hex(encodeRecord(record)),
    decoded: toJSON(record),
    hash: hex(hashRecord(record))
  }))
}

export function blockVectors(): Vector[] {
  const blocks = [
    ['genesis', GENESIS] as const,
    ['a genesis with oracles', WITH_ORACLES] as const,
    ['a genesis that lets its owner upgrade it, and names its factory', WITH_FACTORY] as const,
    ...COMMITS,
    ['a changed runtime', RUNTIME_CHANGE] as const
  ]
  return blocks.map(([name, block]) => ({ name, bytes: hex(encodeBlock(block)), decoded: toJSON(block) }))
}

export function statementVectors(): { [kind: string]: SignedVector[] } {
  const keyPair = keyPairOf(VM_SEED)
  const signer = { seed: hex(seedOf(VM_SEED)), publicKey: hex(keyPair.publicKey) }
  const vector = (name: string, bytes: Uint8Array, fields: object, signature: Uint8Array): SignedVector => ({
    name,
    ...signer,
    bytes: hex(bytes),
    decoded: toJSON(fields),
    signature: hex(signature)
  })
  const receipt1 = receipt.sign(RECEIPT, keyPair)
  const fields = [4, 5, 6].map(index => ({ ...RECEIPT, index }))
  const together = receipt.signAll(fields, keyPair)
  const hello1 = hello.sign(HELLO, keyPair)
  return {
    head: HEADS.map(fields => {
      const one = headMessage.sign(fields, keyPair)
      return vector(`the head at ${fields.length}`, headMessage.encode(one), fields, one.signature)
    }),
    receipt: [vector('a receipt', receipt.encode(receipt1), RECEIPT, receipt1.signature)],
    receipts: together.map((one, i) =>
      vector(`one of three that are signed together, ${i}`, receipt.encode(one), fields[i], one.signature)
    ),
    hello: [vector('a hello', hello.encode(hello1), HELLO, hello1.signature)]
  }
}

export function messageVectors(): { [kind: string]: Vector[] } {
  const keyPair = keyPairOf(VM_SEED)
  const { manifests } = deriveKeys(keyPair.publicKey)
  const [{ namespace, publicKey }] = manifests.log.signers
  const helloMessage = { namespace, publicKey, hello: hello.encode(hello.sign(HELLO, keyPair)) }
  const refusal = {
    request: hashOf('request'),
    code: 'STALE' as const,
    message: 'the request is too old',
    retry: null
  }
  const busy = { ...refusal, code: 'BUSY' as const, message: 'send it again in 0.3 s', retry: 300 }
  return {
    hello: [
      { name: 'a hello message', bytes: hex(encodeHello(helloMessage)), decoded: toJSON(helloMessage) }
    ],
    refusal: [
      { name: 'a refusal', bytes: hex(encodeRefusal(refusal)), decoded: toJSON(refusal) },
      {
        name: 'one that says when to try again',
        bytes: hex(encodeRefusal(busy)),
        decoded: toJSON(busy)
      }
    ]
  }
}

export function keysVectors(): KeysVector[] {
  return [VM_SEED, CALLER_SEED, 255].map(seed => {
    const { publicKey } = keyPairOf(seed)
    const { log, db, blobs, manifests } = deriveKeys(publicKey)
    return {
      publicKey: hex(publicKey),
      log: hex(log),
      db: hex(db),
      blobs: hex(blobs),
      printed: encodeKey(log),
      manifests: { log: toJSON(manifests.log), db: toJSON(manifests.db), blobs: toJSON(manifests.blobs) }
    }
  })
}

/** Bytes that a decoder must refuse, by what they would be. */
export function refusedVectors(): { [kind: string]: { name: string; bytes: string }[] } {
  const [first] = COMMITS
  const commit = hex(encodeBlock(first[1]))
  const message = hex(c.encode(request, REQUEST))
  return {
    value: [
      { name: 'nothing', bytes: '' },
      { name: 'an unknown type', bytes: '0a' },
      { name: 'a byte too many', bytes: '0000' },
      { name: 'an integer in more bytes than it needs', bytes: '03fd0100' },
      { name: 'an integer beyond 2^53 - 1', bytes: '03ff0000000000002000' },
      { name: '-2^53 as an integer', bytes: '04ffffffffffffff1f00' },
      { name: 'an integer as a float', bytes: '05000000000000f03f' },
      { name: 'minus zero', bytes: '050000000000000080' },
      { name: 'NaN', bytes: '05000000000000f87f' },
      { name: 'infinity', bytes: '05000000000000f07f' },
      { name: 'half a float', bytes: '05000000' },
      { name: 'a string that is no UTF-8', bytes: '0601ff' },
      { name: 'a lone surrogate in UTF-8', bytes: '0603eda080' },
      { name: 'a string longer than its bytes', bytes: '060561' },
      { name: 'a buffer longer than its bytes', bytes: '07ffffffffffffff1f00' },
      { name: 'an array with more items than bytes', bytes: '080300' },
      { name: 'an array of 2^32 items', bytes: '08ff0000000001000000' },
      { name: 'keys in the wrong order', bytes: '0902016200016100' },
      { name: 'a key twice', bytes: '0902016100016100' },
      { name: 'a key that is no UTF-8', bytes: '090101ff00' },
      { name: '129 arrays inside each other', bytes: '0801'.repeat(128) + '0800' }
    ],
    block: [
      { name: 'nothing', bytes: '' },
      { name: 'an unknown format', bytes: '02' + commit.slice(2) },
      { name: 'an unknown type', bytes: '0104' + commit.slice(4) },
      { name: 'a byte too many', bytes: commit + '00' },
      { name: 'a byte too few', bytes: commit.slice(0, -2) },
      {
        name: 'an integer in more bytes than it needs',
        bytes: commit.slice(0, 4) + 'fd0000' + commit.slice(6)
      }
    ],
    request: [
      { name: 'nothing', bytes: '' },
      { name: 'a byte too many', bytes: message + '00' },
      {
        name: 'nothing seen',
        bytes: hex(c.encode(request, { ...REQUEST, seen: { ...REQUEST.seen, length: 0 } }))
      },
      {
        name: 'arguments that are no array',
        bytes: hex(c.encode(request, { ...REQUEST, args: encodeValue({ a: 1 }) }))
      },
      {
        name: 'arguments that are no value',
        bytes: hex(c.encode(request, { ...REQUEST, args: unhex('03fd0100') }))
      }
    ]
  }
}

/** A VM's files, commit by commit. */
export const FILES: Omit<FilesVector, 'db' | 'blobs'>[] = [
  { name: 'nothing changed: no block, no header', changes: [] },
  {
    name: 'a missing file deleted, before anything was written',
    changes: [{ path: '/missing', content: null }]
  },
  { name: 'a first file', changes: [{ path: '/a', content: text('hello') }] },
  { name: 'the same bytes again: written again', changes: [{ path: '/a', content: text('hello') }] },
  {
    name: 'a batch, given in no order: sorted by UTF-8 bytes',
    changes: [
      { path: '/dir/z', content: text('z') },
      { path: '/\u{1f600}', content: text('beyond the BMP') },
      { path: '/\uffee', content: text('the end of the BMP') },
      { path: '/dir-1', content: text('before dir/') },
      { path: '/dir0', content: text('after dir/') },
      { path: '/dir/a', content: text('a') }
    ]
  },
  { name: 'an empty file', changes: [{ path: '/empty', content: text('') }] },
  {
    name: 'a file of exactly one block',
    changes: [{ path: '/block', content: { repeat: '00', times: 65_536 } }]
  },
  {
    name: 'a file above 64 KiB, and puts and deletions together',
    changes: [
      { path: '/large', content: { repeat: '0123456789', times: 30_000 } },
      { path: '/dir/a', content: null },
      { path: '/missing', content: null },
      { path: '/empty', content: text('no more') },
      { path: '/\u{1f600}', content: null }
    ]
  },
  { name: 'only missing files deleted: no block', changes: [{ path: '/dir/a', content: null }] },
  { name: 'a deletion', changes: [{ path: '/a', content: null }] },
  { name: 'put again', changes: [{ path: '/a', content: text('again') }] }
]

export function changesOf(changes: FilesVector['changes']): Changes {
  return new Map(changes.map(({ path, content }) => [path, bytesOf(content)]))
}

function bytesOf(content: Content): Uint8Array | null {
  if (content === null) return null
  return '$hex' in content ? unhex(content.$hex) : unhex(content.repeat.repeat(content.times))
}

function text(content: string): Content {
  return { $hex: hex(Buffer.from(content)) }
}
