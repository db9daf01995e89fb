// Tells when files may have changed. Folders are watched instead of files: many editors write another file and give it the
// name of the old one, and a file may be deleted and come back.

import { existsSync, statSync, watch, type FSWatcher } from 'node:fs'
import path from 'node:path'
import { codeOf, messageOf, VMSError } from '../errors.js'

/** How long changes are collected, ms: who saves several files, or one in several steps, makes one change. */
const COLLECT_MS = 100

/** What contracts and modules are made of. */
const SOURCE = /\.([cm]?[jt]s|json)$/

interface Watched {
  watcher: FSWatcher
  /** a folder that was deleted and made again is another */
  inode: number
}

export class Changes {
  private readonly folders = new Map<string, Watched>()
  private names = new Set<string>()
  private timer: NodeJS.Timeout | null = null

  /** @param onchange called once for what changes together; it may have changed nothing that matters */
  constructor(private readonly onchange: () => void) {}

  /**
   * Watches these files from now on, and no others; also such as are not there yet.
   * @returns whether any is watched that was not before: it may have changed since it was read
   * @throws VMSError DISK
   */
  follow(files: Iterable<string>): boolean {
    this.names = new Set()
    const folders = new Set<string>()
    for (const file of files) {
      const folder = nearest(path.dirname(file))
      folders.add(folder)
      this.names.add(path.relative(folder, file).split(path.sep)[0]) // the file, or the next folder on the way to it
    }
    for (const folder of this.folders.keys()) if (!folders.has(folder)) this.drop(folder)
    return [...folders].filter(folder => this.watch(folder)).length > 0
  }

  close(): Promise<void> {
    if (this.timer) clearTimeout(this.timer)
    for (const folder of this.folders.keys()) this.drop(folder)
    return Promise.resolve()
  }

  private watch(folder: string): boolean {
    const inode = statSync(folder, { throwIfNoEntry: false })?.ino
    if (inode === undefined || this.folders.get(folder)?.inode === inode) return false
    this.drop(folder)
    const watcher = this.open(folder)
    if (watcher === null) return true // it went away just now: look again
    watcher.on('error', () => {
      this.drop(folder)
      this.changed()
    })
    this.folders.set(folder, { watcher, inode })
    return true
  }

  private open(folder: string): FSWatcher | null {
    try {
      return watch(folder, (_event, name) => {
        if (name === null || this.matters(name)) this.changed()
      })
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null
      throw new VMSError('DISK', `${folder} cannot be watched: ${messageOf(error)}`)
    }
  }

  private matters(name: string): boolean {
    return this.names.has(name) || SOURCE.test(name) || this.isGone()
  }

  private isGone(): boolean {
    return [...this.folders].some(
      ([folder, { inode }]) => statSync(folder, { throwIfNoEntry: false })?.ino !== inode
    )
  }

  private changed(): void {
    this.timer ??= setTimeout(() => {
      this.timer = null
      this.onchange()
    }, COLLECT_MS)
  }

  private drop(folder: string): void {
    this.folders.get(folder)?.watcher.close()
    this.folders.delete(folder)
  }
}

/** The folder, or the first above it that is there. */
function nearest(folder: string): string {
  while (!existsSync(folder) && path.dirname(folder) !== folder) folder = path.dirname(folder)
  return folder
}
