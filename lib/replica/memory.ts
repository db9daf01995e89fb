// What a user remembers of a VM from one command to the next: the highest signed head seen, and receipts that the log has
// not confirmed. Small files, written by rename, so that any number of processes share them:
//
//   <folder>/<VM key>/heads/<length>        a signed head (ledger/statements.ts); the highest counts
//   <folder>/<VM key>/receipts/<request>    a signed receipt whose record was not found in the log

import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import b4a from 'b4a'
import { codeOf } from '../errors.js'
import { encodeKey } from '../ledger/keys.js'
import { headMessage, receipt, type HeadMessage, type Receipt, type Signed } from '../ledger/statements.js'

export class Memory {
  private readonly heads: string
  private readonly unconfirmed: string

  /** @param folder shared by all of the user's commands */
  constructor(folder: string, key: Uint8Array) {
    this.heads = path.join(folder, encodeKey(key), 'heads')
    this.unconfirmed = path.join(folder, encodeKey(key), 'receipts')
  }

  /** The highest head that any of the user's commands has seen. */
  async head(): Promise<Signed<HeadMessage> | null> {
    const [highest] = await this.lengths()
    if (highest === undefined) return null
    const place = path.join(this.heads, String(highest))
    try {
      return headMessage.decode(await readFile(place))
    } catch (error) {
      // a newer one has just replaced it, or it is damaged and must not hide the others
      if (codeOf(error) !== 'ENOENT') await rm(place, { recursive: true, force: true })
      return this.head()
    }
  }

  async rememberHead(head: Signed<HeadMessage>): Promise<void> {
    const known = await this.lengths()
    if (known.some(length => length >= head.length)) return
    await write(this.heads, String(head.length), headMessage.encode(head))
    await Promise.all(known.map(length => rm(path.join(this.heads, String(length)), { force: true })))
  }

  async receipts(): Promise<Signed<Receipt>[]> {
    const names = (await list(this.unconfirmed)).filter(name => /^[0-9a-f]{64}$/.test(name))
    const files = await Promise.all(
      names.map(name => readFile(path.join(this.unconfirmed, name)).catch(() => null))
    )
    return files.flatMap(bytes => {
      try {
        return bytes === null ? [] : [receipt.decode(bytes)]
      } catch {
        return [] // not written by us
      }
    })
  }

  async rememberReceipt(one: Signed<Receipt>): Promise<void> {
    await write(this.unconfirmed, nameOf(one), receipt.encode(one))
  }

  async forgetReceipt(one: Signed<Receipt>): Promise<void> {
    await rm(path.join(this.unconfirmed, nameOf(one)), { force: true })
  }

  private async lengths(): Promise<number[]> {
    const names = await list(this.heads)
    return names
      .filter(name => /^\d+$/.test(name))
      .map(Number)
      .sort((a, b) => b - a)
  }
}

function nameOf(one: Receipt): string {
  return b4a.toString(one.request, 'hex')
}

async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}

async function write(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  await mkdir(folder, { recursive: true })
  const temporary = path.join(folder, `.${name}.${randomBytes(6).toString('hex')}`)
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path.join(folder, name))
}
