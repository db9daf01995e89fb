// Benchmarks: prints one JSON object with a row for each measurement, VMS and its peers in the same run.
//
//   npm run bench                      about a minute
//   BENCH_SECONDS=1 npm run bench      each measurement that long
//   npm run bench -- audits            what audits cost: BENCH_CALLS calls (20,000), logs of BENCH_BLOCKS blocks (1000,100000)

import { mkdtemp, rm } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import createTestnet from 'hyperdht/testnet.js'
import { encodeValue } from '../../lib/ledger/values.js'
import { Executor } from '../../lib/sandbox/executor.js'
import { Pool } from '../../lib/sandbox/pool.js'
import { autobase, echo } from './peers.js'
import { median, round, type Row } from './measure.js'
import { audits, resumes } from './audits.js'
import { auditAll, calls, coldCall, serve } from './vms.js'

const seconds = Number(process.env.BENCH_SECONDS ?? 5)
const folder = await mkdtemp(path.join(tmpdir(), 'vms-bench-'))
const testnet = await createTestnet(3)
const [{ host, port }] = testnet.bootstrap
const bootstrap = `${host}:${port}`

const rows = process.argv.includes('audits') ? await ofAudits() : await ofAll()

await testnet.destroy()
await rm(folder, { recursive: true })

const machine = { node: process.version, arch: process.arch, cores: cpus().length, cpu: cpus()[0].model }
process.stdout.write(JSON.stringify({ machine, seconds, rows }, null, 2) + '\n')

async function ofAll(): Promise<Row[]> {
  const rows: Row[] = []
  const server = await serve(folder, bootstrap)
  try {
    rows.push(...(await calls(folder, server.key, bootstrap, seconds)))
    rows.push(...(await auditAll(folder, server.key, bootstrap)))
    rows.push(await coldCall(folder, server.key, bootstrap, 5))
  } finally {
    await server.close()
  }
  rows.push(await firstCall(5), ...(await sandbox()))
  rows.push(...(await echo(bootstrap, seconds)))
  rows.push(...(await autobase(path.join(folder, 'autobase'), seconds)))
  return rows
}

async function ofAudits(): Promise<Row[]> {
  const { BENCH_CALLS = '20000', BENCH_BLOCKS = '1000,100000' } = process.env
  const rows = await audits(folder, bootstrap, Number(BENCH_CALLS))
  return [...rows, ...(await resumes(folder, bootstrap, BENCH_BLOCKS.split(',').map(Number)))]
}

/** What the sandbox costs, measured in a process of its own. */
async function sandbox(): Promise<Row[]> {
  const script = fileURLToPath(new URL('./sandbox.js', import.meta.url))
  const flags = ['--expose-gc', '--disallow-code-generation-from-strings']
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, script])
  return JSON.parse(stdout) as Row[]
}

/** From nothing to the first outcome: a child process is started. */
async function firstCall(times: number): Promise<Row> {
  const samples: number[] = []
  for (let n = 0; n < times; n++) {
    const executor = new Executor({ pool: new Pool({ size: 1 }) })
    const start = performance.now()
    const call = { method: 'a', args: encodeValue([]), caller: 'y'.repeat(52), vm: 'y'.repeat(52), index: 0 }
    await executor.run('exports.a = () => 1', [call], {
      system: () => Promise.reject(new Error('nothing is asked')),
      again: () => {},
      end: () => Promise.resolve()
    })
    samples.push(performance.now() - start)
    await executor.close()
  }
  const conditions = 'process, thread, realm, SES, contract loaded and called'
  return { work: 'child started to first call', value: round(median(samples), 0), unit: 'ms', conditions }
}
