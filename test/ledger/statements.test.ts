import assert from 'node:assert/strict'
import { test } from 'node:test'
import c from 'compact-encoding'
import type { Manifest } from 'hypercore'
import crypto, { type Statement } from '../../lib/ledger/crypto.js'
import { decodeKey, deriveKeys, encodeKey, keysFromManifest } from '../../lib/ledger/keys.js'
import { decodeSignedRequest, encodeSignedRequest } from '../../lib/ledger/messages.js'
import {
  decodeRequest,
  MAX_REQUEST_BYTES,
  request,
  signRequest,
  verifyRequest,
  type Request
} from '../../lib/ledger/request.js'
import { confirmation, headMessage, hello, receipt } from '../../lib/ledger/statements.js'
import { encodeValue } from '../../lib/ledger/values.js'
import { VMSError } from '../../lib/errors.js'
import { hashOf, hex, keyPairOf } from './helper.js'
import { HEADS, HELLO, RECEIPT, REQUEST } from './samples.js'

const vm = keyPairOf(1)
const caller = keyPairOf(2)
const stranger = keyPairOf(3)
const [HEAD] = HEADS

test('a request is valid for its caller, and for nobody else', () => {
  const signed = signRequest(REQUEST, caller)
  assert.ok(verifyRequest(signed, caller.publicKey))
  assert.ok(!verifyRequest(signed, stranger.publicKey))
  assert.ok(!verifyRequest(signRequest(REQUEST, stranger), caller.publicKey))
})

test('a request with any field changed is not signed', () => {
  const { signature } = signRequest(REQUEST, caller)
  const changes: Partial<Request>[] = [
    { vm: hashOf('another VM') },
    { caller: stranger.publicKey },
    { method: 'rsvp' },
    { args: encodeValue([false]) },
    { id: crypto.randomBytes(16) },
    { seen: { ...REQUEST.seen, length: REQUEST.seen.length + 1 } },
    { seen: { ...REQUEST.seen, hash: hashOf('another log') } }
  ]
  for (const change of changes) {
    const bytes = c.encode(request, { ...REQUEST, ...change })
    assert.ok(!verifyRequest({ bytes, signature }, caller.publicKey), Object.keys(change)[0])
  }
})

test('a statement with any field changed is not signed', () => {
  const head = headMessage.sign(HEAD, vm)
  for (const change of [{ vm: hashOf('x') }, { length: 3 }, { hash: hashOf('x') }, { time: 1 }]) {
    assert.ok(!headMessage.verify({ ...head, ...change }, vm.publicKey), Object.keys(change)[0])
  }
  const answer = receipt.sign(RECEIPT, vm)
  for (const name of ['vm', 'request', 'record', 'hash'] as const) {
    assert.ok(!receipt.verify({ ...answer, [name]: hashOf('x') }, vm.publicKey), name)
  }
  for (const name of ['block', 'index'] as const) {
    assert.ok(!receipt.verify({ ...answer, [name]: 7 }, vm.publicKey), name)
  }
  const greeting = hello.sign(HELLO, vm)
  const changes = [
    { vm: hashOf('x') },
    { handshake: new Uint8Array(64) },
    { head: { ...HELLO.head, length: 9 } }
  ]
  for (const change of changes) {
    assert.ok(!hello.verify({ ...greeting, ...change }, vm.publicKey), Object.keys(change)[0])
  }
  const asked = { vm: HELLO.vm, challenge: hashOf('challenge'), head: HELLO.head }
  const confirmed = confirmation.sign(asked, vm)
  assert.ok(confirmation.verify(confirmed, vm.publicKey))
  for (const change of [changes[0], { challenge: hashOf('x') }, changes[2]]) {
    assert.ok(!confirmation.verify({ ...confirmed, ...change }, vm.publicKey), Object.keys(change)[0])
  }
  for (const valid of [headMessage.verify(head, vm.publicKey), receipt.verify(answer, vm.publicKey)])
    assert.ok(valid)
  assert.ok(hello.verify(greeting, vm.publicKey))
  assert.ok(!headMessage.verify(head, stranger.publicKey))
})

test('a signature of one kind is none of another, over the same bytes', () => {
  const bytes = hashOf('anything')
  const names: Statement[] = [
    'request',
    'receipt',
    'receipts',
    'head',
    'hello',
    'confirmation',
    'attestation'
  ]
  for (const signed of names) {
    const signature = crypto.sign(signed, bytes, vm)
    for (const checked of names) {
      assert.equal(
        crypto.verify(checked, bytes, signature, vm.publicKey),
        signed === checked,
        `${signed} ${checked}`
      )
    }
  }
})

test('a request of exactly the largest size is read, one byte more is not', () => {
  const largest = requestOf(MAX_REQUEST_BYTES)
  assert.deepEqual(decodeRequest(largest).method, REQUEST.method)
  const signature = crypto.sign('request', largest, caller)
  assert.equal(
    decodeSignedRequest(encodeSignedRequest({ bytes: largest, signature })).bytes.byteLength,
    MAX_REQUEST_BYTES
  )
  assert.throws(() => decodeRequest(requestOf(MAX_REQUEST_BYTES + 1)), /longer than a request may be/)
})

test('a message far too large for a request is refused unread', () => {
  assert.throws(
    () => decodeSignedRequest(new Uint8Array(MAX_REQUEST_BYTES + 129)),
    (error: unknown) => error instanceof VMSError && error.code === 'TOO_LARGE'
  )
})

test('keys are read in every form in which people pass them on', () => {
  const { log } = deriveKeys(vm.publicKey)
  for (const text of [
    encodeKey(log),
    hex(log),
    hex(log).toUpperCase(),
    `vms://${encodeKey(log)}`,
    ` ${hex(log)}\n`
  ]) {
    assert.equal(hex(decodeKey(text)), hex(log), text)
  }
  assert.equal(hex(decodeKey(`vms://${hex(log)}/`)), hex(log))
  assert.equal(hex(decodeKey(log)), hex(log))
  for (const text of [
    '',
    'vms://',
    hex(log).slice(2),
    encodeKey(log).slice(1),
    'http://' + hex(log),
    `${hex(log)}00`
  ]) {
    assert.throws(() => decodeKey(text), isCode('INVALID_KEY'), text)
  }
  assert.throws(() => decodeKey(log.subarray(1)), isCode('INVALID_KEY'))
})

test('a manifest of any other form is not a VM', () => {
  const { log, manifests } = deriveKeys(vm.publicKey)
  const [signer] = manifests.log.signers
  assert.equal(hex(keysFromManifest(log, manifests.log).log), hex(log))
  const others: Manifest[] = [
    { ...manifests.log, signers: [] },
    { ...manifests.log, signers: [{ ...signer, publicKey: stranger.publicKey }] },
    { ...manifests.log, signers: [{ ...signer, namespace: hashOf('x') }] }
  ]
  for (const manifest of others) assert.throws(() => keysFromManifest(log, manifest), isCode('BAD_HOST'))
  assert.throws(() => keysFromManifest(hashOf('another VM'), manifests.log), isCode('BAD_HOST'))
})

// a request of exactly that many bytes
function requestOf(size: number): Uint8Array {
  const rest =
    c.encode(request, { ...REQUEST, args: encodeValue(['x'.repeat(100_000)]) }).byteLength - 100_000
  const bytes = c.encode(request, { ...REQUEST, args: encodeValue(['x'.repeat(size - rest)]) })
  assert.equal(bytes.byteLength, size)
  return bytes
}

function isCode(code: string) {
  return (error: unknown) => error instanceof VMSError && error.code === code
}
