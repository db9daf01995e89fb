// VMS itself: the real command line serves, over a real DHT; callers and auditor are in other processes than the host.

import { execFile, spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { VMSClient } from '../../lib/index.js'
import { audit } from '../../lib/audit/auditor.js'
import { decodeKey } from '../../lib/ledger/keys.js'
import { Replica } from '../../lib/replica/replica.js'
import { median, rate, round, type Row } from './measure.js'

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
const cli = path.join(root, 'dist', 'bin', 'vms.js')
const CONDITIONS =
  'two processes, Hyperswarm connection; requests signed and checked, sandboxed, committed durably, record checked in the log'

interface Rsvp {
  RSVP(isAttending: boolean, reason?: string): void
}

/** A host of the rsvp contract, in a process of its own. */
export async function serve(
  folder: string,
  bootstrap: string
): Promise<{ key: string; close(): Promise<void> }> {
  const script = path.join(root, 'fixtures', 'contracts', 'rsvp.js')
  const args = [
    cli,
    'serve',
    script,
    '--json',
    '--storage',
    path.join(folder, 'host'),
    '--bootstrap',
    bootstrap
  ]
  const child = spawn(process.execPath, [...args, '--identity', path.join(folder, 'owner')], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  const { key } = JSON.parse(line) as { key: string }
  return {
    key,
    async close() {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
  }
}

export async function calls(folder: string, key: string, bootstrap: string, seconds: number): Promise<Row[]> {
  const client = new VMSClient<Rsvp>(key, {
    bootstrap: [bootstrap],
    storage: path.join(folder, 'client'),
    identity: path.join(folder, 'caller')
  })
  await client.RSVP(true, 'warm up')
  const rows: Row[] = []
  for (const inFlight of [1, 64]) {
    const { perSecond, latency } = await rate(seconds, inFlight, n => client.RSVP(n % 2 === 0, `reason ${n}`))
    rows.push({
      work: `RSVP calls, ${inFlight} in flight`,
      value: round(perSecond, 0),
      unit: 'calls/s',
      conditions: CONDITIONS,
      latency
    })
  }
  await client.close()
  return rows
}

/** Audits with an empty storage, and looks at what the cores weigh. */
export async function auditAll(folder: string, key: string, bootstrap: string): Promise<Row[]> {
  const replica = new Replica(decodeKey(key), { bootstrap: [bootstrap], data: path.join(folder, 'audit') })
  const start = performance.now()
  const result = await audit(replica, { timeout: 60_000 })
  const seconds = (performance.now() - start) / 1000
  if (result.verdict !== 'verified') throw new Error(`the audit says ${result.verdict}`)
  const { log, db, blobs } = await replica.cores()
  const bytes = (n: number) => round(n / result.calls, 0)
  const rows: Row[] = [
    {
      work: 'audit, cold, full',
      value: round(result.checked / seconds, 0),
      unit: 'records/s',
      conditions: `${result.calls} records in ${result.length} blocks, one process, empty storage, finding the host included`
    },
    { work: 'log', value: bytes(log.byteLength), unit: 'bytes/call', conditions: 'blocks of the call log' },
    {
      work: 'files',
      value: bytes(db.byteLength + blobs.byteLength),
      unit: 'bytes/call',
      conditions: "blocks of the files' two cores"
    }
  ]
  await replica.close()
  return rows
}

export async function coldCall(folder: string, key: string, bootstrap: string, times: number): Promise<Row> {
  const seconds: number[] = []
  const env = {
    ...process.env,
    XDG_DATA_HOME: path.join(folder, 'data'),
    XDG_CONFIG_HOME: path.join(folder, 'config')
  }
  for (let n = 0; n < times; n++) {
    const start = performance.now()
    await promisify(execFile)(
      process.execPath,
      [cli, 'call', key, 'RSVP', 'true', '--json', '--bootstrap', bootstrap],
      { env }
    )
    seconds.push((performance.now() - start) / 1000)
  }
  return {
    work: 'vms call, whole process',
    value: round(median(seconds)),
    unit: 's',
    conditions: `median of ${times}, loopback DHT, from start to exit`
  }
}
