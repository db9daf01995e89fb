// A VM that this process hosts: executes batches of requests and commits log and files in one atomic, durable write.

import type Corestore from 'corestore'
import type { KeyPair } from 'hypercore'
import ReadyResource from 'ready-resource'
import { messageOf, VMSError } from '../errors.js'
import { encodeBlock, type Genesis, type Terms } from '../ledger/blocks.js'
import {
  readUpgrade,
  sameMethods,
  type Contract,
  type ContractInForce,
  type Upgrade
} from '../ledger/contract.js'
import { sameState, type Head } from '../ledger/encoding.js'
import { History, type Place } from '../ledger/history.js'
import { encodeKey } from '../ledger/keys.js'
import type { OracleSpec } from '../ledger/oracles.js'
import { advance, positionAfterGenesis, type Position } from '../ledger/position.js'
import type { Record } from '../ledger/record.js'
import type { CheckedRequest, Request } from '../ledger/request.js'
import { FileTree } from '../files/filetree.js'
import type { Executor } from '../sandbox/executor.js'
import { appendCommit, batchesOf } from './batches.js'
import { closeCores, openOwnCores, storedBytes, type Cores } from './cores.js'
import type { Durability } from './durable.js'
import { execute, executeOnce, type Executed } from './execute.js'
import { addBlock, loadLog } from './load.js'
import type { OpenOracles } from './oracles.js'
import { ENGINE, RUNTIME, sameRuntime, unknownEngine } from './runtime.js'
import { stateOf, Transaction } from './transaction.js'
import { headOf } from './tree.js'

/** So many ms after its first outcome a batch is committed, and the rest of its calls wait for the next one. */
const LONGEST_MS = 500

/** Where a call went: its record in the log, and the log's head after its block. */
export interface Committed {
  request: CheckedRequest
  record: Record
  block: number
  index: number
  head: Head
}

/** What became of requests that were to be committed. */
export interface Appended {
  killed: CheckedRequest[]
  rest: CheckedRequest[]
  written: Promise<void>
}

export interface MachineContext {
  store: Corestore
  durability: Durability
  executor: Executor
  /** opens the oracles that a genesis lists */
  openOracles: (specs: OracleSpec[]) => Promise<OpenOracles>
}

export class Machine extends ReadyResource {
  genesis!: Genesis
  private history!: History
  cores!: Cores
  /** the head of what is durable of the log */
  head!: Head
  /** when the last commit was made, ms since 1970 by this host's clock */
  committed!: number
  /** after what has been appended: the last batch may not be durable yet */
  private position!: Position
  /** after what is durable */
  private durable!: Position
  private transaction: Transaction | null = null
  private oracles: OpenOracles | null = null
  /** why nothing can be written until it is opened again; null if it can */
  failure: VMSError | null = null
  private reading: Promise<void> | null = null
  /** the write that is under way */
  private writing: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly context: MachineContext,
    readonly keyPair: KeyPair
  ) {
    super()
  }

  get key(): Uint8Array {
    return this.cores.keys.log
  }

  /** Bytes of the blocks of the VM, with those that are being written: its log, its files and all that they were before. */
  get bytes(): number {
    return storedBytes(this.transaction ?? this.cores)
  }

  /** Number of calls that the log holds. */
  get calls(): number {
    return this.durable.index
  }

  /** The number of the block that comes next. */
  get block(): number {
    return this.position.block
  }

  /** The contract that runs calls now. */
  get contract(): ContractInForce {
    return this.position.contract
  }

  private get terms(): Terms {
    return { ...this.genesis, ...this.contract }
  }

  /**
   * Makes a new VM: genesis and the owner's signed `init`, in one atomic write.
   * @param keyPair what signs for the VM, made for it alone
   * @param init the owner's request, which builds on genesis alone (`requestInit`)
   * @throws VMSError INVALID_CONTRACT if `init` throws or is killed: then nothing is kept
   */
  static async deploy(
    context: MachineContext,
    keyPair: KeyPair,
    genesis: Genesis,
    init: CheckedRequest
  ): Promise<void> {
    const cores = await openOwnCores(context.store, keyPair)
    try {
      if (cores.log.length > 0) throw new VMSError('STORAGE_BROKEN', 'the log of a new VM is not empty')
      context.durability.checkRoom()
      const transaction = await Transaction.open(cores, context.durability)
      try {
        await transaction.appendLog(encodeBlock(genesis))
        const executed = await initialize(context, genesis, init, transaction)
        const position = positionAfterGenesis(genesis, await transaction.filesState())
        await appendCommit(transaction, position, [executed])
        await transaction.commit()
      } finally {
        await transaction.close()
      }
    } finally {
      await closeCores(cores)
    }
  }

  /**
   * @throws VMSError STORAGE_BROKEN if log and files disagree, UNKNOWN_ENGINE; nothing is touched then
   */
  protected override async _open(): Promise<void> {
    this.cores = await openOwnCores(this.context.store, this.keyPair)
    try {
      const { genesis, position, time } = await loadLog(this.cores.log)
      if (genesis.engine !== ENGINE) {
        throw new VMSError(
          'UNKNOWN_ENGINE',
          `${encodeKey(this.key)} is not served: ${unknownEngine(genesis.engine, 'serve')}`
        )
      }
      this.genesis = genesis
      this.position = this.durable = position
      this.history = new History(genesis.limits.window, position.block)
      this.committed = time
      this.head = await headOf(this.cores.log)
      await this.checkState()
      this.oracles = await this.context.openOracles(genesis.oracles)
    } catch (error) {
      await closeCores(this.cores)
      throw error
    }
    if (!sameRuntime(this.position.runtime, RUNTIME)) await this.commitRuntime()
  }

  protected override async _close(): Promise<void> {
    await this.writing.catch(() => {})
    await this.transaction?.close()
    await this.oracles?.close()
    await closeCores(this.cores)
  }

  /** Ends the batch that is being executed, without outcomes; what was appended is still written. Close it after that. */
  async giveUp(): Promise<void> {
    await Promise.all([this.oracles?.close(), this.context.executor.close()])
  }

  private async checkState(): Promise<void> {
    const { db, blobs } = this.cores
    const found = await stateOf(db, blobs)
    const { files } = this.position
    if (sameState(found, files)) return
    throw new VMSError(
      'STORAGE_BROKEN',
      `${encodeKey(this.key)} is not served: its files (database ${found.db.length}, blobs ${found.blobs.length} blocks) are not as its ` +
        `log leaves them (${files.db.length} and ${files.blobs.length}). Restore the storage from a backup, or remove the VM`
    )
  }

  /**
   * Executes requests in order and appends them, in as many blocks as their records need. They are executed while those before
   * are still being written.
   * Each must be valid in every block up to `block + requests.length - 1`.
   * @param oncommit is shown the calls of a block as soon as it is durable
   * @returns the requests that the executor had to kill, which are not in the log; those that were not executed because the
   * batch took long or wrote much; and `written`, which resolves once all the others are durable, and rejects as this does
   * @throws VMSError DISK, HOST_FAILED: a request that `oncommit` was not shown is not answered; it may be in the log
   */
  async commit(requests: CheckedRequest[], oncommit: (committed: Committed[]) => void): Promise<Appended> {
    return this.write(async transaction => {
      const { executor } = this.context
      let end: number | null = null
      const enough = () => {
        const now = performance.now()
        end ??= now + LONGEST_MS // from the first outcome on: a child may have had to be started for it
        return now > end
      }
      const results = await execute(executor, this.terms, this.position.index, transaction.files, requests, {
        enough,
        oracles: this.oracles!
      })
      const executed = results.filter(one => one !== null)
      let written = Promise.resolve()
      for (const batch of batchesOf(executed)) ({ written } = await this.append(transaction, batch, oncommit))
      const killed = requests.filter((_, i) => results[i] === null)
      return { killed, rest: requests.slice(results.length), written }
    })
  }

  /**
   * Replaces the contract, and runs the new one's `migrate`.
   * @param request of the owner, good for the contract that is in force
   * @param oncommit as in `commit`
   * @throws VMSError INVALID_CONTRACT if `migrate` throws or is killed: then nothing has changed; and as `commit`
   */
  async upgrade(request: CheckedRequest, oncommit: (committed: Committed[]) => void): Promise<void> {
    await this.write(async transaction => {
      const upgrade = readUpgrade(request.request)
      const terms = { ...this.genesis, ...upgrade }
      const { index } = this.position
      const executed = await begin(this.context.executor, terms, index, transaction, request, this.oracles!)
      const { written } = await this.append(transaction, [executed], oncommit, upgrade)
      await written
    })
  }

  /**
   * Reads what was logged before the start, as far back as a request has to be looked for: so that starting does not take the
   * longer the more has been called.
   * @throws VMSError STORAGE_BROKEN
   */
  async reachBack({ seen }: Request): Promise<void> {
    const from = Math.max(1, seen.length, this.block - this.genesis.limits.window)
    while (from < this.history.from)
      await (this.reading ??= this.readBack(from).finally(() => (this.reading = null)))
  }

  /** @returns where a request that was reached back for stands in the log; null if it does not */
  find(request: Request): Place | null {
    return this.history.find(request)
  }

  private async readBack(from: number): Promise<void> {
    const older = new History(this.genesis.limits.window, from)
    const end = this.history.from
    for (let n = from; n < end; n++) await addBlock(older, this.cores.log, n)
    older.append(this.history)
    this.history = older
  }

  /** Whether there is a file, after the last commit. */
  has(file: string): Promise<boolean> {
    return new FileTree(this.cores.db, this.cores.blobs).has(file)
  }

  /** @throws VMSError INVALID_CONTRACT if a contract cannot take the place of the one in force */
  async inspect(contract: Contract): Promise<void> {
    const { limits, oracles } = this.genesis
    const { methods, problems } = await this.context.executor.inspect(contract.source, {
      gas: limits.gas,
      oracles
    })
    if (problems.length > 0)
      throw new VMSError('INVALID_CONTRACT', `the contract cannot be loaded: ${problems[0].message}`)
    if (!sameMethods(methods, contract.methods))
      throw new VMSError(
        'INVALID_CONTRACT',
        `the contract exports ${methods.join(', ')}, not ${contract.methods.join(', ')}`
      )
  }

  private async write<T>(action: (transaction: Transaction) => Promise<T>): Promise<T> {
    if (this.failure !== null) throw this.failure
    this.context.durability.checkRoom()
    try {
      return await action((this.transaction ??= await Transaction.open(this.cores, this.context.durability)))
    } catch (error) {
      await this.writing.catch(() => {}) // it may have been what failed
      throw await this.fail(error)
    }
  }

  /**
   * The head once it holds everything that a peer may have seen of the VM when this was asked: what is being written shows in
   * one core before it shows in another.
   */
  async settledHead(): Promise<Head> {
    await this.writing.catch(() => {})
    return this.head
  }

  /** Appends a block once those before are durable. @returns what resolves when it is durable too */
  private async append(
    transaction: Transaction,
    batch: Executed[],
    oncommit: (committed: Committed[]) => void,
    upgrade: Upgrade | null = null
  ): Promise<{ written: Promise<void> }> {
    await this.writing
    if (this.failure !== null) throw this.failure // what was learned while it was executed
    if (this.transaction !== transaction) throw new Error('the batch before could not be written')
    const { block, index } = this.position
    if (transaction.log.length !== block) throw new Error('the log is not as this process has left it')
    const { head, commit } = await appendCommit(transaction, this.position, batch, upgrade)
    const position = (this.position = advance(this.position, commit))
    const written = transaction.commit().then(
      () => {
        this.durable = position
        this.head = head
        this.committed = commit.time
        const committed = batch.map(({ request, record }, i) => {
          this.history.add(request.request, { block, index: index + i })
          return { request, record, block, index: index + i, head }
        })
        oncommit(committed)
      },
      async (error: unknown) => {
        throw await this.fail(error)
      }
    )
    this.writing = written
    written.catch(() => {}) // whoever waits for it is told
    return { written }
  }

  private async commitRuntime(): Promise<void> {
    const { position } = this
    const block = { type: 'runtime' as const, base: position.base, runtime: RUNTIME }
    this.context.durability.checkRoom()
    this.transaction = await Transaction.open(this.cores, this.context.durability)
    this.head = await this.transaction.appendLog(encodeBlock(block))
    await this.transaction.commit()
    this.position = this.durable = advance(position, block)
  }

  // What was appended and not committed is rolled back. If the write itself failed, memory and disk may differ: the VM
  // takes no more calls until it is opened again.
  private async fail(error: unknown): Promise<VMSError> {
    const { transaction } = this
    this.transaction = null
    this.position = this.durable
    await transaction?.close().catch(() => {})
    const failure =
      error instanceof VMSError
        ? error
        : new VMSError('HOST_FAILED', `the host could not commit: ${messageOf(error)}`, { cause: error })
    const found = await stateOf(this.cores.db, this.cores.blobs).catch(() => null)
    if (!found || !sameState(found, this.durable.files) || this.cores.log.length !== this.head.length) {
      this.failure = failure
    }
    this.writing = Promise.resolve()
    return failure
  }
}

async function initialize(
  { executor, openOracles }: MachineContext,
  genesis: Genesis,
  init: CheckedRequest,
  transaction: Transaction
): Promise<Executed> {
  const oracles = await openOracles(genesis.oracles)
  return begin(executor, genesis, 0, transaction, init, oracles).finally(() => oracles.close())
}

/** Runs the call that a contract begins with: it has to succeed. */
async function begin(
  executor: Executor,
  terms: Terms,
  index: number,
  { files }: Transaction,
  request: CheckedRequest,
  oracles: OpenOracles
): Promise<Executed> {
  const { method } = request.request
  const executed = await executeOnce(executor, terms, index, files, request, { oracles })
  if (executed === null)
    throw new VMSError('INVALID_CONTRACT', `${method} was stopped: it ran too long or crashed`)
  const { outcome } = executed.record
  if (!outcome.ok) throw new VMSError('INVALID_CONTRACT', `${method} failed: ${outcome.error.message}`)
  return executed
}
