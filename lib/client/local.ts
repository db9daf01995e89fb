// Calls that run here: a method against the files that the host has signed, in a sandbox of this process. Nothing is sent or
// logged, and no write is kept. That proves that the answer follows from these files and this contract; that the files are
// what the calls in the log have left is for an audit to say.

import b4a from 'b4a'
import c from 'compact-encoding'
import { checkGenesis } from '../audit/form.js'
import { VMSError } from '../errors.js'
import type { Terms } from '../ledger/blocks.js'
import { checkMethod, methodsToCall } from '../ledger/contract.js'
import { encodeKey } from '../ledger/keys.js'
import { endOf } from '../ledger/position.js'
import { request as requestEncoding, type Request, type CheckedRequest } from '../ledger/request.js'
import { decodeValue, type Value } from '../ledger/values.js'
import { execute } from '../machine/execute.js'
import { ENGINE, unknownEngine } from '../machine/runtime.js'
import { contractAfter } from '../replica/contract.js'
import type { Replica } from '../replica/replica.js'
import { latestSnapshot, type Snapshot } from '../replica/snapshot.js'
import { attestations, auditorsOf } from '../replica/verified.js'
import { Executor, MAX_SOURCE } from '../sandbox/executor.js'
import { checkSize, encodeArguments } from './arguments.js'
import { requireAudited } from './audited.js'
import { DEFAULT_TIMEOUT_MS, type CallOptions } from './calls.js'
import { Deadline } from './deadline.js'
import { CallError } from './errors.js'
import { TimedTree } from './timed.js'

/** What a call came to here. */
export interface LocalResult {
  value: Value
  /** the block whose files it ran on */
  block: number
  /** tree hash of the log after that block */
  hash: Uint8Array
  gas: number
  /** ms since the host signed the newest head that was seen, by its clock; null if none was */
  age: number | null
  /** whether the host is connected */
  online: boolean
  /**
   * ids of the trusted auditors who have verified the log up to this block, and with it the files: if there are none, the
   * answer follows from what the host has signed, and nobody says that it is right
   */
  auditors: string[]
}

/** How long the host is waited for if there is a copy to answer from, ms: a mirror may have to do. */
const HOST_MS = 2000

const UNSIGNED = b4a.alloc(64)

export class LocalCalls {
  private readonly free: Executor[] = []
  private readonly running = new Set<Deadline>()
  private synced = false
  private closed = false

  /**
   * @param caller public key of who calls
   * @param minAuditors how many trusted auditors must have verified the log up to the block that an answer is from
   */
  constructor(
    private readonly replica: Replica,
    private readonly caller: Uint8Array,
    private readonly minAuditors = 0
  ) {}

  /**
   * Runs a method here.
   * @throws CallError, with the index null, if the contract threw; VMSError NO_SUCH_METHOD, INVALID_VALUE, TOO_LARGE;
   * UNREACHABLE if there is neither a peer nor a copy, NOT_AVAILABLE if files do not come, TIMEOUT, ABORTED; UNKNOWN_ENGINE;
   * KILLED if it ran too long or out of memory here; NOT_AUDITED; BAD_HOST, FRAUD, REWOUND
   */
  async call(method: string, args: unknown[], options: CallOptions = {}): Promise<LocalResult> {
    const { timeout = DEFAULT_TIMEOUT_MS, signal } = options
    const encoded = encodeArguments(args)
    if (this.closed) throw closed()
    const stage: { files: TimedTree | null } = { files: null }
    const deadline = new Deadline(timeout, signal, () => this.late(stage.files, timeout))
    const executor = this.free.pop() ?? new Executor()
    this.running.add(deadline)
    let whole = false
    try {
      const snapshot = await deadline.race(this.snapshot(deadline))
      const terms = await deadline.race(this.terms(method, snapshot, deadline))
      await requireAudited(this.replica, snapshot.block + 1, this.minAuditors, deadline.left, signal)
      stage.files = new TimedTree(snapshot.tree, deadline)
      const run = this.run(executor, terms, snapshot, stage.files, method, encoded)
      const result = await deadline.race(run)
      whole = true
      return result
    } catch (error) {
      whole = error instanceof CallError
      if (error instanceof VMSError) throw error
      await this.replica.until(() => true, 0) // a core may have been closed because the host contradicts itself
      throw error
    } finally {
      this.running.delete(deadline)
      deadline.clear()
      if (whole && !this.closed) this.free.push(executor)
      else await executor.close()
    }
  }

  /** Ends what runs. */
  async close(): Promise<void> {
    this.closed = true
    for (const deadline of this.running) deadline.end(closed())
    await Promise.all(this.free.splice(0).map(executor => executor.close()))
  }

  private async snapshot(deadline: Deadline): Promise<Snapshot> {
    const { replica } = this
    await replica.ready()
    if (!this.synced) {
      await replica.until(() => replica.log.length >= 2, deadline.left)
      await replica.sync(Math.min(deadline.left / 2, HOST_MS))
      this.synced = true
    }
    return latestSnapshot(replica, deadline.left)
  }

  /** The contract as it was then, if it is one to run: what an auditor checks of it without running anything. */
  private async terms(method: string, { block }: Snapshot, deadline: Deadline): Promise<Terms> {
    const { replica } = this
    const id = encodeKey(replica.key)
    const genesis = await replica.block(0, deadline.left)
    if (genesis.type !== 'genesis') throw new VMSError('BAD_HOST', `the log of ${id} has no genesis`)
    if (genesis.engine !== ENGINE) throw new VMSError('UNKNOWN_ENGINE', unknownEngine(genesis.engine, 'call'))
    const { keys } = await replica.cores()
    const wrong = checkGenesis(genesis, keys)
    if (wrong !== null) throw new VMSError('BAD_HOST', `the host of ${id} lies in its first block: ${wrong}`)
    const contract = await contractAfter(replica, genesis, block, deadline.left)
    if (b4a.byteLength(contract.source) > MAX_SOURCE)
      throw new VMSError('BAD_HOST', `the contract of ${id} is larger than one can be`)
    checkMethod(methodsToCall(genesis, contract), method)
    return { ...genesis, ...contract }
  }

  private async run(
    executor: Executor,
    terms: Terms,
    { block, commit }: Snapshot,
    files: TimedTree,
    method: string,
    args: Uint8Array
  ): Promise<LocalResult> {
    const { replica } = this
    const hash = await replica.log.treeHash(block + 1)
    const request = this.request(method, args, { length: block + 1, hash })
    const index = endOf(commit)
    if (!Number.isSafeInteger(index)) {
      throw new VMSError('BAD_HOST', `the host of ${encodeKey(replica.key)} counts calls that cannot be`)
    }
    const [done] = await execute(executor, terms, index, files, [request])
    if (done === null) {
      throw new VMSError('KILLED', 'the call was stopped here: it ran too long, or crashed the sandbox')
    }
    const { outcome, gas } = done.record
    if (!outcome.ok) throw new CallError(outcome.error, null, block)
    const auditors = auditorsOf(await attestations(replica), block + 1)
    return {
      value: decodeValue(outcome.value),
      block,
      hash,
      gas,
      age: replica.age,
      online: replica.host !== null,
      auditors
    }
  }

  // as a caller would send it, so that what it has room for is the same; signed by nobody, so that nobody can send it
  private request(method: string, args: Uint8Array, seen: Request['seen']): CheckedRequest {
    const { replica, caller } = this
    const request: Request = { vm: replica.key, caller, method, args, id: b4a.alloc(16), seen }
    const bytes = c.encode(requestEncoding, request)
    checkSize(bytes)
    return { request, signed: { bytes, signature: UNSIGNED } }
  }

  private late(files: TimedTree | null, timeout: number): VMSError {
    const id = encodeKey(this.replica.key)
    const time = `within ${timeout / 1000} s`
    if (files !== null && files.waiting === 0) return new VMSError('TIMEOUT', `the call did not end ${time}`)
    if (this.replica.log === undefined || this.replica.log.length < 2) {
      return new VMSError(
        'UNREACHABLE',
        `no peer of ${id} was found ${time}: is its host running, and on the same network (--bootstrap)?`
      )
    }
    return new VMSError(
      'NOT_AVAILABLE',
      `no peer sent the files of ${id} ${time}: try again when its host is online`
    )
  }
}

function closed(): VMSError {
  return new VMSError('CLOSED', 'the client is closed')
}
