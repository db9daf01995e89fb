// The files of a VM in memory, as a test looks at them: as the last call left them.

import b4a from 'b4a'
import type { Overlay } from '../files/overlay.js'
import { resolvePath } from '../files/path.js'
import { FilesReader, type FileStat } from '../files/system.js'
import type { Tree } from '../files/tree.js'
import { compareUTF8 } from '../utf8.js'

/** No files at all: what an overlay of everything lies on. */
export const EMPTY: Tree = {
  size: () => Promise.resolve(null),
  get: () => Promise.resolve(null),
  async *paths() {}
}

/** A map from paths to texts that can be read like a client's `files` too. */
export class TestFiles implements Iterable<[path: string, text: string]> {
  private readonly reader: FilesReader

  constructor(private readonly tree: Overlay) {
    this.reader = new FilesReader(tree)
  }

  /** How many files there are. */
  get size(): number {
    return this.contents().length
  }

  has(path: string): boolean {
    return this.content(path) !== undefined
  }

  /** @returns text, or bytes for 'binary'; undefined if there is no such file */
  get(path: string, encoding?: 'utf8'): string | undefined
  get(path: string, encoding: 'binary'): Uint8Array | undefined
  get(path: string, encoding: 'utf8' | 'binary' = 'utf8'): string | Uint8Array | undefined {
    const content = this.content(path)
    return content && (encoding === 'binary' ? b4a.from(content) : b4a.toString(content))
  }

  /** The paths of all files, in the order of their UTF-8 bytes. */
  keys(): string[] {
    return this.contents().map(([path]) => path)
  }

  /** Paths with texts: `Object.fromEntries(vm.files)` is everything. */
  *[Symbol.iterator](): Iterator<[path: string, text: string]> {
    for (const [path, content] of this.contents()) yield [path, b4a.toString(content)]
  }

  /**
   * @returns text, or bytes for 'binary'
   * @throws FileError ENOENT, EISDIR, ENOTDIR, EINVAL
   */
  readFile(path: string, encoding?: 'utf8'): Promise<string>
  readFile(path: string, encoding: 'binary'): Promise<Uint8Array>
  async readFile(path: string, encoding: 'utf8' | 'binary' = 'utf8'): Promise<string | Uint8Array> {
    const content = await this.reader.readFile(path)
    return encoding === 'binary' ? b4a.from(content) : b4a.toString(content)
  }

  /** Names in a folder; with `recursive` the paths of all files below it. Throws as `readFile` does. */
  readdir(path: string, options?: { recursive?: boolean }): Promise<string[]> {
    return this.reader.readdir(path, options)
  }

  /** Type and size in bytes. Throws as `readFile` does. */
  stat(path: string): Promise<FileStat> {
    return this.reader.stat(path)
  }

  private content(path: string): Uint8Array | undefined {
    return this.tree.changes.get(resolvePath(path, 'open')) ?? undefined
  }

  private contents(): [string, Uint8Array][] {
    return [...this.tree.changes]
      .filter((entry): entry is [string, Uint8Array] => entry[1] !== null)
      .sort(([a], [b]) => compareUTF8(a, b))
  }
}
