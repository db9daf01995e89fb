// Checks one block of a log as an audit does, and nothing else of it.

import type { Genesis } from '../../ledger/blocks.js'
import { Findings } from '../findings.js'
import { Recorder } from '../recorder.js'
import { Replay, Stop } from '../replay.js'
import type { Evidence } from '../evidence.js'

/** How long a block may take to be checked, ms. */
export const CHECK_MS = 600_000

export interface CheckedBlock {
  findings: Findings
  /** what was read */
  read: Recorder
  /** the blocks that say what this one has to continue, genesis among them */
  before: Set<number>
  /** null if the log has none */
  genesis: Genesis | null
  /** index of the block's first call */
  first: number
  /** whether it was given up before it ended */
  late: boolean
}

/**
 * @param evidence what it does not hold is doubtful, and nothing else
 * @param timeout ms after which it is given up
 */
export async function checkBlock(evidence: Evidence, block: number, timeout: number): Promise<CheckedBlock> {
  const read = new Recorder(evidence)
  const findings = new Findings()
  const replay = new Replay(read, findings)
  const checked: CheckedBlock = {
    findings,
    read,
    before: new Set(),
    genesis: null,
    first: 0,
    late: false
  }
  const run = async () => {
    await replay.open()
    checked.genesis = replay.genesis
    if (block === 0) return
    await replay.seek(block)
    checked.first = replay.position.index
    checked.before = new Set(read.blocks)
    await replay.step()
  }
  let timer: NodeJS.Timeout | undefined
  const giveUp = new Promise<void>(resolve => {
    timer = setTimeout(() => {
      checked.late = true
      resolve()
    }, timeout)
  })
  try {
    const running = run()
    running.catch(() => {}) // of what was given up, nobody asks how it ended
    await Promise.race([running, giveUp])
  } catch (error) {
    if (!(error instanceof Stop)) throw error
  } finally {
    clearTimeout(timer)
    await replay.close()
  }
  return checked
}
