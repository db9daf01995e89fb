// An interactive session with methods and dot-commands. Reads commands from a pipe too, one after the other.

import { once } from 'node:events'
import { clearLine, createInterface, cursorTo } from 'node:readline'
import { Recoverable, start, type REPLServer } from 'node:repl'
import { PassThrough } from 'node:stream'
import { inspect, types } from 'node:util'
import { CallError } from '../client/errors.js'
import { VMSError } from '../errors.js'
import { toValue } from '../ledger/values.js'
import type { Context } from './context.js'
import { escapeControls, escapeText } from './escape.js'
import { evaluate } from './evaluate.js'
import { describeError, errorToJSON } from './exit.js'
import { toJSON, type JSONValue } from './json.js'
import { forStdout, print, printJSON } from './output.js'

/** What a dot-command does with the text after its name. */
export interface DotCommand {
  help: string
  action: (text: string) => Promise<void>
}

/** Whether somebody sits at a terminal: else commands come from a pipe. */
export function onTerminal(): boolean {
  return process.stdin.isTTY && process.stdout.isTTY
}

export class Session {
  private readonly terminal = onTerminal()
  private readonly input: NodeJS.ReadableStream
  private readonly server: REPLServer
  private readonly exited: Promise<unknown>
  private readonly commands: { [name: string]: DotCommand } = {}
  private evaluating = 0

  /** @param title stands before what is typed at a terminal */
  constructor(
    private readonly context: Context,
    title: string
  ) {
    this.input = this.terminal ? process.stdin : new PassThrough()
    this.server = start({
      prompt: this.promptOf(title),
      input: this.input,
      output: process.stdout,
      terminal: this.terminal,
      preview: false, // it would show values past the writer
      ignoreUndefined: true,
      writer: value => show(context, value),
      eval: (code, scope, _file, done) => {
        this.evaluating++
        evaluate(code, scope)
          .then(
            value => done(null, value),
            (error: unknown) => {
              if (error instanceof Recoverable) return done(error, undefined)
              printError(context, error)
              done(null, undefined)
            }
          )
          .finally(() => this.evaluating--)
      }
    })
    this.exited = once(this.server, 'exit')
  }

  /** Gives what is typed a name for a value. */
  define(name: string, value: unknown): void {
    define(this.server.context, name, value)
  }

  /** Takes a name away that was defined. */
  undefine(name: string): void {
    delete this.server.context[name]
  }

  /** Says with another title what is typed into. */
  rename(title: string): void {
    this.server.setPrompt(this.promptOf(title))
  }

  command(name: string, command: DotCommand): void {
    const { context } = this
    this.commands[name] = command
    this.server.defineCommand(name, {
      help: command.help,
      action(text) {
        command
          .action(text.trim())
          .catch((error: unknown) => printError(context, error))
          .finally(() => this.displayPrompt())
          .catch(() => {}) // closed meanwhile
      }
    })
  }

  /** Adds `.help`. @param more lines of it, after the commands */
  help(methods: () => string[], ...more: string[]): void {
    this.command('help', {
      help: 'this list',
      action: () => {
        const dots = Object.entries(this.commands).map(([name, command]) => `.${name} ${command.help}`)
        if (this.context.json) printJSON({ methods: methods(), commands: dots })
        else print(...methods().map(name => `${name}(…)`), ...dots, ...more, '.exit leave')
        return Promise.resolve()
      }
    })
  }

  /** Prints what nobody has asked for just now: a line that is being typed is kept below it. */
  interject(say: () => void): void {
    const typing = this.terminal && this.evaluating === 0
    if (typing) {
      cursorTo(process.stdout, 0)
      clearLine(process.stdout, 0)
    }
    say()
    if (typing) this.server.displayPrompt(true)
  }

  /** Resolves when the session is left, or nothing is left to read. */
  async ended(): Promise<void> {
    if (this.input instanceof PassThrough) await this.feed(this.input)
    else await this.exited
  }

  // one line after the other: the next when it would prompt for it
  private async feed(input: PassThrough): Promise<void> {
    const { context, server } = this
    const left = this.exited.then(() => 'left' as const)
    let prompt = () => {}
    server.displayPrompt = () => prompt()
    for await (const line of createInterface({ input: process.stdin })) {
      const [, dotted] = /^\s*\.([a-z]+)/i.exec(line) ?? []
      if (dotted && !(dotted in server.commands)) {
        printError(context, new VMSError('USAGE', `there is no .${dotted}: .help lists what there is`))
        continue
      }
      const prompted = new Promise<void>(resolve => (prompt = resolve))
      input.write(line + '\n')
      if ((await Promise.race([prompted, left])) === 'left') return
    }
    server.close()
    await this.exited
  }

  private promptOf(title: string): string {
    return this.terminal ? `${escapeControls(title)}> ` : ''
  }
}

export function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true })
}

/** A method as a session has it. What is typed comes from another realm, whose arrays and objects are no values here. */
export function method(run: (args: unknown[]) => Promise<unknown>): unknown {
  return quiet(async (...args: unknown[]) => {
    try {
      return await run(structuredClone(args))
    } catch (error) {
      throw asLine(error)
    }
  })
}

function show(context: Context, value: unknown): string {
  if (context.json) return forStdout(JSON.stringify({ value: asJSON(value) }))
  const plain = inspect(value)
  const escaped = escapeText(plain)
  // colours are control sequences: they are for values that bring none of their own
  const colors = escaped === plain && process.stdout.isTTY && process.stdout.hasColors()
  return colors ? inspect(value, { colors }) : escaped
}

function asJSON(value: unknown): JSONValue {
  try {
    return toJSON(toValue(structuredClone(value)))
  } catch {
    return inspect(value)
  }
}

function printError(context: Context, thrown: unknown): void {
  const error = thrown instanceof Error ? thrown : asError(thrown)
  const json = error instanceof CallError ? error.thrown : errorToJSON(error)
  if (context.json) printJSON({ error: json })
  else print(lineOf(error))
}

function lineOf(error: Error): string {
  if (error instanceof CallError) return describeError(error.thrown)
  const json = errorToJSON(error)
  return describeError(error instanceof VMSError ? { ...json, name: 'Error' } : json)
}

/** An error whose message somebody else chose is one line also within a value that is shown. */
function asLine(error: unknown): unknown {
  if (error instanceof Error) {
    Object.defineProperty(error, inspect.custom, { value: () => `[${escapeControls(lineOf(error))}]` })
  }
  return error
}

/** Nobody need await the result: an error that nobody looks at does not end the session. */
function quiet<Args extends unknown[], Result>(
  run: (...args: Args) => Promise<Result>
): (...args: Args) => Promise<Result> {
  return (...args) => {
    const result = run(...args)
    result.catch(() => {})
    return result
  }
}

/** What is thrown in the session comes from another realm, where Error is another. */
function asError(thrown: unknown): Error {
  if (!types.isNativeError(thrown))
    return new Error(inspect(thrown, { breakLength: Infinity, compact: true }))
  const { name, message } = thrown
  return Object.assign(new Error(message), { name })
}
