// vms audit: replicates VMs and replays every call.

import { availableParallelism } from 'node:os'
import { SingleBar } from 'cli-progress'
import { audit, type AuditOptions } from '../audit/auditor.js'
import type { AuditResult, Doubt, Verdict } from '../audit/findings.js'
import { messageOf, VMSError, type ErrorCode } from '../errors.js'
import { decodeKey, encodeKey } from '../ledger/keys.js'
import type { Replica } from '../replica/replica.js'
import { parseNumber, type Context } from './context.js'
import { log, print, printJSON } from './output.js'
import { trustOf } from './semi-trusted.js'
import { readTrust, showTrust, trustingReplica, type Trust, type TrustFlags } from './trust.js'
import { checkPlace, describeKept, saveProof } from './proof.js'
import { statusOf, watchAll } from './watch.js'

/** Errors that say something about the peers, not about this command. */
const OUT_OF_REACH = new Set<ErrorCode>(['UNREACHABLE', 'NOT_AVAILABLE', 'TIMEOUT', 'BAD_HOST'])

/** What `vms audit` was given, as it was typed. */
export interface AuditFlags extends TrustFlags {
  from?: string
  last?: string
  sample?: string
  seed?: string
  jobs?: string
  watch?: boolean
  attest?: boolean
  proof?: string
}

export async function auditAll(context: Context, keys: string[], flags: AuditFlags): Promise<number> {
  const ids = keys.map(key => encodeKey(decodeKey(key)))
  const choice = readChoice(flags)
  const trust = readTrust(flags)
  if (flags.proof !== undefined && ids.length > 1)
    throw new VMSError('USAGE', '--proof is of one VM: audit one at a time')
  if (flags.proof !== undefined) await checkPlace(flags.proof)
  if (flags.watch) return watchAll(context, ids, flags, choice.jobs)
  if (flags.attest) throw new VMSError('USAGE', '--attest goes with --watch: peers ask while it runs')
  const verdicts: Verdict[] = []
  for (const id of ids) verdicts.push((await auditOne(context, id, choice, trust, flags.proof)).verdict)
  return statusOf(verdicts)
}

export type Choice = Omit<AuditOptions, 'timeout' | 'onprogress'>

/** @throws VMSError USAGE */
function readChoice({ from, last, sample, seed, jobs, watch }: AuditFlags): Choice {
  if (from !== undefined && last !== undefined)
    throw new VMSError('USAGE', '--from and --last both say where to begin: give one of them')
  if (seed !== undefined && sample === undefined)
    throw new VMSError('USAGE', '--seed draws a share of the blocks: it goes with --sample')
  if (watch && [from, last, sample].some(flag => flag !== undefined))
    throw new VMSError('USAGE', '--watch checks every block: it does not go with --from, --last or --sample')
  const whole = (flag: string, text: string | undefined, min: number) =>
    text === undefined ? undefined : parseNumber(flag, text, { min, integer: true })
  return {
    from: whole('--from', from, 0),
    last: whole('--last', last, 1),
    sample: sample === undefined ? undefined : parseNumber('--sample', sample, { above: 0, max: 1 }),
    seed,
    jobs: whole('--jobs', jobs, 1) ?? availableParallelism()
  }
}

async function auditOne(
  context: Context,
  id: string,
  choice: Choice,
  trust: Trust,
  proof?: string
): Promise<AuditResult> {
  const replica = await trustingReplica(context, id, trust)
  try {
    const result = await auditReplica(context, replica, choice)
    const others = { ...(await othersOf(context, replica, trust)), ...(await trustOf(context, replica)) }
    const written =
      proof === undefined ? undefined : await saveProof(context, replica, result.findings, proof)
    const kept = result.findings.some(({ kind }) => kind === 'forked') ? replica.fork?.file : undefined
    if (kept !== undefined && written !== kept) log(describeKept(kept))
    const shown = proof === undefined ? kept : (written ?? null)
    printAudit(context, id, result, { ...others, ...(shown !== undefined && { proof: shown }) })
    if (!replica.online && result.length > 0) {
      log(`vms: the host is offline: this is the own copy, which ends with block ${result.length - 1}`)
    }
    return result
  } finally {
    await replica.close()
  }
}

/** Audits a copy of a VM; what keeps the audit from its end makes it inconclusive. */
export async function auditReplica(
  context: Context,
  replica: Replica,
  choice: Choice = { jobs: availableParallelism() }
): Promise<AuditResult> {
  const bar = progressBar(context)
  try {
    return await audit(replica, {
      ...choice,
      timeout: context.timeout,
      onprogress: (done, blocks) => {
        if (!bar?.isActive) bar?.start(blocks, done)
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

export function printAudit(
  context: Context,
  key: string,
  result: AuditResult,
  others: { trust?: string } = {}
): void {
  const { verdict, length, hash, from, calls, checked, sample, seed, doubts } = result
  const findings = result.findings.map(({ kind, block, index, detail }) => ({ kind, block, index, detail }))
  if (context.json) {
    const audited = { verdict, key, length, hash, from, calls, checked, sample, seed, findings, doubts }
    return printJSON({ ...audited, ...others })
  }
  print(`${verdict}: ${key}`)
  print(`  ${length} blocks, ${calls} calls, ${checked} of them replayed; head ${hash || 'unknown'}`)
  if (others.trust !== undefined) print(`  ${others.trust}: what these answered is the host's word`)
  if (from > 0 && from < length) print(`  audited from block ${from} on`)
  if (sample !== undefined) print(`  a share of ${sample} of the blocks, drawn with --seed ${seed}`)
  for (const { kind, block, index, detail } of findings) {
    print(`  ${kind} in block ${block}${index === null ? '' : `, call ${index}`}: ${detail}`)
  }
  for (const { block, reason } of doubts) print(`  not checked, from block ${block} on: ${reason}`)
}

// after fraud there is nobody to wait for
async function othersOf(context: Context, replica: Replica, trust: Trust): Promise<object | null> {
  try {
    return await showTrust(context, replica, trust)
  } catch (error) {
    if (error instanceof VMSError) return null
    throw error
  }
}

function inconclusive(reason: string): AuditResult {
  const doubts: Doubt[] = [{ block: 0, reason, cause: 'missing' }]
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
