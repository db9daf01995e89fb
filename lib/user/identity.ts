// A caller's identity: an ed25519 key pair, kept as its seed (64 hex digits and a newline) in a file of mode 0600.

import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import b4a from 'b4a'
import type { KeyPair } from 'hypercore'
import { codeOf, messageOf, VMSError } from '../errors.js'
import crypto from '../ledger/crypto.js'
import { configFolder } from './folders.js'
import { syncWay } from './synced.js'

export function defaultIdentityFile(): string {
  return path.join(configFolder(), 'identity')
}

/**
 * Reads an identity; makes it if the file does not exist. Processes that do so at once end up with the same one.
 * @throws VMSError INVALID_IDENTITY
 */
export async function loadIdentity(file = defaultIdentityFile()): Promise<KeyPair> {
  try {
    return await readIdentity(file)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    await makeIdentity(file)
    return readIdentity(file)
  }
}

async function readIdentity(file: string): Promise<KeyPair> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw error
    throw new VMSError('INVALID_IDENTITY', `the identity ${file} cannot be read: ${messageOf(error)}`)
  }
  if (!/^[0-9a-f]{64}\n?$/.test(text)) {
    throw new VMSError(
      'INVALID_IDENTITY',
      `${file} is not an identity: "vms identity --identity FILE" makes one`
    )
  }
  return crypto.keyPair(b4a.from(text.trim(), 'hex'))
}

// link() makes the file appear whole, and fails if somebody was faster
async function makeIdentity(file: string): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}`
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
    const handle = await open(temporary, 'wx', 0o600)
    await handle.writeFile(randomBytes(32).toString('hex') + '\n')
    await handle.sync()
    await handle.close()
    await link(temporary, file)
    await syncWay(path.dirname(file)) // what it signs from here on is nobody's without it
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') {
      throw new VMSError('INVALID_IDENTITY', `the identity ${file} cannot be made: ${messageOf(error)}`)
    }
  } finally {
    await rm(temporary, { force: true })
  }
}
