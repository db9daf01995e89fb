// vms connect: an interactive session with the contract's methods. Reads commands from a pipe too, one after the other.

import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Recoverable, start, type REPLServer } from 'node:repl'
import { PassThrough } from 'node:stream'
import { inspect, types } from 'node:util'
import { Calls } from '../client/calls.js'
import { CallError } from '../client/errors.js'
import { ClientFiles } from '../client/files.js'
import { describe } from '../client/info.js'
import { LocalCalls } from '../client/local.js'
import { VMSError } from '../errors.js'
import type { Replica } from '../replica/replica.js'
import { auditReplica, printAudit } from './audit.js'
import { describeOffline } from './age.js'
import type { Context } from './context.js'
import { escapeControls, escapeText } from './escape.js'
import { evaluate } from './evaluate.js'
import { describeError, errorToJSON, EXIT } from './exit.js'
import { cat, list } from './files.js'
import { printInfo } from './info.js'
import { toJSON, type JSONValue } from './json.js'
import { printTail } from './log.js'
import { forStdout, log, print, printJSON } from './output.js'
import { readTrust, showTrust, trustingReplica, type Trust, type TrustFlags } from './trust.js'
import { toValue } from '../ledger/values.js'

const DEFAULT_TAIL = 10

/** What has the methods that run here in a session. */
const LOCAL = 'local'

/** What a dot-command does with the text after its name. */
interface DotCommand {
  help: string
  action: (text: string) => Promise<void>
}

export async function connect(context: Context, key: string, flags: TrustFlags): Promise<number> {
  const { timeout } = context
  const trust = readTrust(flags)
  const replica = await trustingReplica(context, key, trust)
  const online = await replica.sync(timeout)
  const info = await describe(replica, online, timeout)
  const identity = await context.identity()
  const calls = new Calls(replica, identity, trust.minAuditors)
  const local = context.use(new LocalCalls(replica, identity.publicKey, trust.minAuditors))
  const { methods } = info
  await showTrust(context, replica, trust)
  if (!online) {
    log(`${describeOffline(replica)}: files and log can be read, and methods run here: ${LOCAL}.method(…)`)
  }
  if (info.oracles.length > 0) log(`${escapeControls(info.title)} is ${info.trust}`)

  const terminal = process.stdin.isTTY && process.stdout.isTTY
  if (terminal) log(`${info.title}: ${methods.join(', ')}. Type .help for more.`)
  const input = terminal ? process.stdin : new PassThrough()
  const server = start({
    prompt: terminal ? `${escapeControls(info.title)}> ` : '',
    input,
    output: process.stdout,
    terminal,
    preview: false, // it would show values past the writer
    ignoreUndefined: true,
    writer: value => show(context, value),
    eval: (code, scope, _file, done) => {
      evaluate(code, scope).then(
        value => done(null, value),
        (error: unknown) => {
          if (error instanceof Recoverable) return done(error, undefined)
          printError(context, error)
          done(null, undefined)
        }
      )
    }
  })
  const here: { [method: string]: unknown } = {}
  define(server.context, LOCAL, here) // a method of this name hides it
  for (const method of methods) {
    define(
      server.context,
      method,
      session(args => calls.call(method, args, { timeout }))
    )
    define(
      here,
      method,
      session(args => local.call(method, args, { timeout }))
    )
  }
  const commands = dotCommands(context, replica, methods, trust)
  for (const [name, command] of Object.entries(commands)) defineCommand(context, server, name, command)

  const exited = once(server, 'exit')
  if (input instanceof PassThrough) await feed(context, server, input, exited)
  else await exited
  return EXIT.ok
}

function dotCommands(
  context: Context,
  replica: Replica,
  methods: string[],
  trust: Trust
): { [name: string]: DotCommand } {
  const { timeout } = context
  const reader = new ClientFiles(replica, timeout, trust.minAuditors)
  const commands: { [name: string]: DotCommand } = {
    files: { help: '[path]  list files', action: text => list(context, reader, text || '/') },
    cat: {
      help: '<path>  print a file',
      action: async text => {
        await cat(context, reader, text)
        if (!context.json) print('')
      }
    },
    log: {
      help: '[count]  print the last records',
      action: text => printTail(context, replica, /^\d+$/.test(text) ? Number(text) : DEFAULT_TAIL)
    },
    audit: {
      help: 'replay every call',
      action: async () => {
        const { key } = await describe(replica, replica.host !== null, timeout)
        printAudit(context, key, await auditReplica(context, replica))
      }
    },
    info: {
      help: 'what this VM is',
      action: async () =>
        printInfo(
          context,
          await describe(replica, await replica.sync(timeout), timeout),
          replica.trusted.size
        )
    }
  }
  const help: DotCommand = {
    help: 'this list',
    action: () => {
      const dots = Object.entries(commands).map(([name, command]) => `.${name} ${command.help}`)
      if (context.json) printJSON({ methods, commands: dots })
      else
        print(...methods.map(name => `${name}(…)`), ...dots, `${LOCAL}.method(…) run it here`, '.exit leave')
      return Promise.resolve()
    }
  }
  commands.help = help
  return commands
}

function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true })
}

/** A method as a session has it. What is typed comes from another realm, whose arrays and objects are no values here. */
function session(run: (args: unknown[]) => Promise<{ value: unknown }>): unknown {
  return quiet(async (...args: unknown[]) => {
    try {
      return (await run(structuredClone(args))).value
    } catch (error) {
      throw asLine(error)
    }
  })
}

function defineCommand(
  context: Context,
  server: REPLServer,
  name: string,
  { help, action }: DotCommand
): void {
  server.defineCommand(name, {
    help,
    action(text) {
      action(text.trim())
        .catch((error: unknown) => printError(context, error))
        .finally(() => this.displayPrompt())
        .catch(() => {}) // closed meanwhile
    }
  })
}

/** Gives the session one line after the other: the next when it would prompt for it. */
async function feed(
  context: Context,
  server: REPLServer,
  input: PassThrough,
  exited: Promise<unknown>
): Promise<void> {
  const left = exited.then(() => 'left' as const)
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
  await exited
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
