#!/usr/bin/env node
// The command line: argument parsing and dispatch. Each command is a module of its own, loaded when it is called.

import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import type { Flags } from '../lib/commands/context.js'
import { EXIT } from '../lib/commands/exit.js'
import { log } from '../lib/commands/output.js'
import { run, type Command as Action } from '../lib/commands/run.js'

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

const program = new Command('vms')
  .description(
    'Services that nobody has to trust: JavaScript contracts, peer-to-peer, with a log that anyone can replay'
  )
  .version(version(), '--version', 'print the version')
  .option('--bootstrap <nodes>', 'host:port[,host:port…] to enter the network by (VMS_BOOTSTRAP)')
  .option('--storage <dir>', 'where this command keeps its data (VMS_STORAGE)')
  .option('--identity <file>', 'the key pair to act as')
  .option('--timeout <seconds>', 'how long to wait for peers (default: 30)')
  .option('--json', 'print one JSON object a line')
  .option('--verbose', 'print where an error comes from')
  .helpOption('--help', 'show help')
  .helpCommand(false)
  .configureHelp({ showGlobalOptions: true })
  .configureOutput({ outputError: () => {} })
  .exitOverride()

function act(action: Action): Promise<never> {
  return run(program.opts<Flags>(), action)
}

program
  .command('serve')
  .description('deploy scripts as VMs, resume those of the storage, and serve them until interrupted')
  .argument('[script...]', 'contracts: .js or .ts files')
  .option('--new', 'deploy even what the storage holds already')
  .option('--gas <units>', 'what a call of a newly deployed VM may use (default: 10000000)')
  .option('--watchdog <ms>', 'how long a call may compute (default: 5000)')
  .action((scripts: string[], options: { new?: boolean; gas?: string; watchdog?: string }) =>
    act(async context => (await import('../lib/commands/serve.js')).serve(context, scripts, options))
  )

program
  .command('call')
  .description('call a method; an argument is JSON if it parses, else a string')
  .argument('<key>')
  .argument('<method>')
  .argument('[args...]')
  .allowUnknownOption()
  .action((key: string, method: string, args: string[]) =>
    act(async context => (await import('../lib/commands/call.js')).call(context, key, method, args))
  )

program
  .command('connect')
  .description("an interactive session with the contract's methods")
  .argument('<key>')
  .action((key: string) =>
    act(async context => (await import('../lib/commands/connect.js')).connect(context, key))
  )

program
  .command('files')
  .description('read the files of a VM, verified against its log')
  .argument('<key>')
  .argument('<action>', 'ls, cat, stat or get')
  .argument('[path]', 'a path in the VM (default: /)')
  .argument('[dest]', 'where get copies to (default: the same name here)')
  .option('--recursive', 'ls: everything below the path')
  .option('--force', 'get: overwrite what is there')
  .action(
    (key: string, action: string, path: string | undefined, dest: string | undefined, options: object) =>
      act(async context =>
        (await import('../lib/commands/files.js')).files(context, key, action, { path, dest, ...options })
      )
  )

program
  .command('info')
  .description('what a VM is: title, owner, methods, trust, length and age of its log')
  .argument('<key>')
  .option('--source', 'print the contract')
  .option('--compare <file>', 'say whether this file is the contract')
  .action((key: string, options: { source?: boolean; compare?: string }) =>
    act(async context => (await import('../lib/commands/info.js')).info(context, key, options))
  )

program
  .command('log')
  .description('print the records of a VM')
  .argument('<key>')
  .option('--from <index>', 'the first call to print')
  .option('--follow', 'go on as calls come in')
  .action((key: string, options: { from?: string; follow?: boolean }) =>
    act(async context => (await import('../lib/commands/log.js')).printLog(context, key, options))
  )

program
  .command('audit')
  .description('replicate VMs and replay every call: 0 verified, 1 fraud, 2 inconclusive')
  .argument('<key...>')
  .action((keys: string[]) =>
    act(async context => (await import('../lib/commands/audit.js')).auditAll(context, keys))
  )

program
  .command('check')
  .description('say whether a contract can be deployed, and why not')
  .argument('<script>')
  .action((script: string) =>
    act(async context => (await import('../lib/commands/check.js')).check(context, script))
  )

program
  .command('identity')
  .description("show the caller's identity; make it if there is none")
  .action(() => act(async context => (await import('../lib/commands/identity.js')).identity(context)))

program
  .command('testnet')
  .description('a local DHT to try things on, until interrupted')
  .option('--port <port>', 'port of the first node (default: one that is free)')
  .action((options: { port?: string }) =>
    act(async context => (await import('../lib/commands/testnet.js')).testnet(context, options))
  )

program
  .command('demo')
  .description('everything on one machine: a host, callers, an auditor, and a cheating host caught')
  .action(() => act(async context => (await import('../lib/commands/demo.js')).demo(context)))

// What follows "--" is never a flag: until it is parsed, it is marked with what no argument of a process can hold.
const MARK = '\0'
const separator = process.argv.indexOf('--')
const argv =
  separator === -1
    ? process.argv
    : [...process.argv.slice(0, separator), ...process.argv.slice(separator + 1).map(arg => MARK + arg)]

function unmark(arg: unknown): unknown {
  if (Array.isArray(arg)) return arg.map(unmark)
  return typeof arg === 'string' && arg.startsWith(MARK) ? arg.slice(1) : arg
}

program.hook('preAction', (_, { processedArgs }) => {
  for (const [i, arg] of processedArgs.entries()) processedArgs[i] = unmark(arg)
})

try {
  await program.parseAsync(argv)
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  const shown = error.code === 'commander.helpDisplayed' || error.code === 'commander.version'
  if (error.code !== 'commander.help' && !shown) {
    const [sentence, hint] = error.message.replace(/^error: /, '').split('\n')
    log(`vms: ${sentence}${hint ? ` ${hint}` : ''}; "vms --help" shows what there is`)
  }
  process.exitCode = shown ? EXIT.ok : EXIT.usage
}
