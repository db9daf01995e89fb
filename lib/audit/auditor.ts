// The audit of a VM: replicates its log and replays it from the first block to the last. No value that the host computed is
// taken over unchecked.

import b4a from 'b4a'
import { codeOf, messageOf, VMSError } from '../errors.js'
import { Overlay } from '../files/overlay.js'
import { decodeBlock, type Block, type Commit, type Genesis, type Runtime } from '../ledger/blocks.js'
import { sameState, type FilesState } from '../ledger/encoding.js'
import { History } from '../ledger/history.js'
import { advance, positionAfterGenesis, type Position } from '../ledger/position.js'
import type { Record } from '../ledger/record.js'
import { execute, mergeChanges, withoutInit, type CheckedRequest, type Executed } from '../machine/execute.js'
import { INIT } from '../machine/machine.js'
import { describeRuntime, ENGINE, RUNTIME, sameRuntime, unknownEngine } from '../machine/runtime.js'
import type { Replica } from '../replica/replica.js'
import { Executor, NOT_LOADED } from '../sandbox/executor.js'
import { Draft } from './draft.js'
import { Findings, type AuditResult, type Kind } from './findings.js'
import { Forks, isContradiction } from './forks.js'
import { checkCommit, checkGenesis, checkRuntimeChange, type LogContext } from './form.js'
import { checkReceipts, hashAt } from './receipts.js'
import { isPublished, PublishedFiles, type Published } from './published.js'
import { changesOf, compareRecords, firstDifference, type Difference } from './replay.js'

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
 * @throws VMSError UNREACHABLE if neither a peer nor a copy is there; BAD_HOST if the key is not a VM's
 */
export async function audit(replica: Replica, options: AuditOptions): Promise<AuditResult> {
  const findings = new Findings()
  await replica.ready()
  const forks = new Forks(replica, findings)
  await forks.watch(replica.log)
  await sync(replica, findings, forks, options.timeout)
  const { length } = replica.log
  const hash = await hashAt(replica, length, options.timeout)
  const replay = new Replay(replica, length, findings, options)
  try {
    if (length > 0 && !forks.conflict) await replay.run(forks)
  } catch (error) {
    if (!forks.conflict && !isContradiction(error)) {
      if (error instanceof VMSError) throw error
      throw new VMSError('STORAGE_BROKEN', `the audit cannot go on: ${messageOf(error)}`, { cause: error })
    }
  }
  await forks.check(length)
  return {
    verdict: findings.verdict,
    length,
    hash: hash === null ? '' : b4a.toString(hash, 'hex'),
    from: 0,
    calls: replay.calls,
    checked: replay.checked,
    findings: findings.findings,
    doubts: findings.doubts
  }
}

/** Waits for the log up to the newest head that the host has signed. */
async function sync(replica: Replica, findings: Findings, forks: Forks, timeout: number): Promise<void> {
  const whole = () => replica.log.length >= (replica.head?.length ?? 0)
  try {
    await Promise.race([replica.sync(timeout), forks.conflicted])
    // the host may have gone on meanwhile
    if (forks.conflict || (await replica.until(whole, timeout))) return
    const { length } = replica.log
    findings.doubt(
      length,
      `the host has signed ${replica.head!.length} blocks, ${length} of them are available`
    )
  } catch (error) {
    if (!isContradiction(error) && !forks.shown(replica.log)) throw error
  }
}

interface State {
  block: number
  after: FilesState
}

class Replay {
  checked = 0
  private readonly executor = new Executor({ watchdog: WATCHDOG_MS })
  private draft!: Draft
  private context!: LogContext
  private published!: PublishedFiles
  private position!: Position
  /** whether the draft stands on what the host has published, and not on what was replayed here alone */
  private rebased = false
  /** states that commits leave and that were found right, to name the one that the published files contradict */
  private readonly states: State[] = []

  constructor(
    private readonly replica: Replica,
    private readonly length: number,
    private readonly findings: Findings,
    private readonly options: AuditOptions
  ) {}

  get calls(): number {
    return this.position?.index ?? 0
  }

  async run(forks: Forks): Promise<void> {
    const download = this.replica.log.download({ start: 0, end: this.length })
    try {
      try {
        await this.begin(forks)
        for (let n = 1; n < this.length; n++) {
          await this.step(n)
          this.options.onprogress?.(n + 1, this.length)
        }
        await this.checkPublished()
      } catch (error) {
        if (!(error instanceof Stop)) throw error
      }
      await checkReceipts(this.replica, this.findings, this.options.timeout)
    } finally {
      download.destroy()
      await this.draft?.close()
      await this.executor.close()
    }
  }

  private async begin(forks: Forks): Promise<void> {
    const { replica, findings } = this
    const { block: genesis } = await this.read(0, 'bad-genesis')
    if (genesis.type !== 'genesis')
      return this.stop('bad-genesis', 0, 'the log does not begin with a genesis')
    const cores = await replica.cores()
    await forks.watch(cores.db, cores.blobs)
    const wrong = checkGenesis(genesis, cores.keys)
    if (wrong !== null) findings.add('bad-genesis', 0, null, wrong)
    if (genesis.engine === ENGINE) await this.checkContract(genesis)
    else findings.doubt(0, unknownEngine(genesis.engine, 'audit'))
    this.published = new PublishedFiles(cores, this.options.timeout, () => replica.online)
    this.draft = await this.open({ db: 0, blobs: 0 })
    this.position = positionAfterGenesis(genesis, await this.draft.state())
    const treeHash = (length: number) => hashAt(replica, length, this.options.timeout)
    this.context = { key: replica.key, genesis, history: new History(genesis.limits.window), treeHash }
  }

  private async checkContract(genesis: Genesis): Promise<void> {
    const { methods, problems } = await this.executor.inspect(genesis.source, genesis.limits)
    if (problems.some(({ message }) => message === NOT_LOADED)) return this.findings.doubt(0, NOT_LOADED)
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
    if (block.type === 'runtime') {
      checkRuntimeChange(block, this.position, this.findings)
      this.position = advance(this.position, block)
    } else {
      await this.checkCommit(block, bytes)
      // how many calls there were is counted here, whatever the host says
      this.position = { ...advance(this.position, block), index: this.position.index + block.records.length }
    }
  }

  private async checkCommit(commit: Commit, bytes: number): Promise<void> {
    const { position, context, findings } = this
    const rebuilt = await this.draft.state()
    const requests = await checkCommit(commit, bytes, position, rebuilt, context, findings)
    if (requests === null) return // the next commit goes on from what the host has published
    if (!sameState(commit.before, rebuilt)) await this.rebase(commit.before)

    try {
      const executed = await this.execute(commit, requests)
      this.checked += executed.filter(one => one !== null).length
      for (const difference of compareRecords(commit, position.index, executed))
        this.accuse(difference, position.block, position.runtime)
      await this.checkState(commit, executed)
    } catch (error) {
      if (error instanceof VMSError || error instanceof Stop) throw error
      if (!this.rebased) throw error
      this.findings.doubt(position.block, `the published files cannot be read: ${messageOf(error)}`)
      throw new Stop()
    }
  }

  /**
   * Executes the requests of a commit. Where a call writes something else here than the host has logged, the calls after it
   * are executed on what the host went on from: they are not wrong because that one is.
   * @returns null for a call that did not end here; fewer than requests if this machine cannot tell about the rest
   */
  private async execute(commit: Commit, requests: CheckedRequest[]): Promise<(Executed | null)[]> {
    const { genesis } = this.context
    const { block, index } = this.position
    if (genesis.engine !== ENGINE) return []
    const done: (Executed | null)[] = []
    if (block === 1 && !genesis.methods.includes(INIT)) done.push(...requests.slice(0, 1).map(withoutInit))
    const files = new Overlay(this.draft.files)
    while (done.length < requests.length) {
      const rest = requests.slice(done.length)
      const logged = commit.records.slice(done.length)
      const run = await execute(this.executor, genesis, index + done.length, files, rest)
      const wrong = run.findIndex(
        (one, i) => one === null || firstDifference(logged[i].writes, one.record.writes) !== null
      )
      if (wrong === -1) {
        done.push(...run)
        files.apply(mergeChanges(run.filter(one => one !== null)))
        continue
      }
      done.push(...run.slice(0, wrong + 1))
      if (run[wrong] === null) {
        this.findings.doubt(
          block,
          'a call did not end here: it was stopped by the watchdog, or ran out of memory'
        )
      }
      if (done.length === requests.length) break
      files.apply(mergeChanges(run.slice(0, wrong).filter(one => one !== null)))
      const { changes, missing } = await this.changesOf([logged[wrong]], done, commit.after)
      if (missing !== null) {
        this.findings.doubt(block, `${missing} as the host has logged it is not to be had any more`)
        break
      }
      files.apply(changes)
    }
    return done
  }

  /** The files after a commit are those before it with the writes that it logs, and nothing else. */
  private async checkState(commit: Commit, executed: (Executed | null)[]): Promise<void> {
    const { block } = this.position
    const { changes, missing, late } = await this.changesOf(commit.records, executed, commit.after)
    if (late) return this.findings.doubt(block, 'the files are not available')
    if (missing !== null) {
      return this.findings.add(
        'wrong-state',
        block,
        null,
        `${missing} does not hold what was logged as written`
      )
    }
    if (sameState(await this.draft.append(changes), commit.after))
      return void this.states.push({ block, after: commit.after })
    this.findings.add(
      'wrong-state',
      block,
      null,
      'the files after it are not those before it with the writes that it logs'
    )
  }

  private async changesOf(records: Record[], executed: (Executed | null)[], after: FilesState) {
    const replayed = executed.filter(one => one !== null).map(({ changes }) => changes)
    const known: { published?: Published; late?: boolean } = {}
    const published = async (path: string) => {
      const at = (known.published ??= await this.published.at(after))
      if (typeof at === 'string') return null
      try {
        return await at.files.get(path)
      } catch (error) {
        if (codeOf(error) === 'REQUEST_TIMEOUT') known.late = true
        return null
      }
    }
    const sources = replayed.map(changes => (path: string) => Promise.resolve(changes.get(path) ?? null))
    const found = await changesOf(records, [...sources.reverse(), published])
    if (typeof known.published === 'object') await known.published.close()
    return { ...found, late: found.missing !== null && (known.late || known.published === 'late') }
  }

  /** Goes on from files that the host has published, after those that follow from its log are others. */
  private async rebase(state: FilesState): Promise<void> {
    const { block } = this.position
    const files = await this.published.at(state)
    if (files === 'other' && this.findings.findings.length === 0)
      this.findings.add('forked', block, null, 'the files are signed otherwise than the log says')
    if (typeof files === 'string') {
      this.findings.doubt(block, 'the files that it goes on from are not available')
      throw new Stop()
    }
    await files.close()
    await this.draft.close()
    this.rebased = true
    this.draft = await this.open({ db: state.db.length, blobs: state.blobs.length })
  }

  private async open(at: { db: number; blobs: number }): Promise<Draft> {
    return Draft.open(await this.replica.cores(), at, this.options.timeout)
  }

  /** The files that the host has signed are those that its log gives. */
  private async checkPublished(): Promise<void> {
    const last = this.states.at(-1)
    if (!last) return
    const cores = await this.replica.cores()
    const reached = ({ after }: State) => isPublished(cores, after, this.options.timeout, this.replica.online)
    const newest = await reached(last)
    if (newest === 'late') this.findings.doubt(last.block, 'the files are not available')
    if (newest !== 'other') return
    // a core that contradicts one state contradicts all after it
    let [right, wrong] = [-1, this.states.length - 1]
    while (wrong - right > 1) {
      const middle = (right + wrong) >> 1
      if ((await reached(this.states[middle])) === 'other') wrong = middle
      else right = middle
    }
    const { block } = this.states[wrong]
    this.findings.add('forked', block, null, 'the files are signed otherwise than the log says')
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
