// The audit of a VM: replicates its log and replays it from the first block to the last. No value that the host computed is
// taken over unchecked.

import b4a from 'b4a'
import { messageOf, VMSError } from '../errors.js'
import type { Tree } from '../files/tree.js'
import { decodeBlock, type Block, type Commit, type Genesis, type Runtime } from '../ledger/blocks.js'
import { sameState, type FilesState } from '../ledger/encoding.js'
import { History } from '../ledger/history.js'
import { advance, positionAfterGenesis, type Position } from '../ledger/position.js'
import { hashRecord } from '../ledger/record.js'
import { receipt } from '../ledger/statements.js'
import { execute, mergeChanges, withoutInit, type CheckedRequest, type Executed } from '../machine/execute.js'
import { INIT } from '../machine/machine.js'
import { describeRuntime, ENGINE, RUNTIME, sameRuntime } from '../machine/runtime.js'
import type { Replica } from '../replica/replica.js'
import { treeAt } from '../replica/snapshot.js'
import { Executor } from '../sandbox/executor.js'
import { Draft } from './draft.js'
import { Findings, type AuditResult, type Kind } from './findings.js'
import { checkCommit, checkGenesis, checkRuntimeChange, type LogContext } from './form.js'
import { changesOf, compareRecords, type Difference } from './replay.js'

export interface AuditOptions {
  /** ms to wait for peers, and for each block */
  timeout: number
  /** called after each block with the number of blocks audited so far, and of all */
  onprogress?: (done: number, length: number) => void
}

/** An auditor may be far slower than the host, and must not accuse it for that. */
const WATCHDOG_MS = 120_000

/** Thrown where nothing further can be audited; what was found so far stands. */
class Stop extends Error {}

/**
 * Audits a VM from its first block to the newest that its host has signed.
 * @throws VMSError UNREACHABLE if neither a peer nor a copy is there
 */
export async function audit(replica: Replica, options: AuditOptions): Promise<AuditResult> {
  const findings = new Findings()
  try {
    await replica.sync(options.timeout)
  } catch (error) {
    if (!(error instanceof VMSError) || (error.code !== 'FRAUD' && error.code !== 'REWOUND')) throw error
    findings.add('forked', replica.log.length, null, error.message)
  }
  const { length } = replica.log
  const replay = new Replay(replica, length, findings, options)
  if (length > 0) await replay.run()
  return {
    verdict: findings.verdict,
    length,
    hash: b4a.toString(await replica.log.treeHash(length), 'hex'),
    from: 0,
    calls: replay.calls,
    checked: replay.checked,
    findings: findings.findings,
    doubts: findings.doubts
  }
}

class Replay {
  checked = 0
  private readonly executor = new Executor({ watchdog: WATCHDOG_MS })
  private draft!: Draft
  private context!: LogContext
  private position!: Position
  /** states that commits leave, to name the one that the published files contradict */
  private readonly states: { block: number; after: FilesState }[] = []

  constructor(
    private readonly replica: Replica,
    private readonly length: number,
    private readonly findings: Findings,
    private readonly options: AuditOptions
  ) {}

  get calls(): number {
    return this.position?.index ?? 0
  }

  async run(): Promise<void> {
    const download = this.replica.log.download({ start: 0, end: this.length })
    try {
      await this.begin()
      for (let n = 1; n < this.length; n++) {
        await this.step(n)
        this.options.onprogress?.(n + 1, this.length)
      }
      await this.checkPublished()
      await this.checkReceipts()
    } catch (error) {
      if (!(error instanceof Stop)) throw error
    } finally {
      download.destroy()
      await this.draft?.close()
      await this.executor.close()
    }
  }

  private async begin(): Promise<void> {
    const { replica, findings } = this
    const { block: genesis } = await this.read(0, 'bad-genesis')
    if (genesis.type !== 'genesis')
      return this.stop('bad-genesis', 0, 'the log does not begin with a genesis')
    const cores = await replica.cores()
    if (replica.log.fork > 0) findings.add('forked', 0, null, `the log has fork number ${replica.log.fork}`)
    const wrong = checkGenesis(genesis, cores.keys)
    if (wrong !== null) findings.add('bad-genesis', 0, null, wrong)
    if (genesis.engine === ENGINE) await this.checkContract(genesis)
    else
      findings.doubt(
        0,
        `engine ${genesis.engine} is unknown to this release, which has ${ENGINE}: audit with another release`
      )
    this.draft = await Draft.open(cores, { db: 0, blobs: 0 })
    this.position = positionAfterGenesis(genesis, await this.draft.state())
    const treeHash = (length: number) => replica.log.treeHash(length)
    this.context = { key: replica.key, genesis, history: new History(genesis.limits.window), treeHash }
  }

  private async checkContract(genesis: Genesis): Promise<void> {
    const { methods, problems } = await this.executor.inspect(genesis.source)
    const why =
      problems.length > 0
        ? `the contract cannot be loaded: ${problems[0].message}`
        : methods.join() !== genesis.methods.join()
          ? `the contract exports ${methods.join(', ')}, not ${genesis.methods.join(', ')}`
          : null
    if (why !== null) this.accuse({ kind: 'bad-genesis', index: null, detail: why }, 0, genesis.runtime)
  }

  private async step(n: number): Promise<void> {
    const { block, bytes } = await this.read(n, 'bad-record')
    if (block.type === 'genesis') return this.stop('bad-record', n, 'a second genesis')
    if (block.type === 'runtime') checkRuntimeChange(block, this.position, this.findings)
    else await this.checkCommit(block, bytes)
    this.position = advance(this.position, block)
  }

  private async checkCommit(commit: Commit, bytes: number): Promise<void> {
    const { position, findings } = this
    const requests = await checkCommit(commit, bytes, position, this.context, findings)
    if (requests === null) throw new Stop()
    if (!sameState(commit.before, position.files)) await this.rebase(commit.before)

    const executed = await this.execute(requests)
    if (executed) {
      this.checked += executed.length
      for (const difference of compareRecords(commit, executed))
        this.accuse(difference, position.block, position.runtime)
    }
    await this.checkState(commit, executed ?? [])
    this.states.push({ block: position.block, after: commit.after })
  }

  /** @returns null if this machine cannot tell */
  private async execute(requests: CheckedRequest[]): Promise<Executed[] | null> {
    const { genesis } = this.context
    const { block, index } = this.position
    if (genesis.engine !== ENGINE) return null
    if (block === 1 && !genesis.methods.includes(INIT)) return requests.map(withoutInit)
    const executed = (await execute(this.executor, genesis, index, this.draft.files, requests)).filter(
      one => one !== null
    )
    if (executed.length === requests.length) return executed
    this.findings.doubt(
      block,
      'a call did not end here: it was stopped by the watchdog, or ran out of memory'
    )
    return null
  }

  /** The files after a commit are those before it with the writes that it logs, and nothing else. */
  private async checkState(commit: Commit, executed: Executed[]): Promise<void> {
    const { block } = this.position
    const replayed = mergeChanges(executed)
    const published = async (path: string) => (await this.published(commit.after, block))?.get(path) ?? null
    const { changes, missing } = await changesOf(commit, [
      path => Promise.resolve(replayed.get(path) ?? null),
      published
    ])
    if (missing === null && sameState(await this.draft.append(changes), commit.after)) return
    if (missing === null) {
      this.findings.add(
        'wrong-state',
        block,
        null,
        'the files after it are not those before it with the writes that it logs'
      )
    } else {
      this.findings.add('wrong-state', block, null, `${missing} does not hold what was logged as written`)
    }
    await this.rebase(commit.after)
  }

  /** Goes on from files that the host has published, after those that follow from its log are others. */
  private async rebase(state: FilesState): Promise<void> {
    if (!(await this.published(state, this.position.block))) throw new Stop()
    await this.draft.close()
    this.draft = await Draft.open(await this.replica.cores(), {
      db: state.db.length,
      blobs: state.blobs.length
    })
  }

  /** The files as the host publishes them; null if they are not to be had, or not in that state. */
  private async published(state: FilesState, block: number): Promise<Tree | null> {
    try {
      return await treeAt(this.replica, state, this.options.timeout)
    } catch (error) {
      if (!(error instanceof VMSError) || error.code !== 'FRAUD') throw error
      this.findings.add('forked', block, null, error.message)
      return null
    }
  }

  /** The files that the host has signed are those that its log gives. */
  private async checkPublished(): Promise<void> {
    const { replica, findings, options } = this
    const { db, blobs } = await replica.cores()
    for (const core of [db, blobs]) {
      if (core.fork > 0)
        findings.add('forked', this.length - 1, null, `the files have fork number ${core.fork}`)
    }
    try {
      if ((await treeAt(replica, this.position.files, options.timeout)) === null) {
        findings.doubt(this.length - 1, 'the files are not available')
      }
    } catch (error) {
      if (!(error instanceof VMSError) || error.code !== 'FRAUD') throw error
      findings.add('forked', await this.firstContradicted(), null, error.message)
    }
  }

  private async firstContradicted(): Promise<number> {
    for (const { block, after } of this.states) {
      const same = await treeAt(this.replica, after, this.options.timeout).catch(() => null)
      if (same === null) return block
    }
    return this.length - 1
  }

  /** Signed answers that this user was given, and that the log did not confirm then. */
  private async checkReceipts(): Promise<void> {
    const { replica, findings } = this
    const { keys } = await replica.cores()
    for (const one of await replica.memory.receipts()) {
      const { block, index } = one
      if (!b4a.equals(one.vm, replica.key) || !receipt.verify(one, keys.signer) || block >= this.length)
        continue
      const logged = (await this.read(block, 'bad-record')).block
      const record = logged.type === 'commit' ? logged.records.at(index - logged.first) : undefined
      const same = record !== undefined && b4a.equals(hashRecord(record), one.record)
      if (same && b4a.equals(await replica.log.treeHash(block + 1), one.hash))
        await replica.memory.forgetReceipt(one)
      else
        findings.add(
          'answer-not-logged',
          block,
          index,
          'the host has signed an answer that its log does not hold'
        )
    }
  }

  // what comes from executing is fraud only where the runtime is the host's
  private accuse({ kind, index, detail }: Difference, block: number, runtime: Runtime): void {
    if (sameRuntime(runtime, RUNTIME)) this.findings.add(kind, block, index, detail)
    else
      this.findings.doubt(
        block,
        `the runtime differs: the host has ${describeRuntime(runtime)}, this is ${describeRuntime(RUNTIME)}`
      )
  }

  private async read(n: number, kind: Kind): Promise<{ block: Block; bytes: number }> {
    const bytes = await this.replica.bytes(n, this.options.timeout)
    if (bytes === null) {
      this.findings.doubt(n, `block ${n} is not available`)
      throw new Stop()
    }
    try {
      return { block: decodeBlock(bytes), bytes: bytes.byteLength }
    } catch (error) {
      return this.stop(kind, n, messageOf(error))
    }
  }

  private stop(kind: Kind, block: number, detail: string): never {
    this.findings.add(kind, block, null, detail)
    throw new Stop()
  }
}
