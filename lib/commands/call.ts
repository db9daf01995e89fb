// vms call: one call.

import { CallError } from '../client/errors.js'
import type { CallResult } from '../client/calls.js'
import type { LocalResult } from '../client/local.js'
import { VMSError } from '../errors.js'
import type { Context } from './context.js'
import { formatAge } from './age.js'
import { describeError, errorToJSON, EXIT, sentenceOf, statusOf, type ErrorJSON } from './exit.js'
import { parseArgument, prettyValue, toJSON } from './json.js'
import { log, printJSON, printText } from './output.js'
import type { TrustFlags } from './trust.js'

export interface CallFlags extends TrustFlags {
  /** runs it here */
  local?: boolean
}

export async function call(
  context: Context,
  key: string,
  method: string,
  args: string[],
  { local = false, ...flags }: CallFlags
): Promise<number> {
  for (const text of [key, method]) {
    if (text.startsWith('-')) throw new VMSError('USAGE', `unknown option '${text}'`)
  }
  const parsed = args.map(parseArgument)
  try {
    const { showOracles, trustOf } = await import('./semi-trusted.js')
    const { hearTrusted, readTrust, showTrust, trustingReplica } = await import('./trust.js')
    const trust = readTrust(flags)
    const { timeout } = context
    const replica = await trustingReplica(context, key, trust)
    const identity = await context.identity()
    if (local) {
      const [{ LocalCalls }, { auditorsOf }] = await Promise.all([
        import('../client/local.js'),
        import('../replica/verified.js')
      ])
      const calls = context.use(new LocalCalls(replica, identity.publicKey, trust.minAuditors))
      const result = await calls.call(method, parsed, { timeout })
      const heard = await hearTrusted(context, replica, trust, result.block + 1)
      const auditors = heard ? auditorsOf(heard.attestations, result.block + 1) : []
      showLocal(context, { ...result, auditors }, await trustOf(context, replica))
      await showOracles(context, replica)
    } else {
      const { Calls } = await import('../client/calls.js')
      const result = await new Calls(replica, identity, trust.minAuditors).call(method, parsed, { timeout })
      const heard = await showTrust(context, replica, trust, result.block)
      show(context, result, { ...heard, ...(await trustOf(context, replica)) })
      await showOracles(context, replica)
    }
    return EXIT.ok
  } catch (error) {
    return report(context, error, local)
  }
}

function show(context: Context, { value, index, block, hash, gas }: CallResult, trust: object): void {
  if (!context.json) printText(prettyValue(value))
  else printJSON({ ok: true, value: toJSON(value), index, block, hash: hex(hash), gas, ...trust })
}

function showLocal(context: Context, { value, hash, ...rest }: LocalResult, trust: object): void {
  if (context.json) {
    return printJSON({ ok: true, local: true, value: toJSON(value), hash: hex(hash), ...rest, ...trust })
  }
  printText(prettyValue(value))
  log(describeLocal(rest))
}

/** Where the answer of a local call is from, for people. */
export function describeLocal({ block, age, online, auditors }: Omit<LocalResult, 'value' | 'hash'>): string {
  const head = age === null ? '' : `, whose head was signed ${formatAge(age)} ago`
  const audited = auditors.length === 0 ? 'not audited' : `audited by ${auditors.join(', ')}`
  return `answered here, from the files of block ${block}${head}; ${online ? '' : 'the host is offline; '}${audited}`
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function report(context: Context, error: unknown, local: boolean): number {
  const status = statusOf(error)
  if (status === EXIT.usage) throw error
  const thrown = error instanceof CallError ? error : null
  const json: ErrorJSON = thrown ? thrown.thrown : errorToJSON(error)
  if (context.json) {
    const place = { index: thrown?.index ?? null, block: thrown?.block ?? null }
    printJSON({ ok: false, ...(local && { local }), error: json, ...place })
  }
  if (!thrown) log(...sentenceOf(error, context.verbose))
  else if (!context.json) log(describeError(json))
  if (thrown && local) log(`thrown here, on the files of block ${thrown.block}; not audited`)
  return status
}
