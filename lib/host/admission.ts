// What a host checks before it queues a request. What fails is refused, and leaves no trace in the log.

import b4a from 'b4a'
import { messageOf, VMSError } from '../errors.js'
import {
  checkMethod,
  hashSource,
  methodsToCall,
  MIGRATE,
  readUpgrade,
  UPGRADE_OWNER,
  type Upgrade
} from '../ledger/contract.js'
import { expiryOf } from '../ledger/history.js'
import { encodeKey } from '../ledger/keys.js'
import { decodeRequest, verifyRequest, type Request, type SignedRequest } from '../ledger/request.js'
import { TreeHashes } from '../machine/hashes.js'
import type { Machine } from '../machine/machine.js'
import { headOf } from '../machine/tree.js'

/** Tree hashes that are kept: clients build on one of the last few heads. */
const KEPT_HASHES = 256

export class Admission {
  private readonly hashes: TreeHashes<Uint8Array>
  /** whether the contract of an upgrade is being looked into: one at a time, nobody counts the bytes of those that wait */
  private inspecting = false

  constructor(private readonly machine: Machine) {
    this.hashes = new TreeHashes(async length => (await headOf(machine.cores.log, length)).hash, KEPT_HASHES)
  }

  /**
   * Checks the form, and who asks.
   * @throws VMSError BAD_REQUEST, WRONG_VM, BAD_SIGNATURE
   */
  check(signed: SignedRequest): Request {
    const request = decode(signed)
    const { machine } = this
    if (!b4a.equals(request.vm, machine.key)) {
      throw new VMSError(
        'WRONG_VM',
        `the request is for ${encodeKey(request.vm)}, this is ${encodeKey(machine.key)}`
      )
    }
    if (!verifyRequest(signed, request.caller)) {
      throw new VMSError('BAD_SIGNATURE', `the request is not signed by ${encodeKey(request.caller)}`)
    }
    return request
  }

  /**
   * Checks what is asked for.
   * @throws VMSError NO_SUCH_METHOD; FORBIDDEN, INVALID_CONTRACT if it is an upgrade
   */
  async checkMethod(request: Request): Promise<void> {
    const { genesis, contract } = this.machine
    if (this.isUpgrade(request)) return this.checkUpgrade(request)
    checkMethod(methodsToCall(genesis, contract), request.method)
  }

  /** Whether a request is to replace the contract. */
  isUpgrade({ method }: Request): boolean {
    return method === MIGRATE && this.machine.genesis.upgrade === UPGRADE_OWNER
  }

  private async checkUpgrade(request: Request): Promise<void> {
    const { machine } = this
    const { owner } = machine.genesis
    if (!b4a.equals(request.caller, owner))
      throw new VMSError('FORBIDDEN', `only its owner may replace the contract: ${encodeKey(owner)}`)
    const upgrade = upgradeOf(request)
    if (upgrade.from !== b4a.toString(hashSource(machine.contract.source), 'hex'))
      throw new VMSError('CONTRACT_CHANGED', 'the upgrade is of another contract than the one in force')
    if (this.inspecting)
      throw new VMSError('BUSY', 'the host looks into another upgrade of this VM: send it again later')
    this.inspecting = true
    try {
      await machine.inspect(upgrade)
    } finally {
      this.inspecting = false
    }
  }

  /**
   * @param last the last block that the request could come to stand in
   * @throws VMSError STALE, CONTRACT_CHANGED
   */
  checkExpiry(request: Request, last: number): void {
    const { block } = this.machine.contract
    if (request.seen.length <= block) {
      throw new VMSError(
        'CONTRACT_CHANGED',
        `the contract was replaced in block ${block}, which the caller had not seen: the call did not run; look what the new one does, and call again`
      )
    }
    const { window } = this.machine.genesis.limits
    if (last < expiryOf(request, window)) return
    const { length } = request.seen
    throw new VMSError(
      'STALE',
      `the request builds on block ${length}, the log has gone on for ${window} blocks since`
    )
  }

  /**
   * Checks that what the caller has seen is this log. A length beyond the log is refused before anything is hashed.
   * @throws VMSError STALE
   */
  async checkSeen({ seen }: Request): Promise<void> {
    const { length } = this.machine.head
    if (seen.length > length) {
      throw new VMSError('STALE', `the request builds on ${seen.length} blocks, the log has ${length}`)
    }
    if (!b4a.equals(await this.hashes.at(seen.length), seen.hash)) {
      throw new VMSError(
        'STALE',
        `the request builds on another log than this, from block ${seen.length} at the latest`
      )
    }
  }
}

function upgradeOf(request: Request): Upgrade {
  try {
    return readUpgrade(request)
  } catch (error) {
    throw new VMSError('BAD_REQUEST', `the upgrade is malformed: ${messageOf(error)}`)
  }
}

function decode(signed: SignedRequest): Request {
  try {
    return decodeRequest(signed.bytes)
  } catch (error) {
    throw new VMSError('BAD_REQUEST', `the request is malformed: ${messageOf(error)}`)
  }
}
