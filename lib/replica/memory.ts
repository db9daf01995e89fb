// What a user remembers of a VM from one command to the next: the highest signed head seen, receipts that the log has not
// confirmed, and proofs that the host has signed two histories. Small files, written by rename, so that any number of
// processes share them:
//
//   <folder>/<VM key>/heads/<length>        a signed head (ledger/statements.ts); the highest counts
//   <folder>/<VM key>/receipts/<request>    a signed receipt whose record was not found in the log
//   <folder>/<VM key>/forks/<hash>          a proof of a fork (ledger/sealed.ts, ledger/fork.ts), under its BLAKE2b hash

import { readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import b4a from 'b4a'
import { codeOf } from '../errors.js'
import crypto from '../ledger/crypto.js'
import { verifyFork, type ProvenFork } from '../ledger/fork.js'
import { encodeKey } from '../ledger/keys.js'
import { sealProof, unsealProof } from '../ledger/sealed.js'
import { headMessage, receipt, type HeadMessage, type Receipt, type Signed } from '../ledger/statements.js'
import { writeWhole } from '../user/whole.js'

/** A proof of a fork, and the file that holds it. */
export interface KnownFork extends ProvenFork {
  file: string
  /** the body of the proof */
  body: Uint8Array
}

export class Memory {
  private readonly heads: string
  private readonly unconfirmed: string
  private readonly forks: string

  /** @param folder shared by all of the user's commands */
  constructor(
    folder: string,
    private readonly key: Uint8Array
  ) {
    this.heads = path.join(folder, encodeKey(key), 'heads')
    this.unconfirmed = path.join(folder, encodeKey(key), 'receipts')
    this.forks = path.join(folder, encodeKey(key), 'forks')
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
    await writeWhole(this.heads, String(head.length), headMessage.encode(head))
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
    await writeWhole(this.unconfirmed, nameOf(one), receipt.encode(one))
  }

  async forgetReceipt(one: Signed<Receipt>): Promise<void> {
    await rm(path.join(this.unconfirmed, nameOf(one)), { force: true })
  }

  /** A proof that the host has signed two histories, if one was ever found. */
  async fork(): Promise<KnownFork | null> {
    for (const name of (await list(this.forks)).filter(name => /^[0-9a-f]{64}$/.test(name)).sort()) {
      const file = path.join(this.forks, name)
      try {
        const { type, body } = unsealProof(await readFile(file))
        const proven = type === 'fork' ? verifyFork(body) : null
        if (proven && b4a.equals(proven.key, this.key)) return { ...proven, body, file }
      } catch {
        // damaged, or not written by us: it accuses nobody
      }
    }
    return null
  }

  /**
   * Keeps the proof of a fork.
   * @param body of the proof
   * @throws Error if it proves no fork of this VM
   */
  async rememberFork(body: Uint8Array): Promise<KnownFork> {
    const proven = verifyFork(body)
    if (!b4a.equals(proven.key, this.key)) throw new Error('it is about another VM')
    const bytes = sealProof('fork', body)
    const name = b4a.toString(crypto.hash(bytes), 'hex')
    await writeWhole(this.forks, name, bytes)
    return { ...proven, body, file: path.join(this.forks, name) }
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

/** Names in a folder; none if there is no folder. */
async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}
