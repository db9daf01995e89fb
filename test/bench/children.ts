// What a contract's child process costs to start, and what the sandbox costs once it runs.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { encodeValue } from '../../lib/ledger/values.js'
import { Executor } from '../../lib/sandbox/executor.js'
import { Pool } from '../../lib/sandbox/pool.js'
import { program } from './ground.js'
import { median, row, type Row } from './measure.js'

const STARTS = 5

export async function sandbox(): Promise<Row[]> {
  return [await firstCall(), ...(await measured())]
}

/** What the sandbox costs, measured in a process of its own. */
async function measured(): Promise<Row[]> {
  const flags = ['--expose-gc', '--disallow-code-generation-from-strings']
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, program('sandbox')])
  return JSON.parse(stdout) as Row[]
}

/** From nothing to the first outcome: a child process is started. */
async function firstCall(): Promise<Row> {
  const samples: number[] = []
  for (let n = 0; n < STARTS; n++) {
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
  const conditions = `process, thread, realm, SES, contract loaded and called; median of ${STARTS}`
  return row('child started to first call', median(samples), 'ms', conditions)
}
