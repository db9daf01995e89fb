// Paths of a VM's files. A path that Hyperdrive would rewrite is refused, so that whoever reads the drive with stock
// Hyperdrive finds every file under the name that the contract gave it.

import b4a from 'b4a'
import { isWellFormed } from '../utf8.js'
import { FileError } from './errors.js'

/** The most bytes of UTF-8 that a path may have. */
export const MAX_PATH_BYTES = 1024

/**
 * @param syscall what to name in the error, as Node does
 * @returns the absolute path; `/` is the root
 * @throws FileError EINVAL
 */
export function resolvePath(input: unknown, syscall: string): string {
  if (typeof input !== 'string') throw new FileError('EINVAL', syscall, typeof input, 'a path is a string')
  if (input === '/') return input
  const path = input.startsWith('/') ? input : '/' + input
  if (b4a.byteLength(path) > MAX_PATH_BYTES) {
    throw new FileError(
      'EINVAL',
      syscall,
      path.slice(0, 40) + '…',
      `a path has at most ${MAX_PATH_BYTES} bytes`
    )
  }
  if (!isWellFormed(path)) throw new FileError('EINVAL', syscall, input, 'a path has no lone surrogates')
  if (/[\\\0]/.test(path)) throw new FileError('EINVAL', syscall, input, 'a path has no backslash and no NUL')
  for (const segment of path.slice(1).split('/')) {
    if (segment === '' || segment === '.' || segment === '..') {
      throw new FileError('EINVAL', syscall, input, `a path has no segment "${segment}"`)
    }
  }
  return path
}

/** The folders that a path lies in, from the outside in, without the root. */
export function parentsOf(path: string): string[] {
  const parents: string[] = []
  for (let at = path.indexOf('/', 1); at !== -1; at = path.indexOf('/', at + 1))
    parents.push(path.slice(0, at))
  return parents
}
