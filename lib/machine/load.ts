// Reads a VM's log as far as it takes to go on from its end.

import type Hypercore from 'hypercore'
import { messageOf, VMSError } from '../errors.js'
import { decodeBlock, type Block, type Commit, type Genesis } from '../ledger/blocks.js'
import { History } from '../ledger/history.js'
import { encodeKey } from '../ledger/keys.js'
import { endOf, inForceAfter, type Position } from '../ledger/position.js'
import { decodeRequest, type Request } from '../ledger/request.js'

export interface LoadedLog {
  genesis: Genesis
  position: Position
  /** when its last commit was made, by the host's clock */
  time: number
}

/** @throws VMSError STORAGE_BROKEN if the log is not one that a host could have written */
export async function loadLog(log: Hypercore): Promise<LoadedLog> {
  const genesis = await readBlock(log, 0)
  if (genesis.type !== 'genesis' || log.length < 2) throw broken(log, 'it does not begin with a deployment')
  const commit = await lastCommit(log)
  const newest = await readBlock(log, log.length - 1)
  if (newest.type === 'genesis') throw broken(log, 'it ends with a second genesis')
  const base = await inForceAfter(genesis, log.key, newest, log.length - 1, n => readBlock(log, n)).catch(
    (error: unknown) => {
      throw error instanceof VMSError ? error : broken(log, messageOf(error))
    }
  )
  return {
    genesis,
    time: commit.time,
    position: { ...base, block: log.length, index: endOf(commit), files: commit.after }
  }
}

/**
 * Takes in the requests of a block.
 * @throws VMSError STORAGE_BROKEN
 */
export async function addBlock(history: History, log: Hypercore, number: number): Promise<void> {
  const block = await readBlock(log, number)
  if (block.type !== 'commit') return
  for (const [i, { request }] of block.records.entries()) {
    history.add(readRequest(log, request), { block: number, index: block.first + i })
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

async function lastCommit(log: Hypercore): Promise<Commit> {
  for (let n = log.length - 1; n > 0; n--) {
    const block = await readBlock(log, n)
    if (block.type === 'commit') return block
  }
  throw broken(log, 'it holds no commit')
}

function broken(log: Hypercore, why: string): VMSError {
  return new VMSError('STORAGE_BROKEN', `the log of ${encodeKey(log.key)} cannot be continued: ${why}`)
}
