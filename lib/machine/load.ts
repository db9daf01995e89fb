// Reads a VM's log as far as it takes to go on from its end: genesis, and the last window of blocks.

import type Hypercore from 'hypercore'
import { messageOf, VMSError } from '../errors.js'
import { decodeBlock, type Block, type Commit, type Genesis } from '../ledger/blocks.js'
import { History } from '../ledger/history.js'
import { encodeKey } from '../ledger/keys.js'
import { endOf, type Position } from '../ledger/position.js'
import { decodeRequest, type Request } from '../ledger/request.js'

export interface LoadedLog {
  genesis: Genesis
  position: Position
  history: History
}

/** @throws VMSError STORAGE_BROKEN if the log is not one that a host could have written */
export async function loadLog(log: Hypercore): Promise<LoadedLog> {
  const genesis = await readBlock(log, 0)
  if (genesis.type !== 'genesis' || log.length < 2) throw broken(log, 'it does not begin with a deployment')
  const history = new History(genesis.limits.window)
  let last: Commit | null = null
  for (let n = Math.max(1, log.length - genesis.limits.window); n < log.length; n++) {
    const block = await readBlock(log, n)
    if (block.type !== 'commit') continue
    last = block
    for (const [i, { request }] of block.records.entries()) {
      history.add(readRequest(log, request), { block: n, index: block.first + i })
    }
  }
  const { block: end, commit } = last ? { block: log.length, commit: last } : await lastCommit(log)
  const { base, runtime } = await inForce(log, genesis, commit)
  return {
    genesis,
    history,
    position: { block: end, index: endOf(commit), base, runtime, files: commit.after }
  }
}

/** @throws VMSError STORAGE_BROKEN if the block cannot be read */
export async function readBlock(log: Hypercore, number: number): Promise<Block> {
  try {
    const bytes = await log.get(number, { wait: false })
    if (bytes !== null) return decodeBlock(bytes)
  } catch (error) {
    throw broken(log, messageOf(error))
  }
  throw broken(log, `block ${number} is missing`)
}

function readRequest(log: Hypercore, bytes: Uint8Array): Request {
  try {
    return decodeRequest(bytes)
  } catch (error) {
    throw broken(log, messageOf(error))
  }
}

// a log whose last window holds no commit: only runtimes changed
async function lastCommit(log: Hypercore): Promise<{ block: number; commit: Commit }> {
  for (let n = log.length - 1; n > 0; n--) {
    const block = await readBlock(log, n)
    if (block.type === 'commit') return { block: log.length, commit: block }
  }
  throw broken(log, 'it holds no commit')
}

// the newest runtime block stands after the last commit, or is the base that the commit names
async function inForce(
  log: Hypercore,
  genesis: Genesis,
  last: Commit
): Promise<Pick<Position, 'base' | 'runtime'>> {
  for (let n = log.length - 1; n > last.base; n--) {
    const block = await readBlock(log, n)
    if (block.type === 'runtime') return { base: n, runtime: block.runtime }
    if (block.type === 'commit') break
  }
  if (last.base === 0) return { base: 0, runtime: genesis.runtime }
  const block = await readBlock(log, last.base)
  if (block.type !== 'runtime') throw broken(log, `block ${last.base} is no runtime`)
  return { base: last.base, runtime: block.runtime }
}

function broken(log: Hypercore, why: string): VMSError {
  return new VMSError('STORAGE_BROKEN', `the log of ${encodeKey(log.key)} cannot be continued: ${why}`)
}
