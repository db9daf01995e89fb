// How far the watch over a VM has come: a small file, written by rename, from which it goes on after a restart.

import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { writeWhole } from '../user/whole.js'
import { encodeKey } from '../ledger/keys.js'
import { describeRuntime, ENGINE, RUNTIME } from '../machine/runtime.js'
import { KINDS, type Doubt, type Finding } from './findings.js'

/** Findings and doubts that are remembered, of each: the first ones. */
const KEPT = 100

export interface Progress {
  /** blocks that were checked */
  length: number
  /** tree hash of the log at that length, hex */
  hash: string
  /** calls in these blocks */
  calls: number
  findings: Finding[]
  doubts: Doubt[]
}

interface File extends Progress {
  format: 1
  /** what it was checked with */
  engine: number
  runtime: string
}

export const NOTHING: Progress = { length: 0, hash: '', calls: 0, findings: [], doubts: [] }

export class ProgressFile {
  private readonly file: string

  /** @param folder of whoever watches */
  constructor(
    private readonly folder: string,
    key: Uint8Array
  ) {
    this.file = path.join(folder, `${encodeKey(key)}.json`)
  }

  /** What was saved; nothing if it cannot be read, or if this release or machine may see more than the one that saved it. */
  async load(): Promise<Progress> {
    try {
      const file = JSON.parse(await readFile(this.file, 'utf8')) as File
      const same = file.format === 1 && file.engine === ENGINE && file.runtime === describeRuntime(RUNTIME)
      if (!same && (file.format !== 1 || file.doubts.length > 0)) return NOTHING
      return isWhole(file) ? wholeOf(file) : NOTHING
    } catch {
      return NOTHING
    }
  }

  async save({ findings, doubts, ...progress }: Progress): Promise<void> {
    const file: File = {
      format: 1,
      engine: ENGINE,
      runtime: describeRuntime(RUNTIME),
      ...progress,
      findings: findings
        .slice(0, KEPT)
        .map(({ kind, block, index, detail }) => ({ kind, block, index, detail })),
      doubts: doubts.slice(0, KEPT)
    }
    await writeWhole(this.folder, path.basename(this.file), JSON.stringify(file) + '\n')
  }
}

function wholeOf({ length, hash, calls, findings, doubts }: File): Progress {
  return { length, hash, calls, findings, doubts }
}

function isWhole({ length, hash, calls, findings, doubts }: File): boolean {
  const isCount = (one: unknown) => Number.isSafeInteger(one) && (one as number) >= 0
  return (
    isCount(length) &&
    isCount(calls) &&
    typeof hash === 'string' &&
    findings.every(
      ({ kind, block, detail }) => KINDS.includes(kind) && isCount(block) && typeof detail === 'string'
    ) &&
    doubts.every(({ block, reason }) => isCount(block) && typeof reason === 'string')
  )
}
