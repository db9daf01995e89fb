// The checks of an audit that execute nothing and read nothing but the log: form, signatures, freshness, replays and
// continuity. Where one fails it is fraud on any machine.

import b4a from 'b4a'
import { messageOf } from '../errors.js'
import { resolvePath } from '../files/path.js'
import {
  CEILINGS,
  COMMIT_BYTES,
  COMMIT_WRITE_BYTES,
  type Commit,
  type Genesis,
  type Limits,
  type RuntimeChange
} from '../ledger/blocks.js'
import {
  hashSource,
  INIT,
  inOrder,
  methodsToCall,
  UPGRADES,
  wrongUpgrade,
  type ContractInForce
} from '../ledger/contract.js'
import { sameState, type FilesState } from '../ledger/encoding.js'
import { expiryOf, type Place } from '../ledger/history.js'
import type { VMKeys } from '../ledger/keys.js'
import { checkOracleCall, wrongOracles, type OracleSpec } from '../ledger/oracles.js'
import type { Position } from '../ledger/position.js'
import { bytesWritten, encodeRecord, MAX_RECORD_BYTES, type Record } from '../ledger/record.js'
import {
  decodeRequest,
  verifyRequest,
  type Request,
  type SignedRequest,
  type CheckedRequest
} from '../ledger/request.js'
import { decodeValue } from '../ledger/values.js'
import { compareUTF8 } from '../utf8.js'
import type { Findings } from './findings.js'

/** @returns why a genesis is not what a host may write; null if it is */
export function checkGenesis(genesis: Genesis, keys: VMKeys): string | null {
  if (!b4a.equals(genesis.sourceHash, hashSource(genesis.source))) return 'the hash is not that of the source'
  if (!b4a.equals(genesis.files, keys.db)) return "the files' key does not follow from the log's"
  if (!inOrder(genesis.methods)) return 'the methods are not in order'
  if (!Object.values<number>(UPGRADES).includes(genesis.upgrade))
    return `policy ${genesis.upgrade} of upgrades is unknown`
  const wrong = wrongOracles(genesis.oracles)
  if (wrong !== null) return wrong
  for (const name of Object.keys(CEILINGS) as (keyof Limits)[]) {
    if (genesis.limits[name] > CEILINGS[name]) return `the limit of ${name} is above ${CEILINGS[name]}`
  }
  return null
}

/** What the checks of a block need to know of the log before it. */
export interface LogContext {
  key: Uint8Array
  genesis: Genesis
  /** The same request in an earlier block, or earlier in this one; takes this one in. */
  earlier: (request: Request, place: Place) => Promise<Place | null>
  /** the log's tree hash at a length up to the block; null if it is not to be had */
  treeHash: (length: number) => Promise<Uint8Array | null>
}

export function checkRuntimeChange(change: RuntimeChange, position: Position, findings: Findings): void {
  if (position.block === 1)
    findings.add(
      'bad-record',
      1,
      null,
      'the deployment is not complete: the first block after genesis is init'
    )
  if (change.base !== position.base) {
    findings.add(
      'bad-record',
      position.block,
      null,
      `its base is block ${change.base}, in force is block ${position.base}`
    )
  }
}

/**
 * Checks a commit and each of its records.
 * @param rebuilt the files as the auditor has them: what the log gives, where the commit before claims something else
 * @returns the requests, or null if one cannot be read
 */
export async function checkCommit(
  commit: Commit,
  bytes: number,
  position: Position,
  rebuilt: FilesState,
  context: LogContext,
  findings: Findings
): Promise<CheckedRequest[] | null> {
  const { block } = position
  checkContinuity(commit, position, rebuilt, findings)
  checkSize(commit, bytes, block, findings)
  const requests: CheckedRequest[] = []
  for (const [i, record] of commit.records.entries()) {
    const index = position.index + i
    const signed = { bytes: record.request, signature: record.signature }
    try {
      requests.push({ signed, request: checkRecord(record, context.genesis.oracles) })
    } catch (error) {
      findings.add('bad-record', block, index, messageOf(error))
      return null
    }
    await checkRequest(
      signed,
      requests[i].request,
      { block, index },
      commit,
      position.contract,
      context,
      findings
    )
    if (block === 1 && i === 0 && !record.outcome.ok)
      findings.add('bad-record', block, index, 'init failed, so there is no deployment')
  }
  return requests
}

function checkContinuity(commit: Commit, position: Position, rebuilt: FilesState, findings: Findings): void {
  const { block, index, base, files } = position
  if (commit.first !== index)
    findings.add('bad-record', block, null, `it begins with call ${commit.first}, due is ${index}`)
  if (commit.base !== base)
    findings.add('bad-record', block, null, `its base is block ${commit.base}, in force is block ${base}`)
  if (!sameState(commit.before, files) && !sameState(commit.before, rebuilt)) {
    findings.add(
      'wrong-state',
      block,
      null,
      'the files before it are not as the commit before left them: they were changed outside of the log'
    )
  }
}

function checkSize(commit: Commit, bytes: number, block: number, findings: Findings): void {
  const { length } = commit.records
  if (length === 0) findings.add('bad-record', block, null, 'it has no records')
  if (length > 1 && bytes > COMMIT_BYTES)
    findings.add('bad-record', block, null, `it has ${bytes} bytes and ${length} records`)
  const written = commit.records.reduce((sum, record) => sum + bytesWritten(record), 0)
  if (length > 1 && written > COMMIT_WRITE_BYTES)
    findings.add('bad-record', block, null, `its ${length} records write ${written} bytes`)
  if (block === 1 && length > 1)
    findings.add('bad-record', block, null, 'the first commit holds more than init')
}

/** @throws Error if a record is not of the form that a host writes */
function checkRecord(record: Record, oracles: OracleSpec[]): Request {
  const request = decodeRequest(record.request)
  if (encodeRecord(record).byteLength > MAX_RECORD_BYTES)
    throw new Error(`it has more than ${MAX_RECORD_BYTES} bytes`)
  for (const call of record.oracles) checkOracleCall(call, oracles)
  if (record.outcome.ok) decodeValue(record.outcome.value)
  else if (record.writes.length > 0) throw new Error('it failed and has writes')
  for (const [i, { path }] of record.writes.entries()) {
    if (path === '/' || resolvePath(path, 'write') !== path)
      throw new Error(`it writes to ${JSON.stringify(path)}`)
    if (i > 0 && compareUTF8(record.writes[i - 1].path, path) >= 0)
      throw new Error('its writes are not in order')
  }
  return request
}

async function checkRequest(
  signed: SignedRequest,
  request: Request,
  place: Place,
  commit: Commit,
  contract: ContractInForce,
  { key, genesis, earlier, treeHash }: LogContext,
  findings: Findings
): Promise<void> {
  const { block, index } = place
  const { caller, method, seen } = request
  if (!b4a.equals(request.vm, key)) findings.add('bad-record', block, index, 'the request is for another VM')
  if (!verifyRequest(signed, caller))
    findings.add('bad-signature', block, index, 'the request is not signed by its caller')

  if (block === 1 && index === 0) {
    if (method !== INIT) findings.add('bad-record', block, index, `the first call is ${method}, not ${INIT}`)
    if (!b4a.equals(caller, genesis.owner))
      findings.add('bad-record', block, index, 'the first call is not signed by the owner')
  } else if (commit.upgrade) {
    const wrong = wrongUpgrade(request, commit.records[0], genesis)
    if (wrong !== null) findings.add('bad-record', block, index, wrong)
    if (commit.upgrade.from !== b4a.toString(hashSource(contract.source), 'hex')) {
      const detail = 'the upgrade is of another contract than the one in force'
      findings.add('bad-record', block, index, detail)
    }
  } else if (!methodsToCall(genesis, contract).includes(method)) {
    findings.add('bad-record', block, index, `${method} is not a method to call`)
  }

  if (seen.length > block) {
    findings.add(
      'bad-freshness',
      block,
      index,
      `the caller cannot have seen ${seen.length} blocks before block ${block}`
    )
  } else {
    if (block >= expiryOf(request, genesis.limits.window)) {
      findings.add(
        'bad-freshness',
        block,
        index,
        `the request was good up to block ${expiryOf(request, genesis.limits.window) - 1}`
      )
    }
    if (seen.length <= contract.block) {
      const detail = `the caller had not seen the contract of block ${contract.block}`
      findings.add('bad-freshness', block, index, detail)
    }
    const hash = await treeHash(seen.length)
    if (hash === null) {
      findings.doubt(block, `the log's tree hash at ${seen.length} blocks is not available`)
    } else if (!b4a.equals(hash, seen.hash)) {
      findings.add(
        'bad-freshness',
        block,
        index,
        `what the caller has seen up to block ${seen.length} is not this log`
      )
    }
  }

  const before = await earlier(request, place)
  if (before) {
    const detail = `the same request is call ${before.index} in block ${before.block}`
    findings.add('replayed-request', block, index, detail, { related: [before.block] })
  }
}
