// vms call: one call.

import { CallError } from '../client/errors.js'
import type { CallResult } from '../client/calls.js'
import { VMSError } from '../errors.js'
import type { Context } from './context.js'
import { describeError, errorToJSON, EXIT, sentenceOf, statusOf, type ErrorJSON } from './exit.js'
import { parseArgument, prettyValue, toJSON } from './json.js'
import { log, printJSON, printText } from './output.js'

export async function call(context: Context, key: string, method: string, args: string[]): Promise<number> {
  for (const text of [key, method]) {
    if (text.startsWith('-')) throw new VMSError('USAGE', `unknown option '${text}'`)
  }
  const parsed = args.map(parseArgument)
  try {
    const { Client } = await import('../client/client.js')
    const { timeout, storage } = context
    const identity = await context.identity()
    const client = context.use(
      new Client(key, { bootstrap: await context.bootstrap(), storage, timeout, identity })
    )
    show(context, await client.request(method, parsed))
    return EXIT.ok
  } catch (error) {
    return report(context, error)
  }
}

function show(context: Context, { value, index, block, hash, gas }: CallResult): void {
  if (!context.json) printText(prettyValue(value))
  else
    printJSON({ ok: true, value: toJSON(value), index, block, hash: Buffer.from(hash).toString('hex'), gas })
}

function report(context: Context, error: unknown): number {
  const status = statusOf(error)
  if (status === EXIT.usage) throw error
  const thrown = error instanceof CallError ? error : null
  const json: ErrorJSON = thrown ? thrown.thrown : errorToJSON(error)
  if (context.json) {
    printJSON({ ok: false, error: json, index: thrown?.index ?? null, block: thrown?.block ?? null })
  }
  if (!thrown) log(...sentenceOf(error, context.verbose))
  else if (!context.json) log(describeError(json))
  return status
}
