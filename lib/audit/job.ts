// A process of an audit (jobs.ts): replays its ranges, and asks its parent for what it reads.

import { messageOf } from '../errors.js'
import { deriveKeys, type VMKeys } from '../ledger/keys.js'
import type { FilesState } from '../ledger/encoding.js'
import type { TreeNode } from '../ledger/merkle.js'
import type { CoreEvidence, Evidence, FilesEvidence } from './evidence.js'
import { Findings } from './findings.js'
import type { Answer, FromJob, Question, Start } from './jobs.js'
import { replayRanges } from './ranges.js'
import { countBlocks, rangeOf, type BlockRange } from './selection.js'

/** Blocks that are asked for at once, if they will all be needed. */
const BLOCKS_AHEAD = 32

/** How many blocks the parent hears of at once. */
const PROGRESS_BLOCKS = 16

interface ShownCore {
  length: number
  roots: TreeNode[]
}

type ShownFiles = 'late' | 'other' | { files: number; db: ShownCore; blobs: ShownCore }

class ParentEvidence implements Evidence {
  private readonly waiting = new Map<number, (answer: unknown) => void>()
  private readonly blocks = new Map<number, Promise<(Uint8Array | null)[]>>()
  private asked = 0

  constructor(
    readonly keys: VMKeys,
    private readonly ranges: BlockRange[]
  ) {
    process.on('message', ({ id, answer }: Answer) => {
      this.waiting.get(id)?.(answer)
      this.waiting.delete(id)
    })
  }

  async block(number: number): Promise<Uint8Array | null> {
    const range = rangeOf(this.ranges, number)
    if (!range) return (await this.ask<(Uint8Array | null)[]>({ ask: 'blocks', number, count: 1 }))[0]
    const begin = number - ((number - range.start) % BLOCKS_AHEAD)
    for (const at of [begin, begin + BLOCKS_AHEAD]) {
      if (at >= range.end || this.blocks.has(at)) continue
      const count = Math.min(BLOCKS_AHEAD, range.end - at)
      this.blocks.set(at, this.ask({ ask: 'blocks', number: at, count }))
      if (this.blocks.size > 4) this.blocks.delete(this.blocks.keys().next().value!)
    }
    return (await this.blocks.get(begin)!)[number - begin]
  }

  hash(length: number): Promise<Uint8Array | null> {
    return this.ask({ ask: 'hash', length })
  }

  async files(state: FilesState): Promise<FilesEvidence | 'late' | 'other'> {
    const shown = await this.ask<ShownFiles>({ ask: 'files', state })
    if (typeof shown === 'string') return shown
    const core = (name: 'db' | 'blobs'): CoreEvidence => ({
      ...shown[name],
      get: index => this.ask({ ask: 'file block', files: shown.files, core: name, index })
    })
    return { db: core('db'), blobs: core('blobs') }
  }

  private ask<T>(question: Question): Promise<T> {
    const id = this.asked++
    return new Promise(resolve => {
      this.waiting.set(id, answer => resolve(answer as T))
      tell({ type: 'question', id, question })
    })
  }
}

function tell(message: FromJob): void {
  process.send!(message)
}

async function run({ namespace, publicKey, ranges }: Start): Promise<void> {
  const findings = new Findings()
  const all = countBlocks(ranges)
  let done = 0
  try {
    const evidence = new ParentEvidence(deriveKeys(publicKey, namespace), ranges)
    const replayed = await replayRanges(evidence, ranges, findings, () => {
      if (++done % PROGRESS_BLOCKS === 0) tell({ type: 'progress', blocks: PROGRESS_BLOCKS })
      else if (done === all) tell({ type: 'progress', blocks: done % PROGRESS_BLOCKS })
    })
    tell({ type: 'done', found: findings.found, replayed })
  } catch (error) {
    tell({ type: 'failed', message: messageOf(error) })
  }
}

process.once('message', (start: Start) => void run(start))
process.once('disconnect', () => process.exit())
