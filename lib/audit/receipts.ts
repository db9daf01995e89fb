// The host's signed answers that this user kept because the log did not confirm them at the time.

import b4a from 'b4a'
import { decodeBlock } from '../ledger/blocks.js'
import { hashRecord, type Record } from '../ledger/record.js'
import { hashRequest } from '../ledger/request.js'
import { receipt, type Receipt, type Signed } from '../ledger/statements.js'
import type { Cores } from '../machine/cores.js'
import type { Replica } from '../replica/replica.js'
import type { Findings } from './findings.js'
import { hashAt } from './live.js'
import { challengeOfAnswer, proveAnswer, proveAnswerBeyond } from './proof/index.js'

const NOT_HELD = 'the host has signed an answer that its log does not hold'

/** Compares each kept answer with the log; those that stand there are forgotten. */
export async function checkReceipts(
  replica: Replica,
  cores: Cores,
  findings: Findings,
  timeout: number
): Promise<void> {
  for (const one of await replica.memory.receipts()) {
    const { block, index } = one
    if (!b4a.equals(one.vm, replica.key) || !receipt.verify(one, cores.keys.signer)) continue
    if (replica.log.length <= block && !(await reaches(replica, cores, one, findings, timeout))) continue
    const logged = await isLogged(replica, one, timeout)
    if (logged) await replica.memory.forgetReceipt(one)
    else if (logged === null) findings.doubt(block, `block ${block} is not available`)
    else {
      const proof = await proveAnswer(cores, one).catch(() => undefined)
      findings.add('answer-not-logged', block, index, NOT_HELD, { proof })
    }
  }
}

/** Waits for the block of an answer, unless the host, asked now, stands by a log that ends before. */
async function reaches(
  replica: Replica,
  { keys }: Cores,
  one: Signed<Receipt>,
  findings: Findings,
  timeout: number
): Promise<boolean> {
  const { block, index } = one
  const confirmed = await replica.confirm(challengeOfAnswer(one), timeout)
  if (confirmed && confirmed.head.length <= block) {
    const proof = proveAnswerBeyond(keys, one, confirmed)
    findings.add('answer-not-logged', block, index, NOT_HELD, { proof })
    return false
  }
  if (await replica.until(() => replica.log.length > block, timeout)) return true
  findings.doubt(block, `the host has signed an answer in block ${block}, which is not available`)
  return false
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
