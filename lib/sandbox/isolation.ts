// What the system itself can be made to keep from a child process, on top of what Node denies it: the network, and
// whatever files the parent was started with. Found out by trying, once per process, since nothing else tells for certain what a
// container or a security module allows.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

export interface Isolation {
  /** Whether a child can reach a network, be it only this machine's own. */
  network: 'none' | 'open'
  /** Why the network is open, or null. */
  reason: string | null
  /** Puts a command under these bounds; the process that comes of it is the command's own, with the same id. */
  wrap: (command: string[]) => string[]
}

const SHELL = '/bin/sh'
const TRIAL_TIMEOUT = 2000

// Core dumps of a child would be large and hold whatever contracts hold. Descriptors that the parent itself got from
// whoever started it are none of the child's business; those that the parent has opened close by themselves.
const LIMITS = [SHELL, '-c', 'ulimit -c 0 && exec "$0" "$@" 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-']

// A network namespace of its own needs either privileges or a user namespace around it. In that the user stays who it
// is where unshare knows how (all capabilities are gone after exec then), and looks like root where it does not.
const NAMESPACES = [['-n'], ['-c', '-n'], ['-r', '-n']]

let found: Promise<Isolation> | undefined

/** What is in force for the children of this process. */
export function isolation(): Promise<Isolation> {
  return (found ??= find())
}

async function find(): Promise<Isolation> {
  if (process.platform !== 'linux') {
    return open('only Linux can be told to keep a process from the network', [])
  }
  const limits = (await works(LIMITS)) ? LIMITS : []
  const unshare = locate('unshare')
  if (unshare === null) return open('the program unshare is not installed', limits)
  for (const options of NAMESPACES) {
    const prefix = [...limits, unshare, ...options, '--']
    if (await works(prefix))
      return { network: 'none', reason: null, wrap: command => [...prefix, ...command] }
  }
  return open('this system does not permit namespaces (unshare -n, unshare -rn)', limits)
}

function open(reason: string, prefix: string[]): Isolation {
  return { network: 'open', reason, wrap: command => [...prefix, ...command] }
}

function works(prefix: string[]): Promise<boolean> {
  const [file, ...args] = [...prefix, SHELL, '-c', ':']
  return new Promise(resolve => {
    execFile(file, args, { cwd: '/', env: {}, timeout: TRIAL_TIMEOUT, killSignal: 'SIGKILL' }, error => {
      resolve(error === null)
    })
  })
}

/** @returns the path of a program of the system, or null */
export function locate(program: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/bin', '/usr/sbin', '/sbin']
  const paths = folders.filter(isAbsolute).map(folder => join(folder, program))
  return paths.find(path => existsSync(path)) ?? null
}
