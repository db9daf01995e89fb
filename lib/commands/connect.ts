// vms connect: an interactive session with the contract's methods.

import { Calls } from '../client/calls.js'
import { ClientFiles } from '../client/files.js'
import { describe } from '../client/info.js'
import { LocalCalls } from '../client/local.js'
import type { Replica } from '../replica/replica.js'
import { auditReplica, printAudit } from './audit.js'
import { describeOffline } from './age.js'
import type { Context } from './context.js'
import { escapeControls } from './escape.js'
import { EXIT } from './exit.js'
import { cat, list } from './files.js'
import { printInfo } from './info.js'
import { printTail } from './log.js'
import { log, print, printJSON } from './output.js'
import { define, method as methodOf, onTerminal, Session, type DotCommand } from './repl.js'
import { readTrust, showTrust, trustingReplica, type Trust, type TrustFlags } from './trust.js'

const DEFAULT_TAIL = 10

/** How long the host may be gone before that is said, ms: one connection may take the place of another. */
const GONE_MS = 1000

/** What has the methods that run here in a session. */
const LOCAL = 'local'

export async function connect(context: Context, key: string, flags: TrustFlags): Promise<number> {
  const { timeout } = context
  const trust = readTrust(flags)
  const replica = await trustingReplica(context, key, trust)
  const online = await replica.sync(timeout)
  const info = await describe(replica, online, timeout)
  const identity = await context.identity()
  const calls = new Calls(replica, identity, trust.minAuditors)
  const local = context.use(new LocalCalls(replica, identity.publicKey, trust.minAuditors))
  await showTrust(context, replica, trust)
  if (!online) {
    log(`${describeOffline(replica)}: files and log can be read, and methods run here: ${LOCAL}.method(…)`)
  }
  if (info.oracles.length > 0) log(`${escapeControls(info.title)} is ${info.trust}`)
  if (onTerminal()) log(`${info.title}: ${info.methods.join(', ')}. Type .help for more.`)

  const session = new Session(context, info.title)
  const here: { [method: string]: unknown } = {}
  session.define(LOCAL, here) // a method of this name hides it
  let methods: string[] = []
  const offer = (names: string[]) => {
    for (const gone of methods.filter(name => !names.includes(name))) {
      session.undefine(gone)
      delete here[gone]
    }
    methods = names
    for (const method of names) {
      const there = async (args: unknown[]) => (await calls.call(method, args, { timeout })).value
      session.define(method, methodOf(there))
      define(
        here,
        method,
        methodOf(async args => (await local.call(method, args, { timeout })).value)
      )
    }
  }
  offer(info.methods)
  if (info.upgrade === 'owner') followUpgrades(context, replica, info.contractBlock, offer)
  const commands = dotCommands(context, replica, trust)
  for (const [name, command] of Object.entries(commands)) session.command(name, command)
  session.help(() => methods, `${LOCAL}.method(…) run it here`)
  const unfollow = followHost(context, session, replica)
  await session.ended()
  unfollow()
  return EXIT.ok
}

/** Tells when the host is lost, and when it is back. @returns what ends that */
function followHost(context: Context, session: Session, replica: Replica): () => void {
  let online = replica.host !== null
  let gone: NodeJS.Timeout | undefined
  const tell = (event: object, sentence: string) =>
    session.interject(() => (context.json ? printJSON({ event: 'host', ...event }) : log(`vms: ${sentence}`)))
  const look = () => {
    if (replica.host === null) {
      if (!online) return
      gone ??= setTimeout(() => {
        online = false
        tell({ online }, 'the host is offline; looking for it')
      }, GONE_MS)
      return
    }
    clearTimeout(gone)
    gone = undefined
    if (online) return
    online = true
    const { relayed } = replica
    tell({ online, relayed }, `the host is online (${relayed ? 'relayed' : 'direct'})`)
  }
  replica.on('link', look)
  return () => {
    replica.off('link', look)
    clearTimeout(gone)
  }
}

/** Tells of each contract that takes the place of the one before. */
function followUpgrades(
  context: Context,
  replica: Replica,
  since: number,
  onmethods: (methods: string[]) => void
): void {
  replica.on('append', () => {
    describe(replica, true, context.timeout)
      .then(({ contractBlock, methods }) => {
        if (contractBlock <= since) return
        since = contractBlock
        log(
          `the contract was replaced in block ${since}; its methods: ${methods.map(name => escapeControls(name)).join(', ')}`
        )
        onmethods(methods)
      })
      .catch(() => {}) // it is closed, or what it reads does not come: a call says so
  })
}

function dotCommands(context: Context, replica: Replica, trust: Trust): { [name: string]: DotCommand } {
  const { timeout } = context
  const reader = new ClientFiles(replica, timeout, trust.minAuditors)
  return {
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
}
