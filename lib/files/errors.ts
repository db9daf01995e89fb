// Errors of files, with Node's codes and the wording of Node's messages.

const MESSAGES = {
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  EISDIR: 'illegal operation on a directory',
  ENOTEMPTY: 'directory not empty',
  EINVAL: 'invalid argument',
  EFBIG: 'file too large'
} as const

export type FileErrorCode = keyof typeof MESSAGES

export class FileError extends Error {
  override readonly name = 'Error'

  constructor(
    readonly code: FileErrorCode,
    syscall: string,
    path: string,
    why?: string
  ) {
    super(`${code}: ${why ?? MESSAGES[code]}, ${syscall} '${path}'`)
  }
}
