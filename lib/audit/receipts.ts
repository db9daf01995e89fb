// The host's signed answers that this user kept because the log did not confirm them at the time.

import b4a from 'b4a'
import { decodeBlock } from '../ledger/blocks.js'
import { hashRecord, type Record } from '../ledger/record.js'
import { hashRequest } from '../ledger/request.js'
import { receipt, type Receipt, type Signed } from '../ledger/statements.js'
import type { Replica } from '../replica/replica.js'
import { within } from '../replica/within.js'
import type { Findings } from './findings.js'

/** Compares each kept answer with the log; those that stand there are forgotten. */
export async function checkReceipts(replica: Replica, findings: Findings, timeout: number): Promise<void> {
  const { keys } = await replica.cores()
  for (const one of await replica.memory.receipts()) {
    const { block, index } = one
    if (!b4a.equals(one.vm, replica.key) || !receipt.verify(one, keys.signer)) continue
    if (!(await replica.until(() => replica.log.length > block, timeout))) {
      findings.doubt(block, `the host has signed an answer in block ${block}, which is not available`)
      continue
    }
    const logged = await isLogged(replica, one, timeout)
    if (logged) await replica.memory.forgetReceipt(one)
    else if (logged === null) findings.doubt(block, `block ${block} is not available`)
    else {
      const detail = 'the host has signed an answer that its log does not hold'
      findings.add('answer-not-logged', block, index, detail)
    }
  }
}

/** @returns null if the block is not to be had */
async function isLogged(replica: Replica, one: Signed<Receipt>, timeout: number): Promise<boolean | null> {
  const { block, index, request, record, hash } = one
  const bytes = await replica.bytes(block, timeout)
  const after = await hashAt(replica, block + 1, timeout)
  if (bytes === null || after === null) return null
  const logged = recordIn(bytes, index)
  if (logged === undefined || !b4a.equals(hashRecord(logged), record)) return false
  const signed = { bytes: logged.request, signature: logged.signature }
  return b4a.equals(hashRequest(signed), request) && b4a.equals(after, hash)
}

function recordIn(bytes: Uint8Array, index: number): Record | undefined {
  try {
    const block = decodeBlock(bytes)
    return block.type === 'commit' ? block.records[index - block.first] : undefined
  } catch {
    return undefined
  }
}

/** The log's tree hash; null if its nodes are not to be had. */
export function hashAt(replica: Replica, length: number, timeout: number): Promise<Uint8Array | null> {
  return within<Uint8Array | null>(timeout, replica.log.treeHash(length), () => null).catch(() => null)
}
