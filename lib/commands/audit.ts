// vms audit: replicates VMs and replays every call.

import { SingleBar } from 'cli-progress'
import { audit } from '../audit/auditor.js'
import type { AuditResult } from '../audit/findings.js'
import { messageOf, VMSError, type ErrorCode } from '../errors.js'
import { decodeKey, encodeKey } from '../ledger/keys.js'
import type { Replica } from '../replica/replica.js'
import type { Context } from './context.js'
import { EXIT } from './exit.js'
import { log, print, printJSON } from './output.js'

/** Errors that say something about the peers, not about this command. */
const OUT_OF_REACH = new Set<ErrorCode>(['UNREACHABLE', 'NOT_AVAILABLE', 'TIMEOUT', 'BAD_HOST'])

export async function auditAll(context: Context, keys: string[]): Promise<number> {
  const ids = keys.map(key => encodeKey(decodeKey(key)))
  const verdicts = new Set<string>()
  for (const id of ids) verdicts.add((await auditOne(context, id)).verdict)
  if (verdicts.has('fraud')) return EXIT.failed
  return verdicts.has('inconclusive') ? EXIT.unavailable : EXIT.ok
}

async function auditOne(context: Context, id: string): Promise<AuditResult> {
  const replica = await context.replica(id)
  try {
    const result = await auditReplica(context, replica)
    printAudit(context, id, result)
    if (!replica.online && result.length > 0) {
      log(`vms: the host is offline: this is the own copy, which ends with block ${result.length - 1}`)
    }
    return result
  } finally {
    await replica.close()
  }
}

/** Audits a copy of a VM; what keeps the audit from its end makes it inconclusive. */
export async function auditReplica(context: Context, replica: Replica): Promise<AuditResult> {
  const bar = progressBar(context)
  try {
    return await audit(replica, {
      timeout: context.timeout,
      onprogress: (done, length) => {
        if (!bar?.isActive) bar?.start(length, done)
        else bar.update(done)
      }
    })
  } catch (error) {
    if (!(error instanceof VMSError) || !OUT_OF_REACH.has(error.code)) throw error
    log(`vms: ${messageOf(error)}`)
    return inconclusive(error.message)
  } finally {
    bar?.stop()
  }
}

export function printAudit(context: Context, key: string, result: AuditResult): void {
  const { verdict, length, hash, from, calls, checked, findings, doubts } = result
  if (context.json) {
    return printJSON({ verdict, key, length, hash, from, calls, checked, findings, doubts })
  }
  print(`${verdict}: ${key}`)
  print(`  ${length} blocks, ${calls} calls, ${checked} of them replayed; head ${hash || 'unknown'}`)
  for (const { kind, block, index, detail } of findings) {
    print(`  ${kind} in block ${block}${index === null ? '' : `, call ${index}`}: ${detail}`)
  }
  for (const { block, reason } of doubts) print(`  not checked, from block ${block} on: ${reason}`)
}

function inconclusive(reason: string): AuditResult {
  const doubts = [{ block: 0, reason }]
  return { verdict: 'inconclusive', length: 0, hash: '', from: 0, calls: 0, checked: 0, findings: [], doubts }
}

function progressBar(context: Context): SingleBar | null {
  if (context.json || !process.stderr.isTTY) return null
  return new SingleBar({
    format: '{bar} {value}/{total} blocks',
    stream: process.stderr,
    clearOnComplete: true
  })
}
