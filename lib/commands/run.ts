// Runs one command: signals, a closed pipe, errors, and the exit status.

import { format } from 'node:util'
import { codeOf } from '../errors.js'
import { Context, type Flags } from './context.js'
import { EXIT, sentenceOf, statusOf } from './exit.js'
import { flush, log } from './output.js'

/** A command: resolves with its exit status. */
export type Command = (context: Context) => Promise<number>

/** How long a command may take to close what it has opened, ms: whoever stops services kills them after 10 s. */
const CLOSE_MS = 9000

/** Runs a command and ends the process. */
export async function run(flags: Flags, command: Command): Promise<never> {
  // Hypercore speaks there when it meets a fork, and stdout is for results
  Object.assign(console, { log: (...args: unknown[]) => log(format(...args)) })
  const context = new Context(flags)
  watch(context)
  let status: number
  try {
    context.check()
    status = await Promise.race([command(context), context.stopped])
  } catch (failure) {
    const error = await context.explain(failure)
    log(...sentenceOf(error, context.verbose))
    status = statusOf(error)
  }
  setTimeout(() => {
    log('vms: not everything could be closed in time; nothing that was answered is lost')
    process.exit(status)
  }, CLOSE_MS).unref()
  try {
    await context.close()
  } catch (error) {
    if (status === EXIT.ok) status = EXIT.internal
    log(...sentenceOf(error, context.verbose))
  }
  await flush()
  process.exit(status)
}

function watch(context: Context): void {
  let signals = 0
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (++signals > 1 && signal === 'SIGINT') process.exit(130)
      context.stop(signal)
    })
  }
  process.stdout.on('error', error => {
    if (codeOf(error) === 'EPIPE') context.stop('EPIPE')
  })
  process.stderr.on('error', () => {}) // there is nowhere left to say it
  process.on('uncaughtException', error => {
    log(...sentenceOf(error, context.verbose))
    process.exit(EXIT.internal)
  })
}
