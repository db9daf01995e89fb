// The proof of a block that is wrong, which whoever gets it replays: the body of a proof of the type `replay`.
//
//   vm      namespace, publicKey (log.ts)
//   block   uint      the disputed one
//   log     the log (log.ts): genesis, the disputed block, those before it that say what it has to continue, those that hold a
//           request which it repeats; and the tree hashes that its callers say they have seen, where that is what is wrong
//   files   array of  db and blobs, two cores (ledger/merkle.ts): what replaying the block reads of the files. Which state
//           each is of follows from the two: a commit names states by their tree hashes. Ascending by their bytes.
//
// The checks are those of an audit (../replay.ts): what the proof does not hold is not available to them, and never speaks
// against the host. A proof that holds anything which they do not read is malformed.

import c, { type Encoder } from 'compact-encoding'
import { decodeExactly, struct } from '../../ledger/encoding.js'
import { decodeRequest } from '../../ledger/request.js'
import type { Finding } from '../findings.js'
import { checkBlock, type CheckedBlock } from './check.js'
import { filesProofs, ProofEvidence, type FilesProof } from './evidence.js'
import {
  keysOf,
  logProof,
  openLogProof,
  shownBlock,
  vmProof,
  type LogProof,
  type ShownLog,
  type VMProof
} from './log.js'
import type { ProvenFinding, Shown } from './verdict.js'

export interface CommitProof {
  vm: VMProof
  block: number
  log: LogProof
  files: FilesProof[]
}

export const commitProof: Encoder<CommitProof> = struct<CommitProof>({
  vm: vmProof,
  block: c.uint,
  log: logProof,
  files: filesProofs
})

export interface Replayed {
  shown: Shown
  checked: CheckedBlock
  /** whether the proof holds anything that was not read */
  unread: boolean
}

/**
 * Replays the block that a proof shows.
 * @param timeout ms after which it is given up
 * @throws Error if the proof is malformed, or its log is not signed
 */
export async function replayProof(body: Uint8Array, timeout: number): Promise<Replayed> {
  const { vm, block, log, files } = decodeExactly(commitProof, body)
  const keys = keysOf(vm)
  const shownLog = openLogProof(keys, log)
  if (!shownLog.blocks.has(block))
    throw new Error(`incomplete: it does not hold block ${block}, which it is about`)
  const evidence = new ProofEvidence(keys, shownLog, files)
  const checked = await checkBlock(evidence, block, timeout)
  const findings = checked.findings.findings.map(one => withCaller(one, shownLog, checked.first))
  return {
    shown: { key: keys.log, genesis: checked.genesis, findings },
    checked,
    unread: !evidence.isRead(checked.read)
  }
}

function withCaller(finding: Finding, log: ShownLog, first: number): ProvenFinding {
  const block = finding.index === null ? null : shownBlock(log, finding.block)
  const record = block?.type === 'commit' ? block.records.at((finding.index ?? 0) - first) : undefined
  if (!record) return finding
  try {
    return { ...finding, caller: decodeRequest(record.request).caller }
  } catch {
    return finding // which is what it is about
  }
}
