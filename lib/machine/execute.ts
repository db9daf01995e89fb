// Executes requests one after the other, each against the files as those before it left them. The host, the auditor and
// local queries all come through here: the same requests on the same files give the same records.

import b4a from 'b4a'
import { BoundedTree, StepsExceeded } from '../files/bounded.js'
import { FileError } from '../files/errors.js'
import { Overlay, type Changes } from '../files/overlay.js'
import { SystemFiles } from '../files/system.js'
import type { Tree } from '../files/tree.js'
import { COMMIT_WRITE_BYTES, type Terms } from '../ledger/blocks.js'
import { MIGRATE, migration } from '../ledger/contract.js'
import crypto from '../ledger/crypto.js'
import { encodeKey } from '../ledger/keys.js'
import {
  bytesWritten,
  encodeRecord,
  MAX_RECORD_BYTES,
  type Outcome,
  type OracleCall,
  type Record,
  type Write
} from '../ledger/record.js'
import type { CheckedRequest, Request } from '../ledger/request.js'
import { encodeValue, type Value } from '../ledger/values.js'
import type { Executor } from '../sandbox/executor.js'
import type { BatchHandler, Call, CallResult, SystemAnswer } from '../sandbox/types.js'
import { compareUTF8 } from '../utf8.js'
import { CallOracles, NO_ORACLES, Waiting, type Oracles } from './oracles.js'

export interface Executed {
  request: CheckedRequest
  record: Record
  /** what the call wrote: nothing if it failed */
  changes: Changes
}

export interface ExecuteOptions {
  /** asked after each call: whether to stop here, and leave the rest for another time */
  enough?: () => boolean
  /** answers what calls ask of oracles; without it a call that asks is an error */
  oracles?: Oracles
}

/**
 * @param first index of the first call
 * @param files the files before the first call
 * @returns for each request its record and changes, or null if the executor had to kill the call: it has no outcome, and
 * the calls after it are as if it had never been. Fewer than requests, but one at least, if it was enough, if more would
 * not fit into a commit, or if the next one waits for an oracle
 */
export async function execute(
  executor: Executor,
  terms: Terms,
  first: number,
  files: Tree,
  requests: CheckedRequest[],
  { enough = () => false, oracles = NO_ORACLES }: ExecuteOptions = {}
): Promise<(Executed | null)[]> {
  const results: (Executed | null)[] = []
  const batch = new BatchState(files, terms, enough, oracles)
  let index = first
  while (results.length < requests.length) {
    const rest = requests.slice(results.length)
    const calls = rest.map(({ request }, i) => callOf(request, index + i))
    const run = batch.handler(rest)
    const options = { gas: terms.limits.gas, oracles: terms.oracles }
    let stopped: Full | Waiting | null = null
    const ended = await executor.run(terms.source, calls, run.handler, options).catch((error: unknown) => {
      if (!(error instanceof Full) && !(error instanceof Waiting)) throw error
      stopped = error
      return 0
    })
    results.push(...run.executed)
    if (stopped !== null) {
      if (results.length > 0) break // those that are done wait for nothing
      await (stopped as Waiting).answer
      continue
    }
    index += ended
    if (ended < rest.length) results.push(null)
  }
  return results
}

/** Ends a run between two calls. */
class Full extends Error {}

function callOf(request: Request, index: number): Call {
  const { method, args } = request
  return { method, args, caller: encodeKey(request.caller), vm: encodeKey(request.vm), index }
}

/** The files while a batch runs, and what each call does to them. */
class BatchState {
  private readonly pending: Overlay
  private written = 0

  constructor(
    files: Tree,
    private readonly terms: Terms,
    private readonly enough: () => boolean,
    private readonly oracles: Oracles
  ) {
    this.pending = new Overlay(files)
  }

  handler(requests: CheckedRequest[]): { handler: BatchHandler; executed: Executed[] } {
    const executed: Executed[] = []
    const begin = (position: number) =>
      new CallState(this.pending, this.terms, new CallOracles(this.oracles, requests[position]))
    let call = begin(0)
    return {
      executed,
      handler: {
        system: (_position, name, args) => call.system(name, args),
        again: position => {
          call = begin(position) // an oracle that it has asked gives it the same answer
        },
        end: (position, result) => {
          const done = call.end(requests[position], result)
          this.pending.apply(done.changes)
          executed.push(done)
          if (position < requests.length - 1) call = begin(position + 1)
          this.written += bytesWritten(done.record)
          const full = this.written > COMMIT_WRITE_BYTES || this.enough()
          return full && position < requests.length - 1 ? Promise.reject(new Full()) : Promise.resolve()
        }
      }
    }
  }
}

/** One call: its System calls while it runs, its record when it ends. */
class CallState {
  private readonly overlay: Overlay
  private readonly files: SystemFiles
  private written = 0
  private exceeded: string | null = null

  constructor(
    batch: Overlay,
    private readonly terms: Terms,
    private readonly oracles: CallOracles
  ) {
    // below the overlay too: what the call has deleted is passed over there again and again, and seen by nobody above
    this.overlay = new Overlay(new BoundedTree(batch))
    this.files = new SystemFiles(this.overlay, terms.limits.fileBytes, new BoundedTree(this.overlay))
  }

  async system(name: string, args: Value[]): Promise<SystemAnswer> {
    try {
      // over its limits it runs on for nothing: let it cost nothing
      if (this.exceeded !== null) return { ok: false, code: 'LIMIT', message: this.exceeded }
      const [space, oracle, method] = name.split('.')
      if (space === 'oracles') return await this.ask(oracle, method, args)
      return { ok: true, value: await this.dispatch(name, args) }
    } catch (error) {
      if (error instanceof StepsExceeded) {
        this.exceeded = error.message
        return { ok: false, code: 'LIMIT', message: error.message }
      }
      if (error instanceof FileError) return { ok: false, code: error.code, message: error.message }
      throw error // not the contract's fault: no outcome may depend on it
    }
  }

  private async ask(name: string, method: string, args: Value[]): Promise<SystemAnswer> {
    const isListed = this.terms.oracles.some(one => one.name === name && one.methods.includes(method))
    if (!isListed) throw new FileError('EINVAL', `oracles.${name}`, '', 'there is no such System call')
    const answer = await this.oracles.ask(name, method, args)
    if (!answer.ok && answer.code === 'LIMIT') this.exceeded = answer.message
    return answer
  }

  private async dispatch(name: string, args: Value[]): Promise<Value> {
    const [path, second] = args
    switch (name) {
      case 'files.readFile': {
        if (second !== undefined && second !== null && second !== 'utf8' && second !== 'binary') {
          throw new FileError(
            'EINVAL',
            'open',
            typeof path === 'string' ? path : typeof path,
            "an encoding is 'utf8' or 'binary'"
          )
        }
        const content = await this.files.readFile(path)
        return second === 'binary' ? content : b4a.toString(content)
      }
      case 'files.writeFile':
        await this.files.writeFile(path, second)
        this.spend(second)
        return null
      case 'files.readdir':
        return this.files.readdir(path, optionsOf(second))
      case 'files.stat':
        return { ...(await this.files.stat(path)) }
      case 'files.unlink':
        await this.files.unlink(path)
        this.spend(null)
        return null
      case 'files.mkdir':
        await this.files.mkdir(path)
        return null
      case 'files.rmdir':
        await this.files.rmdir(path, optionsOf(second))
        this.spend(null)
        return null
      default:
        throw new FileError('EINVAL', name, '', 'there is no such System call')
    }
  }

  // a call over its limits runs on, but its writes are kept no longer
  private spend(data: Value): void {
    const { writes, writeBytes } = this.terms.limits
    this.written +=
      typeof data === 'string' ? b4a.byteLength(data) : data instanceof Uint8Array ? data.byteLength : 0
    if (this.overlay.changes.size > writes) this.exceeded ??= `more than ${writes} paths changed`
    if (this.written > writeBytes) this.exceeded ??= `more than ${writeBytes} bytes written`
    if (this.exceeded !== null) this.overlay.changes.clear()
  }

  end(request: CheckedRequest, { outcome, gas }: CallResult): Executed {
    const { valueBytes } = this.terms.limits
    if (this.exceeded !== null) return this.failed(request, limit(this.exceeded), gas)
    if (!outcome.ok) return this.failed(request, outcome, gas)
    if (outcome.value.byteLength > valueBytes) {
      return this.failed(request, limit(`the result has more than ${valueBytes} bytes`), gas)
    }
    const { changes } = this.overlay
    const record = recordOf(request, outcome, gas, writesOf(changes), this.oracles.calls)
    if (encodeRecord(record).byteLength > MAX_RECORD_BYTES) {
      return this.failed(request, limit(`the record has more than ${MAX_RECORD_BYTES} bytes`), gas)
    }
    return { request, record, changes }
  }

  private failed(request: CheckedRequest, outcome: Outcome, gas: number): Executed {
    const record = recordOf(request, outcome, gas, [], this.oracles.calls)
    if (encodeRecord(record).byteLength <= MAX_RECORD_BYTES) return { request, record, changes: new Map() }
    return this.failed(request, limit('the record has no room for the error'), gas)
  }
}

/**
 * Executes the one call of a deployment or an upgrade.
 * @param terms with the contract that it brings
 * @returns null if the executor had to kill it
 */
export async function executeOnce(
  executor: Executor,
  terms: Terms,
  index: number,
  files: Tree,
  request: CheckedRequest,
  options: ExecuteOptions
): Promise<Executed | null> {
  if (!terms.methods.includes(request.request.method)) return unexported(request)
  const [executed] = await execute(executor, terms, index, files, [asCalled(request)], options)
  return executed && { ...executed, request }
}

/** A request as the contract gets it: `migrate` is not given its own source. */
export function asCalled({ signed, request }: CheckedRequest): CheckedRequest {
  return { signed, request: request.method === MIGRATE ? migration(request) : request }
}

/** What `init` and `migrate` are if the contract exports none. */
export function unexported(request: CheckedRequest): Executed {
  const record = recordOf(request, { ok: true, value: encodeValue(null) }, 0, [], [])
  return { request, record, changes: new Map() }
}

function recordOf(
  { signed }: CheckedRequest,
  outcome: Outcome,
  gas: number,
  writes: Write[],
  oracles: OracleCall[]
): Record {
  return { request: signed.bytes, signature: signed.signature, outcome, gas, writes, oracles }
}

function limit(message: string): Outcome {
  return { ok: false, error: { name: 'LimitError', message, code: 'LIMIT' } }
}

function writesOf(changes: Changes): Write[] {
  return [...changes]
    .sort(([a], [b]) => compareUTF8(a, b))
    .map(([path, bytes]) => ({
      path,
      content: bytes && { byteLength: bytes.byteLength, hash: crypto.hash(b4a.from(bytes)) }
    }))
}

function optionsOf(value: Value | undefined): { recursive?: boolean } {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
    return {}
  return { recursive: value.recursive === true }
}

/** Merges the changes of successive calls: the last value of each path counts. */
export function mergeChanges(executed: Executed[]): Changes {
  const merged: Changes = new Map()
  for (const { changes } of executed) for (const [path, content] of changes) merged.set(path, content)
  return merged
}
