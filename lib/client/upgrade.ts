// Replaces the contract of a VM: a call of `migrate` that its owner signs together with the new source.

import { VMSError } from '../errors.js'
import type { Genesis } from '../ledger/blocks.js'
import {
  MIGRATE,
  UPGRADE_OWNER,
  upgradeArguments,
  type Contract,
  type ContractInForce
} from '../ledger/contract.js'
import type { Calls, CallOptions, CallResult } from './calls.js'

/**
 * @param calls of the owner
 * @param before the contract that is in force
 * @returns where the upgrade stands, and what `migrate` returned
 * @throws VMSError FORBIDDEN if genesis does not let the owner replace it; USAGE if it would change nothing; INVALID_CONTRACT if
 * the host cannot load it, or `migrate` throws; CONTRACT_CHANGED if it was replaced meanwhile; and what calls throw
 */
export function upgrade(
  calls: Calls,
  genesis: Genesis,
  before: ContractInForce,
  contract: Contract,
  options: CallOptions = {}
): Promise<CallResult> {
  if (genesis.upgrade !== UPGRADE_OWNER)
    throw new VMSError(
      'FORBIDDEN',
      'the contract stays as it is: its genesis says that nobody may replace it. Deploy a new VM'
    )
  if (before.source === contract.source)
    throw new VMSError('USAGE', 'this is the contract that is in force already')
  return calls.call(MIGRATE, upgradeArguments(before, contract), options)
}
