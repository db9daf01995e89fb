// Benchmarks: print one JSON object with a row for each measurement, and the same rows as a table on stderr.
//
//   npm run bench                           all but scale
//   npm run bench -- calls fairness         only these parts
//   npm run bench -- scale                  how figures grow; takes an hour or so, less with BENCH_MAX=10000
//   npm run bench -- chart results.json out.svg   draws what scale has printed
//
// settings.ts has what can be set. Whatever serves is killed, started again and audited in the end: if a call was lost that
// was acknowledged, or the audit does not verify, nothing is printed, and the status is 1.

import { cpus, totalmem } from 'node:os'
import { audits } from './audits.js'
import { calls } from './calls.js'
import { chart } from './chart.js'
import { sandbox } from './children.js'
import { fairness } from './fairness.js'
import { Ground } from './ground.js'
import { killAll } from './host.js'
import { manyVMs } from './many-vms.js'
import { round, type Row } from './measure.js'
import { peers } from './peers/index.js'
import { scale, type Point } from './scale.js'
import { settings, type Settings } from './settings.js'
import { start } from './start.js'
import { tableOf } from './table.js'
import { watch } from './watch.js'

const PARTS: { [name: string]: (ground: Ground, settings: Settings) => Promise<Row[]> } = {
  calls,
  audits,
  start,
  watch,
  vms: manyVMs,
  fairness,
  sandbox,
  peers
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1)) // its hosts end with it

const [first, ...others] = process.argv.slice(2)
try {
  if (first === 'chart') {
    if (others.length !== 2) throw new Error('usage: npm run bench -- chart results.json out.svg')
    await chart(others[0], others[1])
  } else {
    await measure(first === undefined ? Object.keys(PARTS) : [first, ...others])
  }
  process.exit(0)
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.stack : String(error)}\n`)
  process.exit(1) // with whatever it had started
}

async function measure(names: string[]): Promise<void> {
  const unknown = names.find(name => name !== 'scale' && !Object.hasOwn(PARTS, name))
  if (unknown !== undefined)
    throw new Error(`there is no ${unknown}: there are ${Object.keys(PARTS).join(', ')}, scale and chart`)
  const ground = await Ground.make()
  const rows: Row[] = []
  let points: Point[] | undefined
  try {
    for (const name of names) {
      process.stderr.write(`bench: ${name}\n`)
      if (name === 'scale') {
        const scaled = await scale(ground, settings)
        rows.push(...scaled.rows)
        ;({ points } = scaled)
      } else {
        rows.push(...(await PARTS[name](ground, settings)))
      }
    }
  } finally {
    killAll()
    await ground.close()
  }
  const machine = {
    node: process.version,
    arch: process.arch,
    cores: cpus().length,
    cpu: cpus()[0].model,
    memory: `${round(totalmem() / 2 ** 30, 0)} GiB`
  }
  const { seconds } = settings
  process.stderr.write(`\n${tableOf(rows)}`)
  const json = JSON.stringify({ machine, seconds, settings, rows, ...(points && { points }) }, null, 2)
  await new Promise(resolve => process.stdout.write(`${json}\n`, resolve))
}
