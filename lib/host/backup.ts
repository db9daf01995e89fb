// A backup of a host: what cannot be fetched from anybody, the keys of its VMs and the oracles that they ask. Log and files
// come back from mirrors.
//
//   file    magic 8 bytes "vms-bkp\1" ‖ salt 16 ‖ nonce 12 ‖ ciphertext ‖ tag 16
//   key     scrypt(passphrase, salt, N = 2^17, r = 8, p = 1), 32 bytes (RFC 7914)
//   cipher  ChaCha20-Poly1305 (RFC 8439); what precedes the ciphertext is authenticated too
//   text    JSON, UTF-8: { vms: [{ seed, title, length, stopped }], oracles: { NAME: base64 } }, a seed as 64 hex digits

import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto'
import b4a from 'b4a'
import { VMSError } from '../errors.js'

const MAGIC = b4a.from('vms-bkp\x01', 'latin1')
const CIPHER = 'chacha20-poly1305'
const SALT_BYTES = 16
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = MAGIC.byteLength + SALT_BYTES + NONCE_BYTES
const SCRYPT = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 }

/** A VM that can be brought to another machine. */
export interface BackedUpVM {
  /** 32 bytes that its key pair derives from */
  seed: Uint8Array
  title: string
  /** blocks that its log had; there are at least so many to be fetched */
  length: number
  stopped: boolean
}

export interface Backup {
  vms: BackedUpVM[]
  /** files of the storage's folder of oracles, by name */
  oracles: Map<string, Uint8Array>
}

/** @param passphrase whoever has it and the file can sign as the VMs */
export function encryptBackup({ vms, oracles }: Backup, passphrase: string): Uint8Array {
  const text = JSON.stringify({
    vms: vms.map(vm => ({ ...vm, seed: b4a.toString(vm.seed, 'hex') })),
    oracles: Object.fromEntries([...oracles].map(([name, bytes]) => [name, b4a.toString(bytes, 'base64')]))
  })
  const header = b4a.concat([MAGIC, randomBytes(SALT_BYTES), randomBytes(NONCE_BYTES)])
  const cipher = createCipheriv(CIPHER, keyOf(passphrase, header), nonceOf(header), {
    authTagLength: TAG_BYTES
  })
  cipher.setAAD(header, { plaintextLength: Buffer.byteLength(text) })
  return b4a.concat([header, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
}

/** @throws VMSError USAGE if it is no backup, damaged, or encrypted with another passphrase */
export function decryptBackup(file: Uint8Array, passphrase: string): Backup {
  const bytes = b4a.from(file)
  const isBackup = b4a.equals(bytes.subarray(0, MAGIC.byteLength), MAGIC)
  if (!isBackup || bytes.byteLength < HEADER_BYTES + TAG_BYTES)
    throw new VMSError('USAGE', 'this is no backup of a host: "vms backup FILE" makes one')
  const header = bytes.subarray(0, HEADER_BYTES)
  const text = bytes.subarray(HEADER_BYTES, -TAG_BYTES)
  const decipher = createDecipheriv(CIPHER, keyOf(passphrase, header), nonceOf(header), {
    authTagLength: TAG_BYTES
  })
  decipher.setAAD(header, { plaintextLength: text.byteLength })
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    return parse(b4a.toString(b4a.concat([decipher.update(text), decipher.final()])))
  } catch (error) {
    throw new VMSError('USAGE', 'the passphrase is another one, or the backup is damaged', { cause: error })
  }
}

interface Parsed {
  vms: { seed: string; title: string; length: number; stopped: boolean }[]
  oracles: { [name: string]: string }
}

// whoever wrote it has the passphrase, so its form is trusted
function parse(text: string): Backup {
  const { vms, oracles } = JSON.parse(text) as Parsed
  return {
    vms: vms.map(vm => ({ ...vm, seed: b4a.from(vm.seed, 'hex') })),
    oracles: new Map(Object.entries(oracles).map(([name, bytes]) => [name, b4a.from(bytes, 'base64')]))
  }
}

function keyOf(passphrase: string, header: Uint8Array): Uint8Array {
  const salt = header.subarray(MAGIC.byteLength, MAGIC.byteLength + SALT_BYTES)
  return scryptSync(passphrase.normalize('NFC'), salt, 32, SCRYPT)
}

function nonceOf(header: Uint8Array): Uint8Array {
  return header.subarray(HEADER_BYTES - NONCE_BYTES)
}
