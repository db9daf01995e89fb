// The yardstick of a call made alone: what the stack itself takes to commit the same bytes durably. In a process of its own.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { program, type Ground } from './ground.js'
import { row, type Rate, type Row } from './measure.js'

export interface CommitOptions {
  seconds: number
  /** how many there are in the folder */
  files: number
  /** of the block in the log */
  logBytes: number
}

/** @returns the rows, and how many commits of distinct paths there are a second */
export async function bareCommits(
  ground: Ground,
  options: CommitOptions
): Promise<{ rows: Row[]; perSecond: number }> {
  const { files, logBytes } = options
  const job = JSON.stringify({ ...options, folder: ground.path('commits') })
  const { stdout } = await promisify(execFile)(process.execPath, [program('commit-process'), job])
  const { distinct, same } = JSON.parse(stdout) as { distinct: Rate; same: Rate }
  const conditions =
    `stock Corestore, Hyperbee and Hypercore, one process, no network, signatures or sandbox; one atom over three cores: ` +
    `a file of 110 bytes, a log block of ${logBytes}, fdatasync before it is acknowledged; ${files} files in the folder`
  const rows = [
    row('bare durable commit, distinct paths', distinct.perSecond, '/s', conditions, distinct.latency),
    row('bare durable commit, the same path', same.perSecond, '/s', conditions, same.latency)
  ]
  return { rows, perSecond: distinct.perSecond }
}
