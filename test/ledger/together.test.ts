// One signature for many messages: each proves itself, and nothing else passes for one of them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import b4a from 'b4a'
import c from 'compact-encoding'
import crypto from '../../lib/ledger/crypto.js'
import { decodeExactly } from '../../lib/ledger/encoding.js'
import { signatureTogether, SignaturesTogether } from '../../lib/ledger/together.js'

const [host, stranger] = [1, 2].map(seed => crypto.keyPair(b4a.alloc(32, seed)))
const messagesOf = (count: number) => Array.from({ length: count }, (_, i) => b4a.from(`message ${i}`))
const signatures = () => new SignaturesTogether('receipt', 'receipts')
const sign = (messages: Uint8Array[]) => signatures().sign(messages, host)

test('messages of any number are signed, each for itself', () => {
  for (let count = 1; count <= 33; count++) {
    const messages = messagesOf(count)
    const signed = sign(messages)
    const known = signatures()
    for (const [i, message] of messages.entries()) {
      const steps = (signed[i].byteLength - 64) / 33
      assert.ok(steps <= Math.ceil(Math.log2(count)), `${steps} steps for ${count}`)
      for (const one of [known, signatures()]) {
        assert.ok(one.verify(message, signed[i], host.publicKey), `${i} of ${count}`)
        assert.ok(!one.verify(b4a.from('another'), signed[i], host.publicKey))
        if (count > 1) assert.ok(!one.verify(message, signed[(i + 1) % count], host.publicKey))
      }
    }
  }
})

test('a lone message is signed as it is', () => {
  const [message] = messagesOf(1)
  assert.deepEqual(sign([message]), [crypto.sign('receipt', message, host)])
})

test('a signature with any bit changed is none', () => {
  const messages = messagesOf(5)
  for (const [i, signed] of sign(messages).entries()) {
    const known = signatures()
    assert.ok(known.verify(messages[i], signed, host.publicKey))
    for (let bit = 0; bit < signed.byteLength * 8; bit++) {
      const changed = b4a.from(signed)
      changed[bit >> 3] ^= 1 << (bit & 7)
      assert.ok(!known.verify(messages[i], changed, host.publicKey), `bit ${bit} of message ${i}`)
    }
  }
})

test('what one key has signed is not signed by another', () => {
  const messages = messagesOf(3)
  const [signed] = sign(messages)
  const known = signatures()
  assert.ok(known.verify(messages[0], signed, host.publicKey))
  assert.ok(!known.verify(messages[0], signed, stranger.publicKey))
  assert.ok(known.verify(messages[0], signed, host.publicKey))
})

test('a node of the tree does not pass for a message', () => {
  const messages = messagesOf(4)
  const [signed] = sign(messages)
  const leaf = (message: Uint8Array) => crypto.hash(b4a.concat([b4a.from([0]), message]))
  const pair = b4a.concat([leaf(messages[0]), leaf(messages[1])])
  const above = b4a.concat([signed.subarray(0, 64), signed.subarray(64 + 33)])
  for (const message of [pair, b4a.concat([b4a.from([1]), pair]), b4a.concat([b4a.from([0]), pair])])
    assert.ok(!signatures().verify(message, above, host.publicKey))
})

test('only signatures of a possible length are read', () => {
  for (const length of [0, 63, 65, 96, 98, 64 + 17 * 33]) {
    const bytes = b4a.alloc(length)
    assert.throws(() => decodeExactly(signatureTogether, bytes))
    assert.ok(!signatures().verify(b4a.from('message'), bytes, host.publicKey))
  }
  for (const length of [64, 97, 64 + 16 * 33])
    assert.equal(
      c.encode(signatureTogether, decodeExactly(signatureTogether, b4a.alloc(length))).length,
      length
    )
})
