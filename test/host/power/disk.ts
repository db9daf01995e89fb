// A disk whose power may go: what was done to it, and what of that is sure to be there afterwards. It promises as little as
// POSIX does: the bytes of a file are sure once the file was synced, its name once the folder was.

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Random } from '../../helpers/random.js'
import type { Event } from './trace.js'

/** A change of bytes that is not sure yet. */
interface Change {
  at: number
  /** null: the file was cut to `offset` */
  bytes: Buffer | null
  offset: number
}

class File {
  private sure: Buffer = Buffer.alloc(0)
  private sureLength = 0
  private pending: Change[] = []
  private length = 0

  write(at: number, offset: number | null, bytes: Buffer): void {
    const start = offset ?? this.length
    this.pending.push({ at, offset: start, bytes })
    this.length = Math.max(this.length, start + bytes.length)
  }

  truncate(at: number, length: number): void {
    if (length === this.length) return
    this.pending.push({ at, offset: length, bytes: null })
    this.length = length
  }

  sync(since: number): void {
    const late = this.pending.findIndex(({ at }) => at >= since)
    const now = this.pending.splice(0, late === -1 ? this.pending.length : late)
    for (const change of now) [this.sure, this.sureLength] = changed(this.sure, this.sureLength, change)
  }

  /** What is on the disk if of what is not sure only so much is. */
  left(loss: Loss, random: Random): Buffer {
    const { pending } = this
    let kept = pending
    if (loss === 'all') kept = []
    else if (loss !== 'nothing') kept = pending.slice(0, random.below(pending.length + 1))
    let [bytes, length]: [Buffer, number] = [Buffer.from(this.sure), this.sureLength]
    for (const [i, change] of kept.entries()) {
      let { bytes: written } = change
      if (loss === 'torn' && i === kept.length - 1 && written)
        written = written.subarray(0, random.below(written.length))
      ;[bytes, length] = changed(bytes, length, { ...change, bytes: written })
    }
    bytes = bytes.subarray(0, length)
    const written = kept.filter(change => change.bytes !== null && change.bytes.length > 0)
    if (loss === 'page' && written.length > 0) {
      const { offset, bytes: lost } = random.of(written)
      // pages go to the disk in any order: one of them did not, and of a page that was sure in part the rest
      const page = Math.floor((offset + random.below(lost!.length)) / PAGE) * PAGE
      const end = Math.min(page + PAGE, offset + lost!.length, bytes.length)
      bytes.fill(0, Math.min(Math.max(page, offset), end), end)
    }
    return bytes
  }
}

function changed(bytes: Buffer, length: number, { offset, bytes: written }: Change): [Buffer, number] {
  if (written === null) {
    if (offset < length) bytes.fill(0, offset, length)
    return [grown(bytes, offset), offset]
  }
  const end = offset + written.length
  const room = grown(bytes, end)
  written.copy(room, offset)
  return [room, Math.max(length, end)]
}

function grown(bytes: Buffer, length: number): Buffer {
  if (length <= bytes.length) return bytes
  const more = Buffer.alloc(Math.max(length, bytes.length * 2))
  bytes.copy(more)
  return more
}

const PAGE = 4096

/** What is lost of the bytes of a file that were written and not synced; `torn` and `page`: in the middle of a write too. */
type Loss = 'all' | 'nothing' | 'end' | 'torn' | 'page'

const LOSSES: Loss[] = ['all', 'nothing', 'end', 'torn', 'page']

/** What is lost of the names; `some`: any of them, which no journal does, and POSIX allows. */
type NamesLoss = 'all' | 'nothing' | 'end' | 'some'

/** A change of names that is not sure yet. */
interface Renaming {
  at: number
  folder: string
  apply(names: Names): void
}

/** What a path leads to; a folder is null. */
type Names = Map<string, File | null>

/** What a disk was left with, in words. */
export interface Left {
  files: Map<string, Buffer>
  folders: string[]
  loss: string
}

export class Disk {
  private readonly names: Names = new Map()
  private readonly sure: Names = new Map()
  private pending: Renaming[] = []

  /** @param root a folder that is sure to be there */
  constructor(private readonly root: string) {
    for (const names of [this.names, this.sure]) names.set(root, null)
  }

  apply(event: Event): void {
    switch (event.kind) {
      case 'mark': // nothing was done to the disk
        return
      case 'make': {
        if (this.names.has(event.path)) return
        const file = event.folder ? null : new File()
        return this.name(event.at, event.path, names => names.set(event.path, file))
      }
      case 'remove':
        return this.name(event.at, event.path, names => names.delete(event.path))
      case 'rename': {
        const { at, path: from, to } = event
        const file = this.names.get(from)
        if (!file || path.dirname(from) !== path.dirname(to)) throw new Error(`${from} was moved to ${to}`)
        return this.name(at, from, names => {
          names.delete(from)
          names.set(to, file)
        })
      }
      case 'write':
        return this.file(event.path)?.write(event.at, event.offset, event.bytes)
      case 'truncate':
        return this.file(event.path)?.truncate(event.at, event.length)
      case 'sync': {
        const file = this.file(event.path)
        if (file) return file.sync(event.since)
        const isSure = ({ at, folder }: Renaming) => folder === event.path && at < event.since
        for (const change of this.pending) if (isSure(change)) change.apply(this.sure)
        this.pending = this.pending.filter(change => !isSure(change))
      }
    }
  }

  // of a file that was removed nothing is left that counts
  private file(place: string): File | null | undefined {
    return this.names.get(place)
  }

  private name(at: number, place: string, apply: (names: Names) => void): void {
    apply(this.names)
    this.pending.push({ at, folder: path.dirname(place), apply })
  }

  /** What is there while the power is. */
  now(random: Random): Left {
    return this.left(this.names, () => 'nothing', random, 'nothing')
  }

  /** What may be there after a power cut. */
  cut(random: Random): Left {
    const names: Names = new Map(this.sure)
    const namesLoss = random.of<NamesLoss>(['all', 'nothing', 'end', 'some'])
    const end = random.below(this.pending.length + 1)
    for (const [i, change] of this.pending.entries()) {
      if (namesLoss === 'all' || (namesLoss === 'end' && i >= end)) break
      if (namesLoss === 'some' && random.below(2) === 0) continue
      change.apply(names)
    }
    const bytesLoss = random.of<Loss | 'mixed'>(['mixed', 'mixed', ...LOSSES])
    const lossOf = () => (bytesLoss === 'mixed' ? random.of(LOSSES) : bytesLoss)
    return this.left(names, lossOf, random, `names ${namesLoss}, bytes ${bytesLoss}`)
  }

  private left(names: Names, lossOf: () => Loss, random: Random, loss: string): Left {
    const files = new Map<string, Buffer>()
    const folders: string[] = []
    // a path is there if the folders on its way are
    const found = new Set([this.root])
    for (const place of [...names.keys()].sort()) {
      if (place === this.root || !found.has(path.dirname(place))) continue
      const relative = path.relative(this.root, place)
      const file = names.get(place)!
      if (file === null) {
        found.add(place)
        folders.push(relative)
      } else files.set(relative, file.left(lossOf(), random))
    }
    return { files, folders, loss }
  }
}

/** Makes a folder of what a disk was left with. */
export async function restore({ files, folders }: Left, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const place of folders) await mkdir(path.join(folder, place), { mode: 0o700 })
  for (const [place, bytes] of files) await writeFile(path.join(folder, place), bytes, { mode: 0o600 })
}

/** The first file that a folder holds otherwise, or does not hold; null if it is as the disk says. */
export async function difference({ files }: Left, folder: string): Promise<string | null> {
  const found = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter(entry => entry.isFile())
    .map(entry => path.relative(folder, path.join(entry.parentPath, entry.name)))
  for (const place of found) {
    const bytes = files.get(place)
    if (!bytes || !bytes.equals(await readFile(path.join(folder, place)))) return place
  }
  return [...files.keys()].find(place => !found.includes(place)) ?? null
}
