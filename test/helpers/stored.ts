// What a host's storage holds of a VM, read where it lies: no host runs on it.

import path from 'node:path'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import { decodeKey } from '../../lib/ledger/keys.js'
import { hashRecord } from '../../lib/ledger/record.js'
import { decodeRequest } from '../../lib/ledger/request.js'
import { openFilesCores, openLog, type Cores } from '../../lib/machine/cores.js'
import { readBlock } from '../../lib/machine/load.js'

export interface Stored {
  cores: Cores
  close(): Promise<void>
}

export async function openStored(storage: string, key: string): Promise<Stored> {
  const store = new Corestore(path.join(storage, 'cores'), { readOnly: true })
  await store.ready()
  const log = await openLog(store, decodeKey(key))
  return { cores: await openFilesCores(store, log), close: () => store.close() }
}

/** A call that a log holds; bytes are hexadecimal. */
export interface Logged {
  /** hash of the record */
  hash: string
  /** who called, and the id of the request */
  request: string
}

/** The calls of a log, by index. */
export async function loggedCalls(log: Hypercore): Promise<Logged[]> {
  const calls: Logged[] = []
  for (let n = 1; n < log.length; n++) {
    const block = await readBlock(log, n)
    if (block.type !== 'commit') continue
    for (const [i, one] of block.records.entries()) {
      const { caller, id } = decodeRequest(one.request)
      calls[block.first + i] = { hash: hex(hashRecord(one)), request: `${hex(caller)} ${hex(id)}` }
    }
  }
  return calls
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
