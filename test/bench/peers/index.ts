// What VMS is compared with: the same work, in the same run on the same machine. Each peer is a program of its own that prints
// its rows; one that cannot be had here has a row that says so.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { program, type Ground } from '../ground.js'
import { failed, type Row } from '../measure.js'
import type { Settings } from '../settings.js'
import { install } from './install.js'
import { overSwarm } from './swarm.js'

/** What a peer's program is given. */
export interface Job {
  /** where it may keep what it stores */
  folder: string
  seconds: number
  /** files, or what comes closest, that are there before anything is timed */
  files: number
  /** where its packages are installed */
  packages: string
}

export async function peers(ground: Ground, { seconds, files }: Settings): Promise<Row[]> {
  const run = async (name: string, packages = '') => {
    const job: Job = { folder: ground.path(`peer-${name}`), seconds, files, packages }
    const { stdout } = await promisify(execFile)(process.execPath, [
      program(`peers/${name}-process`),
      JSON.stringify(job)
    ])
    return JSON.parse(stdout) as Row[]
  }
  const runInstalled = async (name: string) => run(name, (await install(name)).folder)
  const all: [string, () => Promise<Row[]>][] = [
    ['Hardhat', () => runInstalled('hardhat')],
    ['miniflare', () => runInstalled('miniflare')],
    ['Autobase', () => run('autobase')],
    ['protomux-rpc', () => overSwarm(ground, seconds, files)]
  ]
  const rows: Row[] = []
  for (const [name, measure] of all) {
    try {
      rows.push(...(await measure()))
    } catch (error) {
      rows.push(failed(name, 'it could not be installed or run here', error))
    }
  }
  return rows
}
