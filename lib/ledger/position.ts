// What the next block of a log must continue: host and auditor each derive it from the blocks themselves.

import type { Block, Commit, Genesis, Runtime } from './blocks.js'
import { requireOwners, type Contract, type ContractInForce } from './contract.js'
import type { FilesState } from './encoding.js'

/** What a block names as its base. */
export interface Base {
  /** block of the genesis, upgrade or runtime in force, whichever is the newest */
  base: number
  runtime: Runtime
  contract: ContractInForce
}

export interface Position extends Base {
  /** number of the next block */
  block: number
  /** index of the next call */
  index: number
  /** the files as the last commit left them */
  files: FilesState
}

/** Where a log stands after genesis. @param empty the state of files that were never written */
export function positionAfterGenesis(genesis: Genesis, empty: FilesState): Position {
  return { block: 1, index: 0, ...baseOf(genesis), files: empty }
}

/** Where a log stands after one more block; whether the block continues the log is not checked here. */
export function advance(position: Position, block: Exclude<Block, Genesis>): Position {
  const next = { ...position, block: position.block + 1 }
  if (block.type === 'runtime') return { ...next, base: position.block, runtime: block.runtime }
  const { upgrade } = block
  const base = upgrade && { base: position.block, contract: contractOf(upgrade, position.block) }
  return { ...next, ...base, index: endOf(block), files: block.after }
}

function baseOf(genesis: Genesis): Base {
  return { base: 0, runtime: genesis.runtime, contract: contractOf(genesis, 0) }
}

function contractOf({ source, methods }: Contract, block: number): ContractInForce {
  return { block, source, methods }
}

type Read = (block: number) => Promise<Block>

/**
 * Follows the bases that blocks name, back to the runtime and the contract in force.
 * @param vm key of the log
 * @param base the block that is named
 * @param read reads a block; what it throws is passed on
 * @throws Error if what is named as a base is none, or an upgrade not its owner's
 */
async function inForce(genesis: Genesis, vm: Uint8Array, base: number, read: Read): Promise<Base> {
  let runtime: Runtime | null = null
  let contract: ContractInForce | null = null
  for (let n = base; n > 0 && (runtime === null || contract === null);) {
    const block = await read(n)
    if (block.type === 'runtime') runtime ??= block.runtime
    else if (block.type === 'commit' && block.upgrade) {
      requireOwners(block.records, vm, genesis)
      contract ??= contractOf(block.upgrade, n)
    } else throw new Error(`block ${n} is no base`)
    if (block.base >= n) throw new Error(`the base of block ${n} is block ${block.base}`)
    n = block.base
  }
  const first = baseOf(genesis)
  return { base, runtime: runtime ?? first.runtime, contract: contract ?? first.contract }
}

/**
 * What is in force after a block.
 * @param vm key of the log
 * @param read reads a block; what it throws is passed on
 * @throws Error if what it builds on cannot be
 */
export async function inForceAfter(
  genesis: Genesis,
  vm: Uint8Array,
  block: Exclude<Block, Genesis>,
  number: number,
  read: Read
): Promise<Base> {
  if (block.base >= number) throw new Error(`the base of block ${number} is block ${block.base}`)
  const isBase = block.type === 'runtime' || block.upgrade !== null
  return inForce(genesis, vm, isBase ? number : block.base, read)
}

/** The index after a commit's last call. */
export function endOf(commit: Commit): number {
  return commit.first + commit.records.length
}
