import assert from 'node:assert/strict'
import { test } from 'node:test'
import b4a from 'b4a'
import { attestation, VERDICTS, type Attestation } from '../../lib/ledger/attestation.js'
import { headMessage } from '../../lib/ledger/statements.js'
import { hashOf, keyPairOf } from './helper.js'

const auditor = keyPairOf(1)
const SAID: Attestation = {
  auditor: auditor.publicKey,
  vm: hashOf('a VM'),
  length: 7,
  hash: hashOf('its log'),
  verdict: 'verified',
  time: 1000
}

test('an attestation reads as it was signed, with every verdict', () => {
  for (const verdict of VERDICTS) {
    const signed = attestation.sign({ ...SAID, verdict }, auditor)
    assert.ok(attestation.verify(signed, auditor.publicKey))
    assert.deepEqual(attestation.decode(attestation.encode(signed)), signed)
  }
})

test('an attestation with any field changed is not signed, nor is one by another', () => {
  const signed = attestation.sign(SAID, auditor)
  const changes: Partial<Attestation>[] = [
    { auditor: hashOf('x') },
    { vm: hashOf('x') },
    { length: 8 },
    { hash: hashOf('x') },
    { verdict: 'fraud' },
    { time: 1001 }
  ]
  for (const change of changes)
    assert.ok(!attestation.verify({ ...signed, ...change }, auditor.publicKey), Object.keys(change)[0])
  assert.ok(!attestation.verify(attestation.sign(SAID, keyPairOf(2)), auditor.publicKey))
})

test('a host that signs with the key of an auditor signs something else', () => {
  const { vm, length, hash, time } = SAID
  const { signature } = headMessage.sign({ vm, length, hash, time }, auditor)
  assert.ok(!attestation.verify({ ...SAID, signature }, auditor.publicKey))
})

test('what is no attestation is refused: an unknown verdict, a byte more, a byte less', () => {
  const bytes = attestation.encode(attestation.sign(SAID, auditor))
  const verdict = 32 + 32 + 1 + 32
  assert.equal(bytes[verdict], 0)
  const unknown = b4a.from(bytes)
  unknown[verdict] = 3
  for (const bad of [unknown, b4a.concat([bytes, b4a.alloc(1)]), bytes.subarray(1), b4a.alloc(0)])
    assert.throws(() => attestation.decode(bad), /malformed/)
})
