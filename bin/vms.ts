#!/usr/bin/env node
// The command line: argument parsing and dispatch. Each command is a module of its own, loaded when it is called.

import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import type { DeployFlags } from '../lib/commands/deploy.js'
import type { AuditFlags } from '../lib/commands/audit.js'
import type { DevFlags } from '../lib/commands/dev.js'
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
  .option('--relay <keys>', 'relays for where peers do not reach each other otherwise (VMS_RELAY)')
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

/** A flag that may be repeated. */
const repeated = (value: string, before: string[] = []) => [...before, value]

/** A flag that may be repeated, or name several with commas between them. */
const several = (value: string, before: string[] = []) => [...before, ...value.split(',')]

/** Lets a command know which APIs there are below System.oracles. */
function asking(command: Command): Command {
  return command
    .option(
      '--oracle <names>',
      'APIs of the host for the contract: clock, random, or the file of a module',
      several
    )
    .option('--fetch <origins>', 'the oracle fetch, and the origins that it may ask', several)
}

/** Lets a command know the auditors that count; with `required` also how many must have verified what it relies on. */
function trusting(command: Command, required = true): Command {
  command.option(
    '--trust <auditors>',
    'ids of auditors, separated by commas, or a file with one a line; may be repeated',
    repeated
  )
  if (required) command.option('--min-auditors <count>', 'how many of them must have verified the log so far')
  return command
}

function act(action: Action): Promise<never> {
  return run(program.opts<Flags>(), action)
}

asking(program.command('serve'))
  .description('deploy scripts as VMs, resume those of the storage, and serve them until interrupted')
  .argument('[script...]', 'contracts: .js or .ts files')
  .option('--new', 'deploy even what the storage holds already')
  .option('--factory', 'let others deploy here; the oracles that are named are those that theirs may use')
  .option('--gas <units>', 'what a call of a newly deployed VM may use (default: 10000000)')
  .option('--upgrade <who>', 'who may replace a newly deployed contract: never or owner (default: never)')
  .option('--allow <ids>', 'who may call: ids, or a file with one a line that may change meanwhile', repeated)
  .option('--deny <ids>', 'who may not', repeated)
  .option('--allow-deploy <ids>', 'who may deploy through the factory', repeated)
  .option('--vms-per-owner <count>', 'how many VMs one may have deployed through it')
  .option('--bytes-per-owner <size>', 'what log and files of these may have, as 10MB or 1GiB')
  .option('--calls-per-minute <count>', 'how many calls one caller may make')
  .option('--bytes-per-minute <size>', 'what the requests of one caller may have')
  .option('--disk <size>', 'what the storage may have')
  .option('--max-gas <units>', 'what who deploys through the factory may ask for')
  .option('--max-file-bytes <size>', 'the largest file of a newly deployed VM (default: 1MiB)')
  .option('--port <port>', 'the UDP port that others reach it at (default: one that is free)')
  .option('--no-wait', 'after a stop that was not clean: do not ask peers first what they have seen')
  .option('--watchdog <ms>', 'how long a call may compute (default: 5000)')
  .action((scripts: string[], options: object) =>
    act(async context => (await import('../lib/commands/serve.js')).serve(context, scripts, options))
  )

program
  .command('status')
  .description(
    'what the host that runs in the storage is doing; 0 if all is well, 1 with a problem, 2 if none runs'
  )
  .action(() => act(async context => (await import('../lib/commands/status.js')).status(context)))

program
  .command('backup')
  .description("write the keys of the storage's VMs to a file, encrypted with a passphrase")
  .argument('<file>')
  .option('--passphrase-file <file>', 'its first line is the passphrase (VMS_PASSPHRASE)')
  .action((file: string, options: object) =>
    act(async context => (await import('../lib/commands/backup.js')).backup(context, file, options))
  )

program
  .command('restore')
  .description('bring the VMs of a backup to this machine: log and files are fetched from mirrors')
  .argument('<file>')
  .option('--passphrase-file <file>', 'its first line is the passphrase (VMS_PASSPHRASE)')
  .action((file: string, options: object) =>
    act(async context => (await import('../lib/commands/backup.js')).restore(context, file, options))
  )

program
  .command('deploy')
  .description("deploy a contract to somebody else's host")
  .argument('<script>')
  .requiredOption('--host <key>', "the key of the host's factory, as its operator has it")
  .option('--gas <units>', 'what a call may use')
  .option('--oracle <names>', "the host's oracles that it may use", several)
  .option('--upgrade <who>', 'who may replace the contract: never or owner (default: never)')
  .action((script: string, options: DeployFlags) =>
    act(async context => (await import('../lib/commands/deploy.js')).deploy(context, script, options))
  )

program
  .command('upgrade')
  .description('replace the contract of a VM, where its genesis lets the owner do that')
  .argument('<key>')
  .argument('<script>')
  .action((key: string, script: string) =>
    act(async context => (await import('../lib/commands/upgrade.js')).upgrade(context, key, script))
  )

program
  .command('list')
  .description('the VMs that a host has deployed for others')
  .argument('<host>', "the key of the host's factory")
  .action((host: string) =>
    act(async context => (await import('../lib/commands/deploy.js')).list(context, host))
  )

for (const [action, what] of [
  ['stop', 'have a VM take no more calls; its log and files stay readable'],
  ['resume', 'have a stopped VM take calls again'],
  ['remove', 'have its host forget a VM']
] as const) {
  program
    .command(action)
    .description(what)
    .argument('<key>')
    .option('--host <key>', 'the key of the host that it was deployed to')
    .action((key: string, options: { host?: string }) =>
      act(async context => (await import('../lib/commands/deploy.js')).change(context, action, key, options))
    )
}

trusting(program.command('call'))
  .description('call a method; an argument is JSON if it parses, else a string')
  .argument('<key>')
  .argument('<method>')
  .argument('[args...]')
  .option('--local', 'run it here on the newest signed files: without the host, not logged, no write kept')
  .allowUnknownOption()
  .action((key: string, method: string, args: string[], options: object) =>
    act(async context => (await import('../lib/commands/call.js')).call(context, key, method, args, options))
  )

trusting(program.command('connect'))
  .description("an interactive session with the contract's methods")
  .argument('<key>')
  .action((key: string, options: object) =>
    act(async context => (await import('../lib/commands/connect.js')).connect(context, key, options))
  )

trusting(program.command('files'))
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

trusting(program.command('info'), false)
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

trusting(program.command('audit'), false)
  .description('replicate VMs and replay their calls: 0 verified, 1 fraud, 2 inconclusive')
  .argument('<key...>')
  .option('--from <block>', 'begin with this block')
  .option('--last <count>', 'only the last blocks')
  .option('--sample <share>', 'a random share of the blocks, above 0 and up to 1')
  .option('--seed <text>', 'draw the same share again')
  .option('--jobs <count>', 'processes that replay at once (default: the cores)')
  .option('--watch', 'go on as calls come in, until interrupted')
  .option('--attest', 'with --watch: sign what comes of it, and hand it to peers that ask')
  .option('--proof <file>', 'write the proof of what was found, for "vms verify"')
  .action((keys: string[], options: AuditFlags) =>
    act(async context => (await import('../lib/commands/audit.js')).auditAll(context, keys, options))
  )

program
  .command('verify')
  .description('check a proof of fraud, offline: 0 proven, 1 not, 2 this runtime cannot tell')
  .argument('<proof-file>')
  .action((file: string) =>
    act(async context => (await import('../lib/commands/verify.js')).verify(context, file))
  )

asking(program.command('check'))
  .description('say whether a contract can be deployed, and why not')
  .argument('<script>')
  .action((script: string, options: object) =>
    act(async context => (await import('../lib/commands/check.js')).check(context, script, options))
  )

asking(program.command('dev'))
  .description(
    'run a contract in memory while it is written: deployed anew when it changes, and a session with its methods'
  )
  .argument('[script]', 'a .js or .ts file (default: "main" of package.json, or the only script here)')
  .option('--gas <units>', 'what a call may use (default: 10000000)')
  .action((script: string | undefined, options: DevFlags) =>
    act(async context => (await import('../lib/commands/dev.js')).dev(context, script, options))
  )

program
  .command('init')
  .description('write a new project: a contract, its test, and this package to run them')
  .argument('[dir]', 'a folder that is empty or not there yet (default: this one)')
  .option('--typescript', 'in TypeScript instead of JavaScript')
  .action((dir: string | undefined, options: { typescript?: boolean }) =>
    act(async context => (await import('../lib/commands/init.js')).init(context, dir, options))
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
  .command('mirror')
  .description('keep VMs available while their hosts are away, until interrupted')
  .argument('[key...]')
  .option('--mirror-all-from <file>', 'a list of keys, one a line, that may change meanwhile', repeated)
  .option('--disk <size>', 'what the blocks of all of them may have (default: what the disk has)')
  .option('--port <port>', 'the UDP port that others reach it at (default: one that is free)')
  .action((keys: string[], options: object) =>
    act(async context => (await import('../lib/commands/mirror.js')).mirror(context, keys, options))
  )

program
  .command('relay')
  .description(
    'pass on the encrypted connections of peers that do not reach each other; needs a public address'
  )
  .option('--port <port>', 'the UDP port that it is reached at (default: one that is free)')
  .option('--rate <size>', 'what it carries for one address in a second, as 256KiB (default)')
  .action((options: object) =>
    act(async context => (await import('../lib/commands/relay.js')).relay(context, options))
  )

program
  .command('demo')
  .description('everything on one machine: a host, callers, an auditor, and a cheating host caught')
  .action(() => act(async context => (await import('../lib/commands/demo.js')).demo(context)))

program
  .command('help')
  .description('the same as --help')
  .argument('[command]')
  .action((name?: string) => {
    const command = program.commands.find(one => one.name() === name)
    if (name !== undefined && !command) program.error(`unknown command '${name}'`)
    ;(command ?? program).outputHelp()
  })

// What follows "--" is never a flag: until it is parsed, it is marked with what no argument of a process can hold.
const MARK = '\0'
const separator = process.argv.indexOf('--')
const argv = markArguments(
  separator === -1
    ? process.argv
    : [...process.argv.slice(0, separator), ...process.argv.slice(separator + 1).map(arg => MARK + arg)]
)

// What follows the method of a call is an argument, also if it is named like an option that only "vms call" has.
function markArguments(args: string[]): string[] {
  const call = program.commands.find(command => command.name() === 'call')!
  const own = new Set(call.options.map(option => option.long))
  const valued = new Set([...program.options, ...call.options].filter(o => o.required).map(o => o.long))
  const words = [...args.keys()].filter(i => i > 1 && !args[i].startsWith('--') && !valued.has(args[i - 1]))
  if (words.length < 3 || args[words[0]] !== 'call') return args
  return args.map((arg, i) => (i > words[2] && own.has(arg.split('=')[0]) ? MARK + arg : arg))
}

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
