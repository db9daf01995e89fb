// Checks the blocks of a log, one after the other, from wherever one likes to begin: all state is in the files, and a commit
// says which files it goes on from. No value that the host computed is taken over unchecked.

import { codeOf, messageOf } from '../errors.js'
import { FileTree } from '../files/filetree.js'
import { Overlay } from '../files/overlay.js'
import {
  CEILINGS,
  decodeBlock,
  type Block,
  type Commit,
  type Genesis,
  type Runtime
} from '../ledger/blocks.js'
import { INIT, MIGRATE, sameMethods, type Contract } from '../ledger/contract.js'
import { sameState, type FilesState } from '../ledger/encoding.js'
import {
  advance,
  endOf,
  inForceAfter,
  positionAfterGenesis,
  type Base,
  type Position
} from '../ledger/position.js'
import type { Record } from '../ledger/record.js'
import type { CheckedRequest } from '../ledger/request.js'
import { asCalled, execute, mergeChanges, unexported, type Executed } from '../machine/execute.js'
import { TreeHashes } from '../machine/hashes.js'
import { describeRuntime, ENGINE, RUNTIME, sameRuntime, unknownEngine } from '../machine/runtime.js'
import { Executor, NOT_LOADED } from '../sandbox/executor.js'
import { changesOf, compareRecords, firstDifference, type Difference } from './compare.js'
import { DraftCore } from './core.js'
import { Draft } from './draft.js'
import { EMPTY_FILES, EMPTY_STATE, type Evidence, type FilesEvidence } from './evidence.js'
import type { Findings, Kind } from './findings.js'
import { checkCommit, checkGenesis, checkRuntimeChange, type LogContext } from './form.js'
import { LoggedOracles } from './oracles.js'
import { Repeats } from './repeats.js'

/** An auditor may be far slower than the host, and must not accuse it for that. */
const WATCHDOG_MS = 120_000

/** Bytes of files that a replay keeps which nobody has been asked for. */
const KEPT_BYTES = 64 * 1024 * 1024

/** States that are kept to name the one that the published files contradict. */
const KEPT_STATES = 1024

/** Tree hashes that are kept. */
const KEPT_HASHES = 4096

const FORKED_FILES = 'the files are signed otherwise than the log says'

/** Thrown where nothing further can be checked; what was found so far stands. */
export class Stop extends Error {}

interface State {
  block: number
  after: FilesState
}

export class Replay {
  /** records that were executed again */
  checked = 0
  genesis!: Genesis
  /** where the log stands: `block` is the one to check next */
  position!: Position
  /** index of the next call as the commit before says */
  private claimed = 0
  private opened = false
  private readonly executor = new Executor({ watchdog: WATCHDOG_MS })
  private draft: Draft | null = null
  /** whether the draft stands on what the host has published, and not on what was replayed here alone */
  private published = false
  /** states that commits leave, found right, and not yet compared with the published files */
  private readonly states: State[] = []
  private repeats!: Repeats
  private readonly hashes: TreeHashes<Uint8Array | null>

  constructor(
    private readonly evidence: Evidence,
    private readonly findings: Findings
  ) {
    this.hashes = new TreeHashes(length => evidence.hash(length), KEPT_HASHES)
  }

  /** Records of the log up to where it stands. */
  get calls(): number {
    return this.opened ? this.position.index : 0
  }

  /**
   * Reads genesis and checks it; the next block is the first commit.
   * @throws Stop
   */
  async open(): Promise<void> {
    const { evidence, findings } = this
    const { block: genesis } = await this.read(0, 'bad-genesis')
    if (genesis.type !== 'genesis')
      return this.stop('bad-genesis', 0, 'the log does not begin with a genesis')
    const wrong = checkGenesis(genesis, evidence.keys)
    if (wrong !== null) findings.add('bad-genesis', 0, null, wrong)
    this.genesis = genesis
    this.position = positionAfterGenesis(genesis, EMPTY_STATE)
    if (genesis.engine === ENGINE) await this.checkContract(genesis, 'bad-genesis', 0)
    else findings.doubt(0, unknownEngine(genesis.engine, 'audit'), 'runtime')
    this.repeats = this.repeatsFrom(1)
    this.opened = true
  }

  /**
   * Goes to a block, and reads back from there what it has to continue.
   * @throws Stop
   */
  async seek(block: number): Promise<void> {
    if (this.position.block === block) return
    this.draft = null
    this.repeats = this.repeatsFrom(block)
    let force: Base | null = null
    for (let n = block - 1; n > 0; n--) {
      const { block: before } = await this.read(n, 'bad-record')
      if (before.type === 'genesis') return this.stop('bad-record', n, 'a second genesis')
      force ??= await this.inForceAfter(before, n)
      if (before.type === 'runtime') continue
      this.claimed = endOf(before)
      this.position = { block, index: this.claimed, ...force, files: before.after }
      return
    }
    const { genesis } = this
    this.claimed = 0
    this.position = { ...positionAfterGenesis(genesis, EMPTY_STATE), block, ...force }
  }

  private async inForceAfter(block: Exclude<Block, Genesis>, number: number): Promise<Base> {
    try {
      return await inForceAfter(
        this.genesis,
        this.evidence.keys.log,
        block,
        number,
        async n => (await this.read(n, 'bad-record')).block
      )
    } catch (error) {
      if (error instanceof Stop) throw error
      return this.stop('bad-record', number, `what it builds on is not to be found: ${messageOf(error)}`)
    }
  }

  /**
   * Checks the next block.
   * @throws Stop
   */
  async step(): Promise<void> {
    const { block, bytes } = await this.read(this.position.block, 'bad-record')
    if (block.type === 'genesis') return this.stop('bad-record', this.position.block, 'a second genesis')
    if (block.type === 'runtime') {
      checkRuntimeChange(block, this.position, this.findings)
      this.position = advance(this.position, block)
    } else {
      // where the commit before has lied about its calls, this one may go on from the lie or from what was counted here
      if (block.first === this.claimed) this.position = { ...this.position, index: block.first }
      this.claimed = endOf(block)
      await this.checkCommit(block, bytes)
      this.position = { ...advance(this.position, block), index: this.position.index + block.records.length }
      if (this.states.length > KEPT_STATES || (this.draft?.bytes ?? 0) > KEPT_BYTES) await this.settle()
    }
  }

  /**
   * Compares the files that the host has published with those that follow from its log.
   * @returns whether they are to be had
   */
  async settle(): Promise<boolean> {
    const last = this.states.at(-1)
    if (!last) return true
    const newest = await this.evidence.files(last.after)
    if (newest === 'late') {
      this.findings.doubt(last.block, 'the files are not available')
      return false
    }
    if (newest !== 'other') {
      if (this.draft && sameState(this.draft.state, last.after)) this.draft.settle(newest)
      this.states.length = 0
      return true
    }
    // a core that contradicts one state contradicts all after it
    let [right, wrong] = [-1, this.states.length - 1]
    while (wrong - right > 1) {
      const middle = (right + wrong) >> 1
      if ((await this.evidence.files(this.states[middle].after)) === 'other') wrong = middle
      else right = middle
    }
    this.findings.add('forked', this.states[wrong].block, null, FORKED_FILES)
    this.states.length = 0
    return true
  }

  async close(): Promise<void> {
    this.draft = null
    await this.executor.close()
  }

  private repeatsFrom(block: number): Repeats {
    const window = Math.min(this.genesis.limits.window, CEILINGS.window) // more is wrong already
    return new Repeats(this.evidence, this.findings, window, block)
  }

  private async checkContract(contract: Contract, kind: Kind, block: number): Promise<void> {
    const { limits, oracles } = this.genesis
    const { methods, problems } = await this.executor.inspect(contract.source, { gas: limits.gas, oracles })
    if (problems.some(({ message }) => message === NOT_LOADED))
      return this.findings.doubt(block, NOT_LOADED, 'stopped')
    const why =
      problems.length > 0
        ? `the contract cannot be loaded: ${problems[0].message}`
        : !sameMethods(methods, contract.methods)
          ? `the contract exports ${methods.join(', ')}, not ${contract.methods.join(', ')}`
          : null
    if (why !== null) this.accuse({ kind, index: null, detail: why }, block, this.position.runtime)
  }

  private async checkCommit(commit: Commit, bytes: number): Promise<void> {
    const { position, findings, evidence, genesis, repeats } = this
    const context: LogContext = {
      key: evidence.keys.log,
      genesis,
      earlier: (request, place) => repeats.earlier(request, place),
      treeHash: length => this.hashes.at(length)
    }
    const rebuilt = this.draft?.state ?? position.files
    const requests = await checkCommit(commit, bytes, position, rebuilt, context, findings)
    if (requests === null) return // the next commit goes on from what the host has published
    if (commit.upgrade && genesis.engine === ENGINE)
      await this.checkContract(commit.upgrade, 'bad-record', position.block)
    try {
      const draft = await this.draftOf(commit.before)
      const executed = await this.execute(draft, commit, requests)
      this.checked += executed.filter(one => one !== null).length
      for (const difference of compareRecords(commit, position.index, executed))
        this.accuse(difference, position.block, position.runtime)
      await this.checkState(draft, commit, executed)
    } catch (error) {
      if (error instanceof Stop) throw error
      throw this.unreadable(error)
    }
  }

  private unreadable(error: unknown): unknown {
    const { block } = this.position
    if (codeOf(error) === 'NOT_AVAILABLE') this.findings.doubt(block, 'the files are not available')
    else if (!this.published) return error
    else if (codeOf(error) === 'BAD_HOST' && this.findings.findings.length === 0)
      this.findings.add(
        'wrong-state',
        block,
        null,
        `the files that it goes on from are none: ${messageOf(error)}`
      )
    else this.findings.doubt(block, `the published files cannot be read: ${messageOf(error)}`)
    return new Stop()
  }

  /** The files that a commit goes on from: as they were rebuilt here, else as the host has published them. */
  private async draftOf(before: FilesState): Promise<Draft> {
    if (this.draft && sameState(this.draft.state, before)) return this.draft
    const empty = sameState(before, EMPTY_STATE)
    const files = empty ? EMPTY_FILES : await this.evidence.files(before)
    const { block } = this.position
    if (files === 'other' && this.findings.findings.length === 0)
      this.findings.add('forked', block, null, FORKED_FILES)
    if (typeof files === 'string') {
      this.findings.doubt(block, 'the files that it goes on from are not available')
      throw new Stop()
    }
    this.published = !empty
    return (this.draft = new Draft(files))
  }

  /**
   * Executes the requests of a commit. Where a call writes something else here than the host has logged, the calls after it
   * are executed on what the host went on from: they are not wrong because that one is.
   * @returns null for a call that did not end here; fewer than requests if this machine cannot tell about the rest
   */
  private async execute(
    draft: Draft,
    commit: Commit,
    requests: CheckedRequest[]
  ): Promise<(Executed | null)[]> {
    const { genesis } = this
    const { block, index, contract } = this.position
    if (genesis.engine !== ENGINE) return []
    const terms = { ...genesis, ...(commit.upgrade ?? contract) }
    if (commit.upgrade) requests = requests.map(asCalled)
    const once = commit.upgrade ? MIGRATE : block === 1 ? INIT : null
    const done: (Executed | null)[] = []
    if (once !== null && !terms.methods.includes(once)) done.push(...requests.slice(0, 1).map(unexported))
    const files = new Overlay(draft.files)
    while (done.length < requests.length) {
      const rest = requests.slice(done.length)
      const logged = commit.records.slice(done.length)
      const oracles = new LoggedOracles(rest, logged)
      const run = await execute(this.executor, terms, index + done.length, files, rest, { oracles })
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
          'a call did not end here: it was stopped by the watchdog, or ran out of memory',
          'stopped'
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
  private async checkState(draft: Draft, commit: Commit, executed: (Executed | null)[]): Promise<void> {
    const { block } = this.position
    const { changes, missing, late } = await this.changesOf(commit.records, executed, commit.after)
    if (late) {
      this.draft = null // where the files stand now is not known
      return this.findings.doubt(block, 'the files are not available')
    }
    if (missing !== null) {
      this.draft = null
      const detail = `${missing} does not hold what was logged as written`
      return this.findings.add('wrong-state', block, null, detail)
    }
    if (sameState(await draft.append(changes), commit.after)) {
      this.states.push({ block, after: commit.after })
      return
    }
    const detail = 'the files after it are not those before it with the writes that it logs'
    this.findings.add('wrong-state', block, null, detail)
  }

  private async changesOf(records: Record[], executed: (Executed | null)[], after: FilesState) {
    const replayed = executed.filter(one => one !== null).map(({ changes }) => changes)
    const known: { files?: FilesEvidence | 'late' | 'other'; late?: boolean } = {}
    const published = async (path: string) => {
      const at = (known.files ??= await this.evidence.files(after))
      if (typeof at === 'string') return null
      try {
        return await new FileTree(new DraftCore(at.db), new DraftCore(at.blobs)).get(path)
      } catch (error) {
        if (codeOf(error) === 'NOT_AVAILABLE') known.late = true
        return null
      }
    }
    const sources = replayed.map(changes => (path: string) => Promise.resolve(changes.get(path) ?? null))
    const found = await changesOf(records, [...sources.reverse(), published])
    return { ...found, late: found.missing !== null && (known.late || known.files === 'late') }
  }

  // what comes from executing is fraud only where the runtime is the host's
  private accuse({ kind, index, detail }: Difference, block: number, runtime: Runtime): void {
    if (sameRuntime(runtime, RUNTIME)) this.findings.add(kind, block, index, detail)
    else
      this.findings.doubt(
        block,
        `the runtime differs: the host has ${describeRuntime(runtime)}, this is ${describeRuntime(RUNTIME)}`,
        'runtime'
      )
  }

  private async read(n: number, kind: Kind): Promise<{ block: Block; bytes: number }> {
    const bytes = await this.evidence.block(n)
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
