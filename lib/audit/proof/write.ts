// Writes the proof of a block that is wrong, from a copy of its VM.

import c from 'compact-encoding'
import { VMSError } from '../../errors.js'
import { sealProof } from '../../ledger/sealed.js'
import type { Cores } from '../../machine/cores.js'
import type { Evidence } from '../evidence.js'
import type { Finding, Kind } from '../findings.js'
import type { ReadFiles } from '../recorder.js'
import { checkBlock, CHECK_MS, type CheckedBlock } from './check.js'
import { commitProof, replayProof, type CommitProof } from './commit.js'
import { proveBlocks } from './core.js'
import { inOrder, isEmpty, type FilesProof } from './evidence.js'
import { proveLog, proveVM } from './log.js'

/** A copy of a VM that a proof is made of. */
export interface ProofSource {
  cores: Cores
  /** what the copy holds, or fetches */
  evidence: Evidence
}

/** Kinds of findings that are seen without the files. */
const SEEN_IN_LOG = new Set<Kind>([
  'bad-genesis',
  'bad-record',
  'bad-signature',
  'bad-freshness',
  'replayed-request'
])

/** What of that which was read goes into a proof. */
export interface Parts {
  blocks: Iterable<number>
  lengths: Iterable<number>
  files: ReadFiles[]
}

/**
 * Writes the proof of what is wrong with a block. It holds no more than it takes, and was verified.
 * @returns null if the block alone shows nothing wrong; files that are signed otherwise take another proof (unlogged.ts)
 * @throws VMSError NOT_AVAILABLE if the copy does not hold what it takes
 */
export async function writeProof(source: ProofSource, block: number): Promise<Uint8Array | null> {
  const checked = await checkBlock(source.evidence, block, CHECK_MS)
  const findings = checked.findings.findings.filter(({ kind }) => kind !== 'forked')
  if (findings.length === 0) return null
  const withFiles = partsOf(checked, block, checked.read.read)
  const inLog = findings.every(({ kind }) => SEEN_IN_LOG.has(kind))
  // also where files differ, the log alone may show it
  const choices = [{ ...withFiles, files: [] }, ...(inLog ? [] : [withFiles])]
  for (const parts of choices) {
    const body = await provenBody(source, block, parts, findings)
    if (body !== null) return sealProof('replay', body)
  }
  throw new VMSError(
    'NOT_AVAILABLE',
    `the copy does not hold what it takes to prove what is wrong with block ${block}`
  )
}

function partsOf({ findings, before, read }: CheckedBlock, block: number, files: ReadFiles[]): Parts {
  const related = findings.findings.flatMap(one => one.related ?? [])
  const wantsLengths = findings.findings.some(({ kind }) => kind === 'bad-freshness')
  return {
    blocks: new Set([0, block, ...before, ...related]),
    lengths: wantsLengths ? read.lengths : [],
    files: files.filter(({ state }) => !isEmpty(state))
  }
}

/** @returns null if these parts do not show all that was found */
async function provenBody(
  source: ProofSource,
  block: number,
  parts: Parts,
  findings: Finding[]
): Promise<Uint8Array | null> {
  const body = c.encode(commitProof, await assemble(source, block, parts))
  const { shown, unread, checked } = await replayProof(body, CHECK_MS)
  const all = new Set(shown.findings.map(nameOf))
  if (!findings.every(one => all.has(nameOf(one)))) return null
  if (!unread) return body
  const read: Parts = {
    blocks: checked.read.blocks,
    lengths: checked.read.lengths,
    files: checked.read.read.filter(({ state }) => !isEmpty(state))
  }
  return sizeOf(read) < sizeOf(parts) ? provenBody(source, block, read, findings) : null
}

function nameOf({ kind, block, index }: Finding): string {
  return `${kind} ${block} ${index}`
}

function sizeOf({ blocks, lengths, files }: Parts): number {
  return files.reduce((sum, { db, blobs }) => sum + 1 + db.size + blobs.size, [...blocks, ...lengths].length)
}

/** @throws VMSError NOT_AVAILABLE */
export async function assemble(
  { cores, evidence }: ProofSource,
  block: number,
  { blocks, lengths, files }: Parts
): Promise<CommitProof> {
  const contents = new Map<number, Uint8Array>()
  for (const number of blocks) {
    const bytes = await evidence.block(number)
    if (bytes === null) throw new VMSError('NOT_AVAILABLE', `block ${number} is not available any more`)
    contents.set(number, bytes)
  }
  const proofs: FilesProof[] = []
  for (const { state, db, blobs } of files) {
    proofs.push({
      db: await proveBlocks(cores.db, state.db.length, db),
      blobs: await proveBlocks(cores.blobs, state.blobs.length, blobs)
    })
  }
  return {
    vm: proveVM(cores.keys),
    block,
    log: await proveLog(cores.log, contents, lengths),
    files: inOrder(proofs)
  }
}
