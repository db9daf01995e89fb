// The records of a VM, one after the other. Blocks before the first record asked for are not fetched, but for a few.

import b4a from 'b4a'
import type { Commit } from '../ledger/blocks.js'
import { hashSource } from '../ledger/contract.js'
import { endOf } from '../ledger/position.js'
import type { Record } from '../ledger/record.js'
import { contractAfter } from '../replica/contract.js'
import type { Replica } from '../replica/replica.js'
import { NEVER } from '../replica/within.js'

export interface Logged {
  index: number
  block: number
  record: Record
  /** the contract that ran it */
  contract: Ran
}

export interface Ran {
  /** block of the genesis or upgrade that holds it */
  block: number
  /** hash of its source, hex */
  hash: string
}

export interface RecordsOptions {
  /** index of the first record, 0 if not given */
  from?: number
  /** goes on as new commits arrive */
  follow?: boolean
  /** ms to wait for a block */
  timeout: number
}

/** @throws VMSError NOT_AVAILABLE, BAD_HOST; FRAUD, REWOUND while it follows */
export async function* records(replica: Replica, options: RecordsOptions): AsyncGenerator<Logged> {
  const { from = 0, follow = false, timeout } = options
  const genesis = await replica.genesis()
  let contract: Ran = { block: -1, hash: '' }
  let base = -1 // what it was found from
  let next = await blockOf(replica, from, timeout)
  const download = replica.log.download({ start: next, end: follow ? -1 : replica.log.length })
  try {
    for (;;) {
      for (; next < replica.log.length; next++) {
        const block = await replica.block(next, timeout)
        if (block.type !== 'commit') continue
        const after = block.upgrade ? next : block.base
        if (after !== base) {
          const { block: since, source } = await contractAfter(replica, genesis, next, timeout)
          if (contract.block !== since)
            contract = { block: since, hash: b4a.toString(hashSource(source), 'hex') }
          base = after
        }
        for (const [i, record] of block.records.entries()) {
          if (block.first + i >= from) yield { index: block.first + i, block: next, record, contract }
        }
      }
      if (!follow) return
      await replica.until(() => replica.log.length > next, NEVER)
    }
  } finally {
    download.destroy()
  }
}

/** Number of records in the log. */
export async function countRecords(replica: Replica, timeout: number): Promise<number> {
  const last = await commitBefore(replica, replica.log.length, timeout)
  return last === null ? 0 : endOf(last.commit)
}

/** The block that holds record `index`, or would: a binary search over the commits. */
async function blockOf(replica: Replica, index: number, timeout: number): Promise<number> {
  if (index === 0) return 1
  let low = 1
  let high = replica.log.length // its commits are all at or after the record's
  while (low < high) {
    const middle = (low + high) >>> 1
    const found = await commitBefore(replica, middle + 1, timeout)
    if (found !== null && endOf(found.commit) > index) high = found.block
    else low = middle + 1
  }
  return low
}

/** The last commit before block `end`: other blocks are rare. */
async function commitBefore(
  replica: Replica,
  end: number,
  timeout: number
): Promise<{ block: number; commit: Commit } | null> {
  for (let n = end - 1; n > 0; n--) {
    const block = await replica.block(n, timeout)
    if (block.type === 'commit') return { block: n, commit: block }
  }
  return null
}
