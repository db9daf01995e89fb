// What memory processes have, as Linux tells.

import { readdirSync, readFileSync } from 'node:fs'

/** MiB that a process has now, or had at most. */
export function memoryOf(pid: number, what: 'VmRSS' | 'VmHWM' = 'VmRSS'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const [, kilobytes] = new RegExp(`^${what}:\\s+(\\d+) kB$`, 'm').exec(status) ?? []
  return Number(kilobytes ?? NaN) / 1024
}

/** MiB that the children of a process have now, and their children. */
export function memoryOfChildren(pid: number): number {
  return descendants(pid).reduce((sum, child) => sum + ofOne(child), 0)
}

function ofOne(pid: number): number {
  try {
    return memoryOf(pid) || 0
  } catch {
    return 0 // it has ended
  }
}

function descendants(pid: number): number[] {
  try {
    const own = readdirSync(`/proc/${pid}/task`).flatMap(task =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
    )
    return own.flatMap(child => [child, ...descendants(child)])
  } catch {
    return []
  }
}
