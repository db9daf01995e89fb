// The format of proofs is what fixtures/vectors/proofs.json says, and each of them is proven on any runtime.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { verifyProof } from '../../../lib/audit/proof/index.js'
import { decodeExactly } from '../../../lib/ledger/encoding.js'
import { PROOF, unsealProof } from '../../../lib/ledger/sealed.js'
import { fromJSON, hex, temporary, toJSON, unhex } from '../../ledger/helper.js'
import { BODIES, encodeAgain, proofVectors, type ProofVector } from './vectors.js'

const file = new URL('../../../../fixtures/vectors/proofs.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as ProofVector[]

for (const { name, type, bytes, decoded, key, findings } of vectors) {
  test(`${type}: ${name}`, async () => {
    const { type: told, body } = unsealProof(unhex(bytes))
    assert.equal(told, type)
    assert.deepEqual(toJSON(decodeExactly(BODIES[type], body)), decoded)
    assert.equal(hex(encodeAgain(type, fromJSON(decoded) as object)), bytes)
    const verified = await verifyProof(unhex(bytes))
    assert.deepEqual([verified.verdict, verified.key, verified.reason], ['proven', key, null])
    assert.deepEqual(
      verified.findings.map(({ kind, block, index }) => ({ kind, block, index })),
      findings
    )
  })
}

test('there is a vector of each type', () => {
  assert.deepEqual([...new Set(vectors.map(({ type }) => type))].sort(), Object.keys(PROOF).sort())
})

test('proofs are written as the vectors say', async t => {
  assert.deepEqual(await proofVectors(await temporary(t)), vectors)
})
