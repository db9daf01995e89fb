// How much memory contracts get. Host and children together are to stay below 1 GiB, whatever contracts do.

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'

const MiB = 1024 * 1024

/** MiB of the runner's stack: far more than the metered depth of calls can use. */
export const STACK = 64

/** MiB of the runner's heap, old and young generation. */
export const HEAP = 192
export const YOUNG = 24

/** The most bytes that one child may have in memory: its guard looks every few milliseconds. */
export const MAX_RESIDENT = 300 * MiB

/**
 * The most bytes of data that the kernel gives to one child on top of what it has when it starts: the bound for what is
 * faster than the guard. Not in all: how much V8 reserves as data without using it differs by hundreds of MiB.
 */
export const MAX_DATA = 448 * MiB

/** The most bytes that all children of a process may have in memory. */
export const MAX_TOTAL = 640 * MiB

/** With more bytes than this a child is not used again: what one contract left must not be held against the next. */
export const FAT = 160 * MiB

/** The bytes that a process has in memory; 0 where that cannot be told. */
export function resident(pid: number | undefined): number {
  return statusOf(pid, 'VmRSS')
}

/**
 * Bounds the data of a process that has just started; nothing happens where that cannot be done.
 * @param program path of util-linux's prlimit, or null
 */
export async function boundData(pid: number | undefined, program: string | null): Promise<void> {
  const data = statusOf(pid, 'VmData')
  if (program === null || data === 0) return
  await new Promise<void>(resolve => {
    const args = ['--pid', `${pid}`, `--data=${data + MAX_DATA}`]
    execFile(program, args, { env: {}, timeout: 10_000, killSignal: 'SIGKILL' }, () => resolve())
  })
}

function statusOf(pid: number | undefined, name: 'VmRSS' | 'VmData'): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    const [, kilobytes] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status) ?? []
    return Number(kilobytes ?? 0) * 1024
  } catch {
    return 0 // it is gone, or this is not Linux
  }
}
