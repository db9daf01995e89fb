// The contract of a VM as its log has it: where genesis lets the owner replace it, what a block names as its base says which
// contract was in force.

import { messageOf, VMSError } from '../errors.js'
import type { Genesis } from '../ledger/blocks.js'
import { UPGRADE_OWNER, type ContractInForce } from '../ledger/contract.js'
import { encodeKey } from '../ledger/keys.js'
import { inForceAfter } from '../ledger/position.js'
import type { Replica } from './replica.js'

/**
 * The contract that is in force after the newest block of the copy; offline, after the newest that the copy holds.
 * @param timeout ms to wait for a block
 * @throws VMSError NOT_AVAILABLE, BAD_HOST
 */
export async function newestContract(replica: Replica, timeout: number): Promise<ContractInForce> {
  const genesis = await replica.genesis()
  let newest = replica.log.length - 1
  if (genesis.upgrade === UPGRADE_OWNER && !replica.online)
    while (newest > 0 && !(await replica.log.has(newest))) newest--
  return contractAfter(replica, genesis, newest, timeout)
}

/**
 * The contract that is in force after a block.
 * @param timeout ms to wait for a block
 * @throws VMSError NOT_AVAILABLE, BAD_HOST
 */
export async function contractAfter(
  replica: Replica,
  genesis: Genesis,
  number: number,
  timeout: number
): Promise<ContractInForce> {
  const { source, methods, upgrade } = genesis
  if (number === 0 || upgrade !== UPGRADE_OWNER) return { block: 0, source, methods }
  const block = await replica.block(number, timeout)
  try {
    if (block.type === 'genesis') throw new Error('it is a second genesis')
    return (await inForceAfter(genesis, replica.key, block, number, n => replica.block(n, timeout))).contract
  } catch (error) {
    if (error instanceof VMSError) throw error
    throw new VMSError(
      'BAD_HOST',
      `block ${number} of ${encodeKey(replica.key)} cannot be: ${messageOf(error)}`
    )
  }
}
