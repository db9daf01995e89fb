// Who is meant: ids on a command line, or a file of them.

import { readFileSync, statSync } from 'node:fs'
import { codeOf, messageOf, VMSError } from '../errors.js'
import { decodeKey, encodeKey } from '../ledger/keys.js'

/** How often a file is looked at, at most, ms. */
const LOOK_MS = 500

/**
 * Ids separated by commas; else those of a file with one a line, and comments that begin with #.
 * @param what they are of: `--trust`
 * @throws VMSError USAGE
 */
export function readIds(flag: string, text: string): string[] {
  const ids = idsOf(text.split(','))
  if (ids !== null) return ids
  try {
    return readFileOfIds(text)
  } catch (error) {
    if (error instanceof VMSError) throw error
    const why = codeOf(error) === 'ENOENT' ? 'and no file of this name is there' : messageOf(error)
    throw new VMSError('USAGE', `${flag} takes ids or a file of them: "${text}" is no id, ${why}`)
  }
}

/** The same, as long as a process runs: whoever changes the file need not start it again. */
export class IdList {
  private readonly lists: { file: string | null; ids: Set<string>; stamp: string }[]
  private looked = performance.now()

  /**
   * @param onproblem is told when a file cannot be read any more: what it held before stays in force
   * @throws VMSError USAGE
   */
  constructor(
    flag: string,
    texts: string[],
    private readonly onproblem: (problem: string) => void
  ) {
    this.lists = texts.map(text => {
      const file = idsOf(text.split(',')) === null ? text : null
      return { file, ids: new Set(readIds(flag, text)), stamp: file === null ? '' : stampOf(file) }
    })
  }

  has(id: string): boolean {
    this.look()
    return this.lists.some(({ ids }) => ids.has(id))
  }

  /** Those that are on it now. */
  get ids(): string[] {
    this.look()
    return [...new Set(this.lists.flatMap(({ ids }) => [...ids]))]
  }

  private look(): void {
    const now = performance.now()
    if (now - this.looked < LOOK_MS) return
    this.looked = now
    for (const list of this.lists) {
      if (list.file === null) continue
      const stamp = stampOf(list.file)
      if (stamp === list.stamp) continue
      list.stamp = stamp
      try {
        // opening a pipe waits until somebody writes to it
        if (!statSync(list.file).isFile()) throw new Error('it is no regular file')
        list.ids = new Set(readFileOfIds(list.file))
      } catch (error) {
        this.onproblem(`${list.file} is not read again: ${messageOf(error)}`)
      }
    }
  }
}

/** What changes when a file does. */
function stampOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true })
  return found ? `${found.ino} ${found.size} ${found.mtimeNs}` : ''
}

function readFileOfIds(file: string): string[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .map(line => line.replace(/#.*/, '').trim())
  const ids = idsOf(lines.filter(line => line !== ''))
  if (ids === null)
    throw new VMSError('USAGE', `${file} is no list: one id a line, as "vms identity" prints it`)
  return ids
}

function idsOf(texts: string[]): string[] | null {
  try {
    return texts.map(text => encodeKey(decodeKey(text.trim())))
  } catch {
    return null
  }
}
