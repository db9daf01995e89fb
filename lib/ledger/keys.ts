// Keys of a VM. The key of its call log is the key of the VM; everything else follows from it.
//
// All three cores have the same plain manifest: version 1, one ed25519 signer, quorum 1, nothing else. A Hypercore's key
// is the hash of its manifest, so a manifest that hashes to the key is *the* manifest.

import Hypercore, { type Manifest } from 'hypercore'
import Hyperdrive from 'hyperdrive'
import crypto from './crypto.js'
import b4a from 'b4a'
import { decode, encode } from 'hypercore-id-encoding'
import { VMSError } from '../errors.js'

const LOG_NAMESPACE = crypto.hash(b4a.from('vms/log'))
const FILES = b4a.from('vms/files')

/** The keys and manifests of the three cores of a VM. */
export interface VMKeys {
  log: Uint8Array
  db: Uint8Array
  blobs: Uint8Array
  manifests: { log: Manifest; db: Manifest; blobs: Manifest }
  /** What signs for the VM: its log's public key. */
  signer: Uint8Array
}

/** @returns the keys of the VM whose log is signed by `publicKey` */
export function deriveKeys(publicKey: Uint8Array, namespace: Uint8Array = LOG_NAMESPACE): VMKeys {
  const log = plainManifest(namespace, publicKey)
  const logKey = Hypercore.key(log)
  const db = plainManifest(crypto.hash([FILES, logKey]), publicKey)
  const dbKey = Hypercore.key(db)
  const blobs = { ...plainManifest(Hyperdrive.getContentManifest(db, dbKey).signers[0].namespace, publicKey) }
  return {
    log: logKey,
    db: dbKey,
    blobs: Hypercore.key(blobs),
    manifests: { log, db, blobs },
    signer: publicKey
  }
}

/**
 * The keys of a VM from its log's manifest, as some peer sent it.
 * @throws VMSError BAD_HOST if it is not the plain manifest that hashes to `key`
 */
export function keysFromManifest(key: Uint8Array, manifest: Manifest): VMKeys {
  const signer = manifest.signers.at(0)
  const keys = signer && deriveKeys(signer.publicKey, signer.namespace)
  if (!keys || !b4a.equals(keys.log, key)) {
    throw new VMSError('BAD_HOST', `${encodeKey(key)} is not the key of a VM: its manifest has another form`)
  }
  return keys
}

function plainManifest(namespace: Uint8Array, publicKey: Uint8Array): Manifest {
  return {
    version: 1,
    hash: 'blake2b',
    allowPatch: false,
    quorum: 1,
    signers: [{ signature: 'ed25519', namespace, publicKey }],
    prologue: null,
    linked: null,
    userData: null
  }
}

/** Prints a key or an identity: z-base-32, 52 characters. */
export function encodeKey(key: Uint8Array): string {
  return encode(b4a.from(key.buffer, key.byteOffset, key.byteLength))
}

/**
 * Reads a VM's key: z-base-32 or hex, with or without `vms://`.
 * @throws VMSError INVALID_KEY
 */
export function decodeKey(text: string | Uint8Array): Uint8Array {
  try {
    if (typeof text !== 'string') return decode(b4a.from(text))
    const key = decode(
      text
        .trim()
        .replace(/^vms:\/\//, '')
        .replace(/\/$/, '')
    )
    if (key.byteLength === 32) return key
  } catch {}
  throw new VMSError(
    'INVALID_KEY',
    `"${String(text).slice(0, 80)}" is not a VM key: expected 52 characters of z-base-32 or 64 of hex, as "vms serve" prints it`
  )
}
