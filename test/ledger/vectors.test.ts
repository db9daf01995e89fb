// The formats are what fixtures/vectors says: whoever writes VMS in another language can rely on these files.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import c from 'compact-encoding'
import Hypercore, { type Manifest } from 'hypercore'
import { decodeBlock, encodeBlock, type Block } from '../../lib/ledger/blocks.js'
import crypto from '../../lib/ledger/crypto.js'
import { decodeKey, deriveKeys, encodeKey, keysFromManifest } from '../../lib/ledger/keys.js'
import {
  decodeHello,
  decodeRefusal,
  decodeSignedRequest,
  encodeHello,
  encodeRefusal,
  encodeSignedRequest,
  type HelloMessage,
  type Refusal
} from '../../lib/ledger/messages.js'
import { decodeExactly } from '../../lib/ledger/encoding.js'
import { encodeRecord, hashRecord, record, type Record } from '../../lib/ledger/record.js'
import {
  decodeRequest,
  hashRequest,
  request,
  signRequest,
  verifyRequest,
  type Request
} from '../../lib/ledger/request.js'
import {
  headMessage,
  hello,
  receipt,
  type HeadMessage,
  type Hello,
  type Receipt
} from '../../lib/ledger/statements.js'
import { decodeValue, encodeValue } from '../../lib/ledger/values.js'
import { fromJSON, hex, toJSON, unhex } from './helper.js'
import type { KeysVector, RequestVector, SignedVector, Vector } from './vectors.js'

function read<T>(name: string): T {
  return JSON.parse(
    readFileSync(new URL(`../../../fixtures/vectors/${name}.json`, import.meta.url), 'utf8')
  ) as T
}

for (const { name, bytes, decoded } of read<Vector[]>('values')) {
  test(`value: ${name}`, () => {
    assert.equal(hex(encodeValue(fromJSON(decoded))), bytes)
    assert.deepEqual(toJSON(decodeValue(unhex(bytes))), decoded)
  })
}

for (const vector of read<RequestVector[]>('requests')) {
  test(`request: ${vector.name}`, () => {
    const bytes = unhex(vector.bytes)
    const fields = fromJSON(vector.decoded) as Request
    const keyPair = crypto.keyPair(unhex(vector.seed))
    const signed = { bytes, signature: unhex(vector.signature) }
    assert.equal(hex(keyPair.publicKey), vector.publicKey)
    assert.equal(hex(c.encode(request, fields)), vector.bytes)
    assert.deepEqual(toJSON(decodeRequest(bytes)), vector.decoded)
    assert.deepEqual(toJSON(signRequest(fields, keyPair)), toJSON(signed))
    assert.ok(verifyRequest(signed, fields.caller))
    assert.equal(hex(hashRequest(signed)), vector.hash)
    assert.equal(hex(encodeSignedRequest(signed)), vector.message)
    assert.deepEqual(toJSON(decodeSignedRequest(unhex(vector.message))), toJSON(signed))
  })
}

for (const { name, bytes, decoded, hash } of read<(Vector & { hash: string })[]>('records')) {
  test(`record: ${name}`, () => {
    const fields = fromJSON(decoded) as Record
    assert.equal(hex(encodeRecord(fields)), bytes)
    assert.deepEqual(toJSON(decodeExactly(record, unhex(bytes))), decoded)
    assert.equal(hex(hashRecord(fields)), hash)
  })
}

for (const { name, bytes, decoded } of read<Vector[]>('blocks')) {
  test(`block: ${name}`, () => {
    assert.equal(hex(encodeBlock(fromJSON(decoded) as Block)), bytes)
    assert.deepEqual(toJSON(decodeBlock(unhex(bytes))), decoded)
  })
}

const statements = read<{
  head: SignedVector[]
  receipt: SignedVector[]
  receipts: SignedVector[]
  hello: SignedVector[]
}>('statements')
const kinds = [
  ...statements.head.map(vector => ({ vector, type: headMessage })),
  ...statements.receipt.map(vector => ({ vector, type: receipt })),
  ...statements.hello.map(vector => ({ vector, type: hello }))
]

for (const { vector, type } of kinds) {
  test(`statement: ${vector.name}`, () => {
    const keyPair = crypto.keyPair(unhex(vector.seed))
    const fields = fromJSON(vector.decoded) as HeadMessage & Receipt & Hello
    const signed = type.sign(fields, keyPair) as (HeadMessage & Receipt & Hello) & { signature: Uint8Array }
    assert.equal(hex(keyPair.publicKey), vector.publicKey)
    assert.equal(hex(signed.signature), vector.signature)
    assert.equal(hex(type.encode(signed)), vector.bytes)
    const { signature, ...decoded } = type.decode(unhex(vector.bytes))
    assert.deepEqual(toJSON(decoded), vector.decoded)
    assert.equal(hex(signature), vector.signature)
    assert.ok(type.verify(signed, keyPair.publicKey))
  })
}

test('statements: receipts that are signed together', () => {
  const { receipts } = statements
  const keyPair = crypto.keyPair(unhex(receipts[0].seed))
  const signed = receipt.signAll(
    receipts.map(({ decoded }) => fromJSON(decoded) as Receipt),
    keyPair
  )
  for (const [i, one] of signed.entries()) {
    assert.equal(hex(receipt.encode(one)), receipts[i].bytes)
    assert.equal(hex(one.signature), receipts[i].signature)
    const { signature, ...decoded } = receipt.decode(unhex(receipts[i].bytes))
    assert.deepEqual(toJSON(decoded), receipts[i].decoded)
    assert.ok(receipt.verify({ ...decoded, signature }, keyPair.publicKey))
  }
})

const messages = read<{ hello: Vector[]; refusal: Vector[] }>('messages')

for (const { name, bytes, decoded } of messages.hello) {
  test(`message: ${name}`, () => {
    assert.equal(hex(encodeHello(fromJSON(decoded) as HelloMessage)), bytes)
    assert.deepEqual(toJSON(decodeHello(unhex(bytes))), decoded)
  })
}

for (const { name, bytes, decoded } of messages.refusal) {
  test(`message: ${name}`, () => {
    assert.equal(hex(encodeRefusal(fromJSON(decoded) as Refusal)), bytes)
    assert.deepEqual(toJSON(decodeRefusal(unhex(bytes))), decoded)
  })
}

for (const vector of read<KeysVector[]>('keys')) {
  test(`keys: of ${vector.publicKey.slice(0, 8)}…`, () => {
    const keys = deriveKeys(unhex(vector.publicKey))
    for (const name of ['log', 'db', 'blobs'] as const) {
      assert.equal(hex(keys[name]), vector[name])
      assert.deepEqual(toJSON(keys.manifests[name]), vector.manifests[name])
      assert.equal(hex(Hypercore.key(fromJSON(vector.manifests[name]) as Manifest)), vector[name])
    }
    assert.equal(encodeKey(keys.log), vector.printed)
    assert.equal(hex(decodeKey(vector.printed)), vector.log)
    const again = keysFromManifest(keys.log, fromJSON(vector.manifests.log) as Manifest)
    assert.deepEqual(toJSON(again), toJSON(keys))
  })
}

const DECODERS = { value: decodeValue, block: decodeBlock, request: decodeRequest }
const refused = read<{ [kind in keyof typeof DECODERS]: { name: string; bytes: string }[] }>('refused')

for (const kind of ['value', 'block', 'request'] as const) {
  for (const { name, bytes } of refused[kind]) {
    test(`no ${kind}: ${name}`, () => {
      assert.throws(() => DECODERS[kind](unhex(bytes)), plainError)
    })
  }
}

// safety-catch ends the process on TypeError, RangeError and SyntaxError
function plainError(error: unknown): boolean {
  assert.equal(Object.getPrototypeOf(error), Error.prototype, String(error))
  return true
}
