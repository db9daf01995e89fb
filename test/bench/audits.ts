// What audits cost beside what they audit: a cold one of many calls, a sample, and a watch that goes on where it was.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { VMSClient } from '../../lib/index.js'
import { audit, type AuditOptions } from '../../lib/audit/auditor.js'
import type { AuditResult } from '../../lib/audit/findings.js'
import { encodeBlock, type Commit } from '../../lib/ledger/blocks.js'
import crypto from '../../lib/ledger/crypto.js'
import { decodeKey, encodeKey } from '../../lib/ledger/keys.js'
import { advance } from '../../lib/ledger/position.js'
import type { Durability } from '../../lib/machine/durable.js'
import { execute } from '../../lib/machine/execute.js'
import { Transaction } from '../../lib/machine/transaction.js'
import { Replica } from '../../lib/replica/replica.js'
import { VMS } from '../helpers/cli.js'
import { Forger, type Forgery } from '../helpers/forger.js'
import { median, round, type Row } from './measure.js'
import { serve } from './vms.js'

const SHARE = 0.01
const NEW_CALLS = 100
const ROUNDS = 9

interface Rsvp {
  RSVP(isAttending: boolean, reason?: string): void
}

/** Serves so many calls, and audits them cold. */
export async function audits(folder: string, bootstrap: string, calls: number): Promise<Row[]> {
  const server = await serve(folder, bootstrap)
  const storage = path.join(folder, 'client')
  const identity = path.join(folder, 'caller')
  const client = new VMSClient<Rsvp>(server.key, { bootstrap: [bootstrap], storage, identity })
  await client.RSVP(true, 'warm up')
  let n = 0
  const serving = await seconds(() =>
    Promise.all(
      Array.from({ length: 64 }, async () => {
        while (n < calls) await client.RSVP(n % 2 === 0, `reason ${n++}`)
      })
    )
  )
  await client.close()
  let copies = 0
  const audited = async (options: Partial<AuditOptions>) => {
    const data = path.join(folder, `audit-${copies++}`)
    const replica = new Replica(decodeKey(server.key), { bootstrap: [bootstrap], data })
    let result: AuditResult | null = null
    const time = await seconds(async () => (result = await audit(replica, { timeout: 60_000, ...options })))
    await replica.close()
    if (result!.verdict !== 'verified') throw new Error(`the audit says ${JSON.stringify(result)}`)
    return { time, result: result! }
  }
  const jobs = availableParallelism()
  const full = await audited({ jobs })
  const sample = await audited({ sample: SHARE, seed: 'bench', jobs })
  await server.close()
  const conditions = `${calls} calls in ${full.result.length} blocks, empty storage, finding the host included`
  return [
    row('RSVP calls, 64 in flight', calls / serving, 'calls/s', `${calls} calls`),
    row('audit, cold, full', full.result.checked / full.time, 'records/s', `${conditions}, ${jobs} jobs`),
    row('audit, cold, full, beside serving', serving / full.time, '× as fast', 'the same calls'),
    row(`audit of a share of ${SHARE}`, sample.time, 's', `${sample.result.checked} records, ${conditions}`),
    row(`audit of a share of ${SHARE}, beside all`, sample.time / full.time, 'of the time', conditions)
  ]
}

/** How long a watch takes after so many new calls: on a short log and on a long one, in turns. */
export async function resumes(folder: string, bootstrap: string, lengths: number[]): Promise<Row[]> {
  const watched: { length: number; vm: Forgery; data: string; times: number[] }[] = []
  for (const length of lengths) {
    const forger = new Forger(path.join(folder, `host-${length}`), [bootstrap])
    await forger.ready()
    const vm = await forger.vm({ source: SOURCE })
    await vm.init()
    await grow(forger, vm, length)
    await vm.publish()
    const data = path.join(folder, `watch-${length}`)
    await watchTo(vm, bootstrap, data, length)
    watched.push({ length, vm, data, times: [] })
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const { vm, data, times } of watched) {
      for (let i = 0; i < NEW_CALLS; i++) await vm.call('RSVP', [true, `late ${i}`])
      vm.shown = await vm.head()
      times.push(await watchTo(vm, bootstrap, data, vm.cores.log.length))
    }
  }
  for (const { vm } of watched) await vm.forger.close()
  return watched.map(({ length, times }) => {
    const conditions = `${length} blocks before; the whole process, from its start on; median of ${ROUNDS}`
    return row(`a watch resumed after ${NEW_CALLS} calls`, median(times), 's', conditions)
  })
}

const SOURCE = `exports.init = async () => {}
exports.RSVP = async (isAttending, reason) => {
  await System.files.writeFile('/rsvps/' + System.caller.id + '.json', JSON.stringify({ isAttending, reason }))
}`

/** Makes a log longer, a block a call, by callers who are all different. */
async function grow(forger: Forger, vm: Forgery, length: number): Promise<void> {
  // a commit is durable for those who rely on it, which nobody does here
  const durability = { createAtom: () => forger.store.storage.createAtom() } as unknown as Durability
  const transaction = await Transaction.open(vm.cores, durability)
  while (vm.position.block < length) {
    const seen = await vm.head()
    const count = Math.min(256, length - vm.position.block)
    const requests = await Promise.all(
      Array.from({ length: count }, () => vm.request('RSVP', [true, 'many'], { by: crypto.keyPair(), seen }))
    )
    const { genesis } = vm
    const done = await execute(forger.executor, genesis, vm.position.index, transaction.files, requests)
    for (const one of done) {
      const after = await transaction.appendFiles(one!.changes)
      const { index: first, base, files: before } = vm.position
      const commit: Commit = {
        type: 'commit',
        upgrade: null,
        first,
        base,
        before,
        after,
        records: [one!.record],
        time: 0
      }
      await transaction.appendLog(encodeBlock(commit))
      vm.position = advance(vm.position, commit)
    }
    await transaction.commit()
  }
  await transaction.close()
}

/** Runs a watch, as a user does, until it has verified so many blocks. */
async function watchTo(
  { key }: Forgery,
  bootstrap: string,
  storage: string,
  length: number
): Promise<number> {
  const flags = ['--json', '--bootstrap', bootstrap, '--storage', storage]
  const start = performance.now()
  const stdio = ['ignore', 'pipe', 'ignore'] as const
  const watch = spawn(process.execPath, [VMS, 'audit', '--watch', encodeKey(key), ...flags], {
    stdio: [...stdio]
  })
  const ended = once(watch, 'exit')
  let time = 0
  for await (const line of createInterface({ input: watch.stdout })) {
    const { event, length: reached } = JSON.parse(line) as { event: string; length?: number }
    if (event === 'fraud' || event === 'inconclusive') throw new Error(line)
    if (event !== 'verified' || reached! < length || time > 0) continue
    time = (performance.now() - start) / 1000
    watch.kill('SIGINT')
  }
  await ended
  return time
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

function row(work: string, value: number, unit: string, conditions: string): Row {
  return { work, value: round(value, value < 100 ? 2 : 0), unit, conditions }
}
