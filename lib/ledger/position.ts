// What the next block of a log must continue: host and auditor each derive it from the blocks themselves.

import type { Block, Commit, Genesis, Runtime } from './blocks.js'
import type { FilesState } from './encoding.js'

export interface Position {
  /** number of the next block */
  block: number
  /** index of the next call */
  index: number
  /** block of the genesis or runtime in force */
  base: number
  runtime: Runtime
  /** the files as the last commit left them */
  files: FilesState
}

/** Where a log stands after genesis. @param empty the state of files that were never written */
export function positionAfterGenesis(genesis: Genesis, empty: FilesState): Position {
  return { block: 1, index: 0, base: 0, runtime: genesis.runtime, files: empty }
}

/** Where a log stands after one more block; whether the block continues the log is not checked here. */
export function advance(position: Position, block: Exclude<Block, Genesis>): Position {
  const next = { ...position, block: position.block + 1 }
  if (block.type === 'runtime') return { ...next, base: position.block, runtime: block.runtime }
  return { ...next, index: endOf(block), files: block.after }
}

/** The index after a commit's last call. */
export function endOf(commit: Commit): number {
  return commit.first + commit.records.length
}
