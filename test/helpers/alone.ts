// The command line as somebody runs it who has nothing: no network, no storage, no identity, and no settings.

import { execFile } from 'node:child_process'
import { VMS, type Line } from './cli.js'

export interface EndedAlone {
  status: number
  stdout: string
  stderr: string
  /** stdout as JSON lines, with --json */
  lines: Line[]
}

/** @param home the folder to run in, and the only one that it knows of */
export function run(home: string, ...args: string[]): Promise<EndedAlone> {
  const options = { cwd: home, env: { HOME: home, PATH: '' }, timeout: 60_000 }
  return new Promise(resolve =>
    execFile(process.execPath, [VMS, ...args], options, (error, stdout, stderr) => {
      const status = error ? Number(error.code) : 0
      const lines = args.includes('--json') ? stdout.split('\n').filter(line => line !== '') : []
      resolve({ status, stdout, stderr, lines: lines.map(line => JSON.parse(line) as Line) })
    })
  )
}
