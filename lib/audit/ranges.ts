// Replays ranges of a log, in this process.

import type { Evidence } from './evidence.js'
import type { Findings } from './findings.js'
import { Replay, Stop } from './replay.js'
import type { BlockRange } from './selection.js'

export interface Replayed {
  /** records that the log holds, as far as it was read */
  calls: number
  /** records that were executed again */
  checked: number
}

/**
 * Checks genesis and each range. What cannot be read on in one range does not keep the others from being checked.
 * @param onblock called after each block
 */
export async function replayRanges(
  evidence: Evidence,
  ranges: BlockRange[],
  findings: Findings,
  onblock: () => void = () => {}
): Promise<Replayed> {
  const replay = new Replay(evidence, findings)
  try {
    if (await unlessStopped(() => replay.open())) {
      for (const { start, end } of ranges) {
        await unlessStopped(async () => {
          await replay.seek(start)
          while (replay.position.block < end) {
            await replay.step()
            onblock()
          }
        })
        await replay.settle()
      }
    }
    return { calls: replay.calls, checked: replay.checked }
  } finally {
    await replay.close()
  }
}

/** @returns whether all of it was done */
async function unlessStopped(work: () => Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (error instanceof Stop) return false
    throw error
  }
}
