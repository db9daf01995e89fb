// What the files of a VM are read from: a tree of paths. The drive is one; an overlay of pending writes on a tree is one.

import SubEncoder from 'sub-encoder'

/** Paths from `gte` (included) up to `lt` (excluded), in the order of their UTF-8 bytes. */
export interface PathRange {
  gte: string
  lt: string
}

export interface Tree {
  /** @returns bytes of the file, null if there is none */
  size(path: string): Promise<number | null>
  /** @returns the file's content, null if there is none */
  get(path: string): Promise<Uint8Array | null>
  /** The paths of files in a range, ascending. */
  paths(range: PathRange): AsyncIterable<string>
}

/** Everything in a folder, at any depth; '0' is the byte after '/'. */
export function inside(folder: string): PathRange {
  return folder === '/' ? { gte: '/', lt: '0' } : { gte: folder + '/', lt: folder + '0' }
}

/** Hyperdrive keeps its entries under this prefix of its Hyperbee. */
export const keyEncoding = new SubEncoder('files', 'utf-8')
