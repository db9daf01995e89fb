// Hashes and signatures: BLAKE2b-256 and ed25519, both from sodium by way of hypercore-crypto.
// Every signed statement has a namespace of its own, so that a signature of one kind never passes for another.

import * as hypercoreCrypto from 'hypercore-crypto'
import type { KeyPair } from 'hypercore'
import b4a from 'b4a'

const { hash, keyPair, randomBytes, discoveryKey } = hypercoreCrypto

/** What can be signed: a caller signs requests, an auditor attestations, a VM's log key signs the rest. */
const NAMESPACES = {
  request: hash(b4a.from('vms/request')),
  receipt: hash(b4a.from('vms/receipt')),
  receipts: hash(b4a.from('vms/receipts')),
  head: hash(b4a.from('vms/head')),
  hello: hash(b4a.from('vms/hello')),
  confirmation: hash(b4a.from('vms/confirmation')),
  attestation: hash(b4a.from('vms/attestation'))
}

export type Statement = keyof typeof NAMESPACES

function sign(statement: Statement, bytes: Uint8Array, { secretKey }: KeyPair): Uint8Array {
  return hypercoreCrypto.sign(b4a.concat([NAMESPACES[statement], bytes]), secretKey)
}

function verify(
  statement: Statement,
  bytes: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array
): boolean {
  return hypercoreCrypto.verify(b4a.concat([NAMESPACES[statement], bytes]), signature, publicKey)
}

export default { hash, keyPair, randomBytes, discoveryKey, sign, verify }
