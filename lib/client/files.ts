// The files of a VM as a client reads them: as the newest commit of its copy left them, compared with the log.

import b4a from 'b4a'
import { VMSError } from '../errors.js'
import { FileError } from '../files/errors.js'
import type { FilesReader, FileStat } from '../files/system.js'
import { encodeKey } from '../ledger/keys.js'
import type { Replica } from '../replica/replica.js'
import { latestSnapshot } from '../replica/snapshot.js'
import { requireAudited } from './audited.js'
import { within } from '../replica/within.js'

export class ClientFiles {
  private current: { length: number; block: number; files: FilesReader } | null = null
  private synced = false

  /**
   * @param timeout ms to wait for peers, blocks and auditors
   * @param minAuditors how many trusted auditors must have verified the log up to the block whose files are read
   */
  constructor(
    private readonly replica: Replica,
    private readonly timeout: number,
    private readonly minAuditors = 0
  ) {}

  /**
   * @returns text, or bytes for 'binary'
   * @throws FileError ENOENT, EISDIR, ENOTDIR, EINVAL; VMSError NOT_AVAILABLE, UNREACHABLE, NOT_AUDITED,
   * FRAUD, BAD_HOST
   */
  readFile(path: string, encoding?: 'utf8'): Promise<string>
  readFile(path: string, encoding: 'binary'): Promise<Uint8Array>
  async readFile(path: string, encoding: 'utf8' | 'binary' = 'utf8'): Promise<string | Uint8Array> {
    const content = await this.read(files => files.readFile(path))
    return encoding === 'binary' ? content : b4a.toString(content)
  }

  /** Names in a folder; with `recursive` the paths of all files below it. Throws as `readFile` does. */
  readdir(path: string, options?: { recursive?: boolean }): Promise<string[]> {
    return this.read(files => files.readdir(path, options))
  }

  /** Type and size in bytes. Throws as `readFile` does. */
  stat(path: string): Promise<FileStat> {
    return this.read(files => files.stat(path))
  }

  /** The block whose files are read now. */
  async block(): Promise<number> {
    await this.open()
    return this.current!.block
  }

  private async read<T>(action: (files: FilesReader) => Promise<T>): Promise<T> {
    const files = await this.open()
    const reading = action(files).then(
      value => ({ value }),
      async (error: unknown) => {
        throw error instanceof FileError ? error : await this.replica.explain(error)
      }
    )
    const result = await within<{ value: T } | null>(this.timeout, reading, () => null)
    if (result) return result.value
    const id = encodeKey(this.replica.key)
    throw new VMSError(
      'NOT_AVAILABLE',
      `no peer sent the files of ${id} in time: try again when its host is online`
    )
  }

  private async open(): Promise<FilesReader> {
    if (!this.synced) {
      await this.replica.sync(this.timeout)
      this.synced = true
    }
    const { length } = this.replica.log
    if (this.current?.length === length) return this.current.files
    const { block, files } = await latestSnapshot(this.replica, this.timeout)
    await requireAudited(this.replica, block + 1, this.minAuditors, this.timeout)
    this.current = { length: Math.max(length, block + 1), block, files }
    return files
  }
}
