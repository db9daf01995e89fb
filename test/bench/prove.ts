// That figures of serving are figures of what VMS promises: the host is killed while calls are in flight and started again on
// the same storage, and then a full audit must verify the log, and the log must hold every call that was acknowledged. If it
// does not, nothing is printed.

import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import b4a from 'b4a'
import { decodeBlock } from '../../lib/ledger/blocks.js'
import type { FilesState } from '../../lib/ledger/encoding.js'
import { decodeKey } from '../../lib/ledger/keys.js'
import { hashRecord } from '../../lib/ledger/record.js'
import { Replica } from '../../lib/replica/replica.js'
import { VMS } from '../helpers/cli.js'
import type { Acknowledged } from './acknowledged.js'
import type { Ground } from './ground.js'
import type { HostProcess } from './host.js'
import type { Load } from './load.js'

/** How many processes an audit has. */
export const JOBS = 2

/** What a full audit says, and how long the whole command took. */
export interface Audited {
  seconds: number
  /** blocks of the log */
  length: number
  /** records that were replayed */
  checked: number
}

/** Bytes a call of the records from one index up to another. */
export interface Weight {
  log: number
  files: number
}

export interface Proved {
  /** the host, started again */
  host: HostProcess
  audited: Audited
  /** of the ranges that were asked for, each from an index up to another */
  weights: Weight[]
}

/** What makes all figures worthless. */
export class BrokenPromise extends Error {}

/**
 * Kills the host of one VM while `load` keeps calls in flight, starts it again, and audits it.
 * @param ranges of records to be weighed
 * @throws BrokenPromise
 */
export async function prove(
  ground: Ground,
  host: HostProcess,
  load: { inFlight: number; close(): Promise<void>; acknowledged: Acknowledged },
  ranges: [from: number, to: number][] = []
): Promise<Proved> {
  if (load.inFlight === 0) throw new Error('no call is in flight')
  await host.kill()
  if (load.inFlight === 0) throw new Error('all calls were answered before the host was killed')
  await load.close()
  const again = await host.again()
  const { audited, weights } = await auditAndCompare(ground, again.key, load.acknowledged, ranges)
  return { host: again, audited, weights }
}

/**
 * Audits a VM cold, and looks for what was acknowledged.
 * @throws BrokenPromise
 */
export async function auditAndCompare(
  ground: Ground,
  key: string,
  acknowledged: Acknowledged,
  ranges: [from: number, to: number][] = []
): Promise<Omit<Proved, 'host'>> {
  const storage = ground.path(`audit-${b4a.toString(decodeKey(key), 'hex').slice(0, 8)}`)
  try {
    const audited = await audit(ground, key, storage)
    const copy = new Replica(decodeKey(key), { bootstrap: ground.nodes, data: storage, storage })
    await copy.ready()
    try {
      return { audited, weights: await compare(copy, audited.length, acknowledged, ranges) }
    } finally {
      await copy.close()
    }
  } finally {
    await rm(storage, { recursive: true, force: true })
  }
}

/**
 * Runs `vms audit` into an empty folder.
 * @throws BrokenPromise if it does not verify
 */
export async function audit(
  ground: Ground,
  key: string,
  storage: string,
  ...flags: string[]
): Promise<Audited> {
  const always = ['--json', '--jobs', String(JOBS), '--storage', storage, '--bootstrap', ground.bootstrap]
  const begun = performance.now()
  const { stdout } = await promisify(execFile)(process.execPath, [
    VMS,
    'audit',
    key,
    ...always,
    '--timeout',
    '120',
    ...flags
  ]).catch((error: Error & { stdout?: string }) => {
    throw new BrokenPromise(`the audit says: ${error.stdout || error.message}`)
  })
  const seconds = (performance.now() - begun) / 1000
  const { verdict, length, checked } = JSON.parse(stdout) as Audited & { verdict: string }
  if (verdict !== 'verified') throw new BrokenPromise(`the audit says ${stdout}`)
  return { seconds, length, checked }
}

/** Looks for every acknowledged call, and weighs what is asked for on the way. */
async function compare(
  copy: Replica,
  length: number,
  acknowledged: Acknowledged,
  ranges: [from: number, to: number][]
): Promise<Weight[]> {
  const weighed = ranges.map(() => ({ log: 0, calls: 0, files: [] as FilesState[] }))
  let found = 0
  for (let n = 1; n < length; n++) {
    const bytes = (await copy.log.get(n, { timeout: 60_000 }))!
    const block = decodeBlock(bytes)
    if (block.type !== 'commit') continue
    for (const [i, record] of block.records.entries()) {
      const hash = acknowledged.at(block.first + i)
      if (hash === null) continue
      if (!b4a.equals(hash, hashRecord(record)))
        throw new BrokenPromise(`call ${block.first + i} is not the one that was acknowledged`)
      found++
    }
    for (const [i, [from, to]] of ranges.entries()) {
      if (block.first < from || block.first >= to) continue
      const one = weighed[i]
      one.log += bytes.byteLength
      one.calls += block.records.length
      one.files[0] ??= block.before
      one.files[1] = block.after
    }
  }
  if (found < acknowledged.count) {
    const lost = acknowledged.count - found
    throw new BrokenPromise(`${lost} of ${acknowledged.count} acknowledged calls are not in the log`)
  }
  const { db, blobs } = await copy.cores()
  return Promise.all(
    weighed.map(async ({ log, calls, files: [before, after] }) => {
      if (calls === 0) throw new Error('there are no calls to be weighed')
      const inDB = await sizeOf(db, before.db.length, after.db.length)
      const bytes = inDB + (await sizeOf(blobs, before.blobs.length, after.blobs.length))
      return { log: log / calls, files: bytes / calls }
    })
  )
}

/** Bytes of some blocks of a core. */
async function sizeOf(core: Replica['log'], from: number, to: number): Promise<number> {
  let bytes = 0
  for (let n = from; n < to; n++) bytes += (await core.get(n, { timeout: 60_000 }))!.byteLength
  return bytes
}

/** Keeps calls in flight until the host is killed, and proves what was served. */
export async function proveUnder(
  ground: Ground,
  host: HostProcess,
  load: Load,
  ranges: [from: number, to: number][] = []
): Promise<Proved> {
  await load.keep(64)
  return prove(ground, host, load, ranges)
}
