// A contract while it is written: built and deployed in memory, in a fresh VM, whenever one of its files has changed. What
// cannot be deployed is told, and what ran before stays.

import path from 'node:path'
import { messageOf } from '../errors.js'
import { INIT } from '../ledger/contract.js'
import { openOracles, type OracleChoice } from '../oracles/index.js'
import { bundle, type Bundle } from '../sandbox/bundle.js'
import { findingsOf, type Finding, type Findings } from '../sandbox/findings.js'
import { placesOf, type Places } from '../sandbox/places.js'
import { deployInMemory } from '../testing/deploy.js'
import { newSandbox, type Sandbox } from '../testing/sandbox.js'
import type { Ended, TestVM } from '../testing/vm.js'
import { Changes } from './changes.js'
import { chooseOracles, type OracleFlags } from './oracles.js'

/** Who deploys. */
export const OWNER = 'owner'

export interface WorkshopOptions {
  flags: OracleFlags
  /** What a call may use, if it shall not be what a host gives it. */
  gas?: number
}

/** Told of what happens. */
export interface Observer {
  /** @param again whether something was deployed before */
  deployed(findings: Findings, vm: TestVM, again: boolean): void
  /** @param runs whether something that was deployed before is still there */
  refused(problems: Finding[], runs: boolean): void
  ended(ended: Ended, places: Places): void
}

interface Built {
  bundled: Bundle
  oracles: OracleChoice[]
}

interface Running {
  vm: TestVM
  built: Built
  sandbox: Sandbox
  /** those that have not ended */
  calls: Set<Promise<unknown>>
}

export class Workshop {
  private readonly changes = new Changes(() => void this.start().catch(error => this.refuse(error)))
  private running: Running | null = null
  /** what was built last, or why it could not be */
  private state = ''
  private work: Promise<void> = Promise.resolve()
  private readonly sandboxes = new Set<Sandbox>()
  private closed = false

  constructor(
    private readonly script: string,
    private readonly options: WorkshopOptions,
    private readonly observer: Observer
  ) {}

  /** What runs, unless nothing could be deployed yet. */
  get vm(): TestVM | null {
    return this.running?.vm ?? null
  }

  /** Builds what there is. Resolves once it is deployed, or refused. @throws VMSError DISK if it cannot be watched */
  start(): Promise<void> {
    return this.enqueue(() => this.refresh())
  }

  /** Puts what runs into a fresh VM. */
  reset(): Promise<void> {
    return this.enqueue(async () => {
      if (this.running) await this.deploy(this.running.built)
    })
  }

  /** Calls what runs, once what is being built is there. */
  async call(caller: string, method: string, args: unknown[]): Promise<unknown> {
    await this.work
    const { vm, calls } = this.running!
    const call = vm.as(caller).call(method, ...args)
    calls.add(call)
    return call.finally(() => calls.delete(call))
  }

  async close(): Promise<void> {
    this.closed = true
    await this.changes.close()
    await Promise.all([...this.sandboxes].map(({ executor }) => executor.close()))
    await this.work
    await this.vm?.close()
  }

  private enqueue(action: () => Promise<void>): Promise<void> {
    const done = this.work.then(() => (this.closed ? undefined : action()))
    this.work = done.catch(() => {})
    return done
  }

  private async refresh(): Promise<void> {
    let built: Built | null
    let problems: Finding[] = []
    let files: Set<string>
    do {
      files = new Set([path.resolve(this.script)])
      built = await this.build(files).catch((error: unknown) => {
        problems = problemsOf(error, this.script)
        return null
      })
    } while (this.changes.follow(files))
    // what is saved beside the contract, or saved again, changes nothing
    const state = JSON.stringify(built ? [built.bundled.source, built.oracles] : problems)
    if (state === this.state) return
    this.state = state
    if (built) await this.deploy(built)
    else this.observer.refused(problems, this.running !== null)
  }

  private refuse(error: unknown): void {
    this.observer.refused(problemsOf(error, this.script), this.running !== null)
  }

  // calls that are under way end where they began
  private async retire({ vm, sandbox, calls }: Running): Promise<void> {
    await Promise.allSettled(calls)
    await vm.close()
    this.sandboxes.delete(sandbox)
  }

  private async build(files: Set<string>): Promise<Built> {
    const onfile = (file: string) => void files.add(file)
    const { oracle = [] } = this.options.flags
    for (const one of oracle) if (/[./\\]/.test(one)) onfile(path.resolve(one))
    const bundled = await bundle(this.script, onfile)
    return { bundled, oracles: await chooseOracles(this.options.flags, onfile) }
  }

  private async deploy(built: Built): Promise<void> {
    const { script, observer } = this
    const { bundled } = built
    const sandbox = newSandbox()
    this.sandboxes.add(sandbox)
    const places = placesOf(bundled.map, script)
    let findings: Findings | null = null
    try {
      const vm = await deployInMemory(sandbox, bundled, {
        file: script,
        limits: this.options.gas === undefined ? {} : { gas: this.options.gas },
        owner: OWNER,
        oracles: await openOracles(built.oracles),
        onfindings: found => (findings = found),
        onended: ended => {
          const { method } = ended.call
          if (method !== INIT || findings?.methods.includes(INIT)) observer.ended(ended, places)
        }
      })
      const before = this.running
      this.running = { vm, built, sandbox, calls: new Set() }
      observer.deployed(findings!, vm, before !== null)
      if (before) void this.retire(before)
    } catch (error) {
      this.sandboxes.delete(sandbox)
      if (this.closed) return
      const found: Finding[] = findings === null ? [] : (findings as Findings).problems
      if (found.length > 0) observer.refused(found, this.running !== null)
      else this.refuse(error)
    }
  }
}

function problemsOf(error: unknown, script: string): Finding[] {
  try {
    return findingsOf(error, script).problems
  } catch {
    return [{ file: script, message: messageOf(error), line: null, column: null }]
  }
}
