// vms dev: a contract while it is written, in memory; an interactive session with its methods, and every call is shown.

import { existsSync } from 'node:fs'
import path from 'node:path'
import { VMSError } from '../errors.js'
import { CEILINGS } from '../ledger/blocks.js'
import { describeOracles } from '../oracles/index.js'
import { describeProblem, describeWarning, type Finding, type Findings } from '../sandbox/findings.js'
import type { Places } from '../sandbox/places.js'
import { idOf } from '../testing/caller.js'
import type { Ended, TestVM } from '../testing/vm.js'
import { parseNumber, type Context } from './context.js'
import { EXIT } from './exit.js'
import { cat, list } from './files.js'
import { toJSON } from './json.js'
import { chooseOracles, type OracleFlags } from './oracles.js'
import { print, printJSON } from './output.js'
import { contractOf } from './project.js'
import { method as methodOf, onTerminal, Session } from './repl.js'
import { describeCall, oracleCallOf, outcomeOf, writeOf } from './shown.js'
import { OWNER, Workshop, type Observer } from './workshop.js'

export interface DevFlags extends OracleFlags {
  gas?: string
}

export async function dev(context: Context, named: string | undefined, flags: DevFlags): Promise<number> {
  context.runsUntilStopped()
  const gas =
    flags.gas === undefined
      ? undefined
      : parseNumber('--gas', flags.gas, { min: 1, max: CEILINGS.gas, integer: true })
  const script = named ?? (await contractOf('.'))
  // later it may come and go, but now it is a slip of the pen
  if (!existsSync(script)) throw new VMSError('USAGE', `there is no file ${script}: name a contract`)
  await describeOracles(await chooseOracles(flags))
  const desk = new Desk(context, script, { flags, gas })
  await desk.workshop.start()
  await desk.open()
  return EXIT.ok
}

/** What is said of a workshop, and the session in it. */
class Desk implements Observer {
  readonly workshop: Workshop
  private session: Session | null = null
  private methods: string[] = []
  private caller = OWNER
  /** by id */
  private readonly names = new Map<string, string>()

  constructor(
    private readonly context: Context,
    private readonly script: string,
    options: { flags: OracleFlags; gas?: number }
  ) {
    this.workshop = context.use(new Workshop(script, options, this))
    this.become(OWNER)
  }

  deployed({ methods, signatures, warnings }: Findings, vm: TestVM, again: boolean): void {
    const { script } = this
    const callable = signatures.filter((_, i) => vm.methods.includes(methods[i]))
    this.say({ event: 'deployed', script, methods: vm.methods, warnings, again }, [
      ...warnings.map(describeWarning),
      `${script} ${again ? 'is deployed anew' : 'runs in memory'}: ${callable.join(', ') || 'it has no methods'}`
    ])
    this.offer(vm.methods)
  }

  refused(problems: Finding[], runs: boolean): void {
    const then = runs ? 'what ran before still runs' : 'nothing runs yet'
    this.say({ event: 'refused', script: this.script, problems }, [
      ...problems.map(describeProblem),
      `${this.script} is not deployed, ${then}: mend it and save`
    ])
  }

  ended({ call, args, record, lines }: Ended, places: Places): void {
    const { index, method, gas } = call
    const shown = {
      index,
      caller: this.names.get(call.caller)!,
      method,
      args: toJSON(args),
      outcome: outcomeOf(record.outcome),
      gas,
      writes: record.writes.map(writeOf),
      oracles: record.oracles.map(oracleCallOf)
    }
    const { error } = shown.outcome
    const thrown = error && `${error.name}: ${error.message}`
    const written = lines.map(({ level, text, line }) => {
      const place = line === null ? null : places.locate(line, null)
      return { level, text, place: place && `${place.file}:${place.line}` }
    })
    const told = written.map(({ level, text, place }) => {
      if (text === thrown) return place && `     at ${place}` // the call's own line has the rest
      return `     ${level}: ${text}${place ? ` (${place})` : ''}`
    })
    this.say({ event: 'call', ...shown, id: call.caller, console: written }, [
      ...describeCall(shown),
      ...told.filter(line => line !== null)
    ])
  }

  /** Resolves when the session is left. */
  async open(): Promise<void> {
    const { context } = this
    if (onTerminal() && !context.json) print('What you save is deployed anew. Type .help for more.')
    const session = (this.session = new Session(context, this.title))
    const { methods } = this
    this.methods = []
    this.offer(methods)
    session.command('files', { help: '[path]  list files', action: text => this.list(text || '/') })
    session.command('cat', { help: '<path>  print a file', action: text => this.cat(text) })
    session.command('as', { help: '[name]  call as somebody else', action: name => this.as(name) })
    session.command('reset', { help: 'begin again, in a fresh VM', action: () => this.workshop.reset() })
    session.help(() => this.methods)
    await session.ended()
  }

  private get title(): string {
    return this.caller === OWNER ? path.parse(this.script).name : this.caller
  }

  private offer(methods: string[]): void {
    for (const method of this.methods) this.session?.undefine(method)
    this.methods = methods
    for (const method of methods) {
      this.session?.define(
        method,
        methodOf(args => this.workshop.call(this.caller, method, args))
      )
    }
  }

  private become(name: string): void {
    this.caller = name
    this.names.set(idOf(name), name)
  }

  private as(name: string): Promise<void> {
    if (name !== '') this.become(name)
    this.session!.rename(this.title)
    const { caller } = this
    this.print({ event: 'caller', name: caller, id: idOf(caller) }, [`you are ${caller}: ${idOf(caller)}`])
    return Promise.resolve()
  }

  private async list(folder: string): Promise<void> {
    await list(this.context, this.vm.files, folder)
  }

  private async cat(file: string): Promise<void> {
    await cat(this.context, this.vm.files, file)
    if (!this.context.json) print('')
  }

  private get vm(): TestVM {
    const { vm } = this.workshop
    if (vm) return vm
    throw new VMSError('USAGE', `${this.script} is not deployed yet: mend it and save`)
  }

  private say(json: object, lines: string[]): void {
    const print = () => this.print(json, lines)
    if (this.session) this.session.interject(print)
    else print()
  }

  private print(json: object, lines: string[]): void {
    if (this.context.json) printJSON(json)
    else print(...lines)
  }
}
