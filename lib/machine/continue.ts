// Continues the cores of a VM with blocks that it has signed before, and lost since. They are the same blocks, so their
// signatures are the same too: nothing of it is new to anybody.

import b4a from 'b4a'
import type Hypercore from 'hypercore'
import { messageOf, VMSError } from '../errors.js'
import { decodeBlock, type Block } from '../ledger/blocks.js'
import { sameState } from '../ledger/encoding.js'
import { encodeKey } from '../ledger/keys.js'
import type { Cores } from './cores.js'
import type { Durability } from './durable.js'
import { Transaction } from './transaction.js'

/** Blocks of the log that one write takes, and the bytes of the files with them, at most. */
const BLOCKS_AT_ONCE = 256
const BYTES_AT_ONCE = 8 * 1024 * 1024

/** Blocks of a VM that was just deployed: there is none with fewer. */
const FIRST_BLOCKS = 2

/**
 * Appends what `copy` has more of the log, up to `length`, and of the files. Each write leaves log and files as a commit does.
 * @param copy holds every block, checked by Hypercore against the VM's signatures
 * @throws VMSError FRAUD if the copy is of another history; STORAGE_BROKEN if its log and files disagree; DISK
 */
export async function continueFrom(
  own: Cores,
  copy: Omit<Cores, 'keys'>,
  length: number,
  durability: Durability
): Promise<void> {
  const id = encodeKey(own.keys.log)
  const [ours, theirs] = await Promise.all([own.log.treeHash(), copy.log.treeHash(own.log.length)])
  if (own.log.length > 0 && !b4a.equals(ours, theirs))
    throw new VMSError(
      'FRAUD',
      `${id} is not served: peers hold another history of it that was signed with its keys; two hosts have served it`
    )
  const transaction = await Transaction.open(own, durability)
  try {
    while (transaction.log.length < length) {
      durability.checkRoom()
      await appendSome(transaction, copy, length)
      if (!b4a.equals(await transaction.log.treeHash(), await copy.log.treeHash(transaction.log.length)))
        throw new Error('the log does not go on from what is here')
      await transaction.commit()
    }
  } catch (error) {
    if (error instanceof VMSError) throw error
    throw new VMSError(
      'STORAGE_BROKEN',
      `${id} is not served: what peers hold of it is broken: ${messageOf(error)}`
    )
  } finally {
    await transaction.close()
  }
}

async function appendSome(
  transaction: Transaction,
  copy: Omit<Cores, 'keys'>,
  length: number
): Promise<void> {
  const { log } = transaction
  const blocks: Uint8Array[] = []
  let bytes = 0
  for (let n = log.length; n < length; n++) {
    const block = (await copy.log.get(n, { wait: false }))!
    const decoded = decodeBlock(block)
    blocks.push(block)
    if (decoded.type === 'commit') bytes += await appendFiles(transaction, copy, decoded)
    const enough = blocks.length >= BLOCKS_AT_ONCE || bytes >= BYTES_AT_ONCE
    if (enough && n + 1 >= FIRST_BLOCKS) break
  }
  await log.append(blocks)
}

async function appendFiles(
  transaction: Transaction,
  copy: Omit<Cores, 'keys'>,
  { after }: Extract<Block, { type: 'commit' }>
): Promise<number> {
  const bytes =
    (await appendTo(transaction.db, copy.db, after.db.length)) +
    (await appendTo(transaction.blobs, copy.blobs, after.blobs.length))
  if (!sameState(await transaction.filesState(), after)) throw new Error('its files are not as its log says')
  return bytes
}

/** @returns bytes that were appended */
async function appendTo(own: Hypercore, copy: Hypercore, length: number): Promise<number> {
  const blocks: Uint8Array[] = []
  for (let n = own.length; n < length; n++) blocks.push((await copy.get(n, { wait: false }))!)
  if (blocks.length > 0) await own.append(blocks)
  return blocks.reduce((sum, { byteLength }) => sum + byteLength, 0)
}
