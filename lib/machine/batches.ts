// The blocks of a batch: cut to their size, and appended with the files that they leave.

import { COMMIT_BYTES, COMMIT_WRITE_BYTES, encodeBlock, type Commit } from '../ledger/blocks.js'
import type { Upgrade } from '../ledger/contract.js'
import type { Head } from '../ledger/encoding.js'
import type { Position } from '../ledger/position.js'
import { bytesWritten, encodeRecord } from '../ledger/record.js'
import { mergeChanges, type Executed } from './execute.js'
import type { Transaction } from './transaction.js'

/** What a commit block has besides its records, at most: numbers, and four heads. */
const COMMIT_OVERHEAD_BYTES = 256

/** Appends the block of a batch, and what it writes. @param upgrade if it replaces the contract */
export async function appendCommit(
  transaction: Transaction,
  position: Position,
  batch: Executed[],
  upgrade: Upgrade | null = null
): Promise<{ head: Head; commit: Commit }> {
  const after = await transaction.appendFiles(mergeChanges(batch))
  const commit: Commit = {
    type: 'commit',
    first: position.index,
    base: position.base,
    before: position.files,
    after,
    records: batch.map(({ record }) => record),
    time: Date.now(),
    upgrade
  }
  return { commit, head: await transaction.appendLog(encodeBlock(commit)) }
}

/** A batch closes before its block would exceed COMMIT_BYTES, or its files COMMIT_WRITE_BYTES; a larger record stands alone. */
export function* batchesOf(executed: Executed[]): Iterable<Executed[]> {
  let batch: Executed[] = []
  let size = COMMIT_OVERHEAD_BYTES
  let written = 0
  for (const one of executed) {
    const bytes = encodeRecord(one.record).byteLength
    size += bytes
    written += bytesWritten(one.record)
    if (batch.length > 0 && (size > COMMIT_BYTES || written > COMMIT_WRITE_BYTES)) {
      yield batch
      batch = []
      size = COMMIT_OVERHEAD_BYTES + bytes
      written = bytesWritten(one.record)
    }
    batch.push(one)
  }
  if (batch.length > 0) yield batch
}
