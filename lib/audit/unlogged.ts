// Files that a host signs and does not log. Each length of the files' cores that is signed has to be one that a commit leaves:
// commits replicate core by core, so a copy may see the files before the log, but the host knows of both at once.

import type Hypercore from 'hypercore'
import { decodeBlock } from '../ledger/blocks.js'
import type { Cores } from '../machine/cores.js'
import type { Confirmation, Signed } from '../ledger/statements.js'
import type { Replica } from '../replica/replica.js'
import { within } from '../replica/within.js'
import type { Evidence } from './evidence.js'
import type { Findings } from './findings.js'
import {
  challengeOfFiles,
  proveUnlogged,
  signedFiles,
  type FilesCore,
  type SignedFiles
} from './proof/index.js'

/** Signed heads that are looked into later, of each core: those of a copy that runs ahead of its log. */
const KEPT = 64

/** A commit, as far as it concerns one of the files' cores. */
interface Left {
  block: number
  /** blocks of the core after it */
  length: number
}

export class UnloggedFiles {
  private heads: { signed: SignedFiles; beyond: boolean }[] = []

  constructor(
    private readonly replica: Replica,
    private readonly cores: Cores,
    private readonly evidence: Evidence
  ) {}

  /** Takes note of each head of the files that arrives. @returns what ends that */
  watch(): () => void {
    const stops = (['db', 'blobs'] as const).map(name => {
      const core: Hypercore = this.cores[name]
      const note = () => void this.note(name).catch(() => {}) // the core was closed
      core.on('append', note)
      return () => core.off('append', note)
    })
    return () => stops.forEach(stop => stop())
  }

  /** Takes note of the newest head of one of the cores. */
  async note(core: FilesCore): Promise<void> {
    if (this.cores[core].length === 0) return
    const signed = await signedFiles(this.cores, core)
    const { length } = signed.head
    if (this.heads.some(one => one.signed.core === core && one.signed.head.length === length)) return
    this.heads.push({ signed, beyond: false })
    if (this.heads.length > 2 * KEPT) this.heads.shift()
  }

  /**
   * Looks for the commits that account for the heads that were noted. One that is beyond the log is kept for the next time,
   * unless the host, asked now, stands by a log that does not know of it.
   * @param timeout ms to wait for the host
   * @param patient whether to ask about those only that were beyond the log the last time too
   */
  async check(findings: Findings, timeout: number, patient = false): Promise<void> {
    for (const one of this.heads.splice(0)) {
      const told = await this.look(findings, timeout, one.signed, patient && !one.beyond).catch(
        (error: unknown) => {
          if (error instanceof Missing) return false
          throw error
        }
      )
      if (!told) this.heads.push({ ...one, beyond: true })
    }
  }

  /** @returns whether it can be told */
  private async look(
    findings: Findings,
    timeout: number,
    signed: SignedFiles,
    patient: boolean
  ): Promise<boolean> {
    const next = await this.commitFrom(signed, this.replica.log.length)
    if (next === null) return !patient && this.ask(findings, signed, timeout)
    await this.compare(findings, signed, next, timeout)
    return true
  }

  private async compare(findings: Findings, signed: SignedFiles, next: Left, timeout: number): Promise<void> {
    if (next.length > signed.head.length) await this.accuse(findings, signed, next.block, null, timeout)
  }

  /** @returns whether the host has said what it takes */
  private async ask(findings: Findings, signed: SignedFiles, timeout: number): Promise<boolean> {
    const { replica } = this
    const confirmed = await replica.confirm(challengeOfFiles(signed), timeout)
    if (confirmed === null) return false
    const { length } = confirmed.head
    if (!(await replica.until(() => replica.log.length >= length, timeout))) return false
    const next = await this.commitFrom(signed, length)
    if (next === null) await this.accuse(findings, signed, length, confirmed, timeout)
    else await this.compare(findings, signed, next, timeout)
    return true
  }

  private async accuse(
    findings: Findings,
    signed: SignedFiles,
    end: number,
    confirmed: Signed<Confirmation> | null,
    timeout: number
  ): Promise<void> {
    const last = await this.commitBefore(signed.core, end)
    const to = confirmed ? confirmed.head.length - 1 : end
    const proof = await within(timeout, this.prove(signed, { from: last.block, to }, confirmed), () => null)
    if (proof === null)
      return findings.doubt(last.block, 'the blocks after which files were written are not available')
    const name = signed.core === 'db' ? 'database' : 'blobs'
    const detail =
      `the host has signed ${signed.head.length} blocks of the ${name} of the files, ` +
      (confirmed ? `and its log knows of ${last.length}` : `and its log passes over them from ${last.length}`)
    findings.add('unlogged-write', last.block, null, detail, { proof })
  }

  /** @returns null if not all blocks are to be had, which may have misled who looked for the commit */
  private prove(
    signed: SignedFiles,
    row: { from: number; to: number },
    confirmed: Signed<Confirmation> | null
  ): Promise<Uint8Array | null> {
    return proveUnlogged(this.cores, signed, row, confirmed).catch(() => null)
  }

  /** The first commit that leaves the core as long as the head or longer; null if there is none before `end`. */
  private async commitFrom({ core, head }: SignedFiles, end: number): Promise<Left | null> {
    let [low, high] = [1, end]
    let found: Left | null = null
    while (low < high) {
      const middle = (low + high) >>> 1
      const commit = await this.commitBefore(core, middle + 1)
      if (commit.length >= head.length) [high, found] = [commit.block, commit]
      else low = middle + 1
    }
    return found
  }

  /** The last commit before a block; before all of them there is genesis. */
  private async commitBefore(core: FilesCore, end: number): Promise<Left> {
    for (let n = end - 1; n > 0; n--) {
      const bytes = await this.evidence.block(n)
      if (bytes === null) throw new Missing()
      const length = lengthAfter(bytes, core)
      if (length !== null) return { block: n, length }
    }
    return { block: 0, length: 0 }
  }
}

/** Blocks are not to be had: nothing can be said now. */
class Missing extends Error {}

/** @returns null if it is no commit, or not in its form, which is found elsewhere */
function lengthAfter(bytes: Uint8Array, core: FilesCore): number | null {
  try {
    const block = decodeBlock(bytes)
    return block.type === 'commit' ? block.after[core].length : null
  } catch {
    return null
  }
}
