// System.files: the calls that a contract makes on its files, with Node's names and error codes.
// Folders exist as long as they contain a file.

import b4a from 'b4a'
import { compareUTF8 } from '../utf8.js'
import { FileError } from './errors.js'
import type { Overlay } from './overlay.js'
import { parentsOf, resolvePath } from './path.js'
import { inside, type Tree } from './tree.js'

export interface FileStat {
  type: 'file' | 'directory'
  /** bytes; 0 for a folder */
  size: number
}

/** Reads files; also what clients and the command line use. */
export class FilesReader {
  constructor(protected readonly tree: Tree) {}

  /** @throws FileError ENOENT, EISDIR, ENOTDIR, EINVAL */
  async readFile(path: unknown): Promise<Uint8Array> {
    const file = resolvePath(path, 'open')
    const content = await this.tree.get(file)
    if (content !== null) return content
    throw await this.missing(file, 'open', 'EISDIR')
  }

  /**
   * Names in a folder in the order of their UTF-8 bytes; with `recursive` the paths of all files below it, relative to it.
   * @throws FileError ENOTDIR, EINVAL
   */
  async readdir(path: unknown, options?: { recursive?: boolean }): Promise<string[]> {
    const folder = resolvePath(path, 'scandir')
    if (await this.isFile(folder)) throw new FileError('ENOTDIR', 'scandir', folder)
    const { gte, lt } = inside(folder)
    const names: string[] = []
    let from: string | null = gte
    while (from !== null) {
      const start: string = from
      from = null
      for await (const file of this.tree.paths({ gte: start, lt })) {
        const name = file.slice(gte.length)
        const slash = options?.recursive ? -1 : name.indexOf('/')
        if (slash === -1) names.push(name)
        else {
          names.push(name.slice(0, slash))
          from = gte + name.slice(0, slash) + '0' // past the folder, without reading through it
          break
        }
      }
    }
    return names.sort(compareUTF8)
  }

  /** @throws FileError ENOENT, ENOTDIR, EINVAL */
  async stat(path: unknown): Promise<FileStat> {
    const file = resolvePath(path, 'stat')
    const size = await this.tree.size(file)
    if (size !== null) return { type: 'file', size }
    if (file === '/' || (await this.isFolder(file))) return { type: 'directory', size: 0 }
    throw await this.missing(file, 'stat', 'ENOENT')
  }

  protected async isFile(path: string): Promise<boolean> {
    return path !== '/' && (await this.tree.size(path)) !== null
  }

  protected async isFolder(path: string): Promise<boolean> {
    for await (const _ of this.tree.paths(inside(path))) return true
    return false
  }

  /** The parent of a path that is a file, if there is one. */
  protected async fileAbove(path: string): Promise<string | null> {
    for (const parent of parentsOf(path)) if (await this.isFile(parent)) return parent
    return null
  }

  protected async missing(path: string, syscall: string, ifFolder: 'EISDIR' | 'ENOENT'): Promise<FileError> {
    if (path === '/' || (await this.isFolder(path))) return new FileError(ifFolder, syscall, path)
    return new FileError((await this.fileAbove(path)) === null ? 'ENOENT' : 'ENOTDIR', syscall, path)
  }
}

/** Reads and changes files, as a contract does: changes go to the overlay. */
export class SystemFiles extends FilesReader {
  /**
   * @param overlay takes the changes
   * @param fileBytes the largest file that may be written
   * @param tree what is read: the overlay, or something over it
   */
  constructor(
    private readonly overlay: Overlay,
    private readonly fileBytes: number,
    tree: Tree = overlay
  ) {
    super(tree)
  }

  /** @throws FileError EISDIR, ENOTDIR, EFBIG, EINVAL */
  async writeFile(path: unknown, data: unknown): Promise<void> {
    const file = resolvePath(path, 'open')
    if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
      throw new FileError('EINVAL', 'write', file, 'a file is written from a string or a Uint8Array')
    }
    const content = typeof data === 'string' ? b4a.from(data) : data
    if (content.byteLength > this.fileBytes) throw new FileError('EFBIG', 'write', file)
    if (file === '/' || (await this.isFolder(file))) throw new FileError('EISDIR', 'open', file)
    if ((await this.fileAbove(file)) !== null) throw new FileError('ENOTDIR', 'open', file)
    this.overlay.set(file, content)
  }

  /** @throws FileError ENOENT, EISDIR, ENOTDIR, EINVAL */
  async unlink(path: unknown): Promise<void> {
    const file = resolvePath(path, 'unlink')
    if (!(await this.isFile(file))) throw await this.missing(file, 'unlink', 'EISDIR')
    this.overlay.set(file, null)
  }

  /** Checks the path; folders need not be made. @throws FileError EINVAL */
  mkdir(path: unknown): Promise<void> {
    resolvePath(path, 'mkdir')
    return Promise.resolve()
  }

  /** @throws FileError ENOTDIR, ENOTEMPTY, EINVAL */
  async rmdir(path: unknown, options?: { recursive?: boolean }): Promise<void> {
    const folder = resolvePath(path, 'rmdir')
    if (await this.isFile(folder)) throw new FileError('ENOTDIR', 'rmdir', folder)
    const files: string[] = []
    for await (const file of this.tree.paths(inside(folder))) {
      if (!options?.recursive) throw new FileError('ENOTEMPTY', 'rmdir', folder)
      files.push(file)
    }
    for (const file of files) this.overlay.set(file, null)
  }
}
