// What a process and its children did to a folder, in order, as strace has seen it: a call is written down before its process
// goes on, so that whatever follows from a call stands after it.

import { spawnSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'

/** Something that happened, in the line `at` of the trace. */
export type Event = { at: number } & (
  | { kind: 'make'; path: string; folder: boolean }
  | { kind: 'remove'; path: string }
  | { kind: 'rename'; path: string; to: string }
  | { kind: 'truncate'; path: string; length: number }
  /** `offset` is null at the end of the file */
  | { kind: 'write'; path: string; offset: number | null; bytes: Buffer }
  /** everything that was done to the file or folder before line `since` is on the disk */
  | { kind: 'sync'; path: string; since: number }
  /** a line that a traced process wrote for the test */
  | { kind: 'mark'; text: string }
)

/** A process was killed amid a call, and nothing says whether the call had been done. */
export class Unseen extends Error {}

const CALLS = [
  ...[
    'openat',
    'open',
    'creat',
    'write',
    'pwrite64',
    'writev',
    'pwritev',
    'pwritev2',
    'ftruncate',
    'truncate'
  ],
  ...[
    'fsync',
    'fdatasync',
    'sync_file_range',
    'fallocate',
    'rename',
    'renameat',
    'renameat2',
    'unlink',
    'unlinkat'
  ],
  ...['mkdir', 'mkdirat', 'rmdir', 'link', 'linkat', 'symlink', 'symlinkat', 'copy_file_range', 'sendfile']
]

/** Why nothing can be traced here; null if it can. */
export function untraceable(): string | null {
  const { error, status, stderr } = spawnSync(
    'strace',
    ['-f', '--seccomp-bpf', '-o', '/dev/null', process.execPath, '-v'],
    {
      encoding: 'utf8',
      timeout: 60_000
    }
  )
  if (error) return `strace does not run: ${error.message}`
  return status === 0 ? null : `strace may not trace here: ${stderr.trim()}`
}

/**
 * The command line that runs another one and writes to `file` what it does to a folder.
 * @param marks as for readTrace
 */
export function traced(file: string, root: string, marks: string, command: string[]): string[] {
  const selection = `trace=${CALLS.join()}`
  const flags = ['-f', '--seccomp-bpf', '-y', '-xx', '-s', '16777216', '-e', selection, '-e', 'signal=none']
  // what goes through pipes and to other folders is many times more
  const wanted = [hex(root), hex(marks), ' resumed>'].map(text => `-e '${text}'`).join(' ')
  return ['strace', ...flags, '-o', `|grep -aF ${wanted} > '${file}'`, ...command]
}

/**
 * @param root the folder that counts
 * @param marks a file; lines that are written to it are marks
 * @throws Unseen
 */
export async function readTrace(file: string, root: string, marks: string): Promise<Event[]> {
  const events: Event[] = []
  const begun = new Map<string, { at: number; text: string }>()
  const wanted = [root, marks].map(hex)
  let at = 0
  // the strings of strace are hexadecimal, so that lines end where they seem to
  for await (const line of createInterface({ input: createReadStream(file, 'latin1') })) {
    at++
    const [, pid, said] = /^(\d+) +([^]*)$/.exec(line)!
    let text = said
    let since = at
    const resumed = /^<\.\.\. \w+ resumed>/.exec(said)
    if (resumed) {
      const start = begun.get(pid)
      if (!start) continue
      begun.delete(pid)
      text = start.text + said.slice(resumed[0].length)
      since = start.at
    } else if (!wanted.some(place => said.includes(place))) continue
    if (text.endsWith(' <unfinished ...>')) {
      begun.set(pid, { at, text: text.slice(0, -' <unfinished ...>'.length) })
      continue
    }
    events.push(...readCall(text, at, since, root, marks))
  }
  for (const { at, text } of begun.values()) readCall(`${text}) = ?`, at, at, root, marks)
  return events
}

function readCall(text: string, at: number, since: number, root: string, marks: string): Event[] {
  const [, name, args, result] =
    /^(\w+)\(([^]*)\) += (-?\d+|\?)[^=]*$/.exec(text.replace(/ <detached \.\.\.>$/, ') = ?')) ?? []
  if (name === undefined) throw new Error(`strace: ${text.slice(0, 200)}`)
  if (args.includes('"...')) throw new Error('strace: a string was cut short')
  if (Number(result) < 0) return []
  const events = eventsOf(name, args, Number(result), at, since, marks).filter(
    event => event.kind === 'mark' || event.path === root || event.path.startsWith(root + '/')
  )
  if (result !== '?') return events
  // a sync that nobody has seen the end of promises nothing
  if (events.some(({ kind }) => kind !== 'sync')) throw new Unseen(`killed amid ${name}`)
  return []
}

function eventsOf(
  name: string,
  args: string,
  result: number,
  at: number,
  since: number,
  marks: string
): Event[] {
  const opened = /^(?:\d+|AT_FDCWD)<([^>]*)>/.exec(args)
  const base = opened ? unhex(opened[1]) : '/'
  // strings have no quotes of their own
  const names = args.split('"').filter((_, n) => n % 2 === 1)
  const nth = (n: number) => path.resolve(baseOf(args, n) ?? base, unhex(names[n]))
  const last = () => Number(/(\d+)$/.exec(args)![1])
  switch (name) {
    case 'open':
    case 'openat':
    case 'creat': {
      const made: Event = { at, kind: 'make', path: nth(0), folder: false }
      if (name !== 'creat' && !args.includes('O_CREAT')) return []
      const emptied: Event = { at, kind: 'truncate', path: nth(0), length: 0 }
      return name === 'creat' || args.includes('O_TRUNC') ? [made, emptied] : [made]
    }
    case 'mkdir':
    case 'mkdirat':
      return [{ at, kind: 'make', path: nth(0), folder: true }]
    case 'unlink':
    case 'unlinkat':
    case 'rmdir':
      return [{ at, kind: 'remove', path: nth(0) }]
    case 'rename':
    case 'renameat':
    case 'renameat2':
      return [{ at, kind: 'rename', path: nth(0), to: nth(1) }]
    case 'truncate':
      return [{ at, kind: 'truncate', path: nth(0), length: last() }]
    case 'ftruncate':
      return [{ at, kind: 'truncate', path: base, length: last() }]
    case 'fsync':
    case 'fdatasync':
      return [{ at, kind: 'sync', path: base, since }]
    case 'fallocate': // room, and not a longer file
      if (args.includes('FALLOC_FL_KEEP_SIZE')) return []
      break
    case 'sync_file_range': // which promises nothing after a power cut
      return []
    case 'write':
    case 'writev':
    case 'pwrite64': {
      const bytes = Buffer.concat(names.map(bytesOf)).subarray(0, result)
      if (base === marks) return [{ at, kind: 'mark', text: bytes.toString().trim() }]
      return [{ at, kind: 'write', path: base, offset: name === 'pwrite64' ? last() : null, bytes }]
    }
  }
  throw new Error(`strace: nobody knows what ${name} does to a disk`)
}

// each path may be relative to a folder of its own
function baseOf(args: string, n: number): string | undefined {
  const found = Array.from(args.matchAll(/(?:\d+|AT_FDCWD)<([^>]*)>, "/g), ([, base]) => base)
  return found[n] === undefined ? undefined : unhex(found[n])
}

function hex(text: string): string {
  return Array.from(Buffer.from(text), byte => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}

function bytesOf(string: string): Buffer {
  return Buffer.from(string.replaceAll('\\x', ''), 'hex')
}

function unhex(string: string): string {
  return bytesOf(string).toString()
}
