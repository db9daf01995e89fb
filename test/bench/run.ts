// Benchmarks: prints one JSON object with a row for each measurement, VMS and its peers in the same run.
//
//   npm run bench                      about a minute
//   BENCH_SECONDS=1 npm run bench      each measurement that long

import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import path from 'node:path'
import createTestnet from 'hyperdht/testnet.js'
import { autobase, echo } from './peers.js'
import type { Row } from './measure.js'
import { auditAll, calls, coldCall, serve } from './vms.js'

const seconds = Number(process.env.BENCH_SECONDS ?? 5)
const folder = await mkdtemp(path.join(tmpdir(), 'vms-bench-'))
const testnet = await createTestnet(3)
const [{ host, port }] = testnet.bootstrap
const bootstrap = `${host}:${port}`

const rows: Row[] = []
const server = await serve(folder, bootstrap)
try {
  rows.push(...(await calls(folder, server.key, bootstrap, seconds)))
  rows.push(...(await auditAll(folder, server.key, bootstrap)))
  rows.push(await coldCall(folder, server.key, bootstrap, 5))
} finally {
  await server.close()
}
rows.push(...(await echo(bootstrap, seconds)))
rows.push(...(await autobase(path.join(folder, 'autobase'), seconds)))

await testnet.destroy()
await rm(folder, { recursive: true })

const machine = { node: process.version, arch: process.arch, cores: cpus().length, cpu: cpus()[0].model }
process.stdout.write(JSON.stringify({ machine, seconds, rows }, null, 2) + '\n')
