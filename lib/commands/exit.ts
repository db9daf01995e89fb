// Exit statuses, and the sentence that an error is reported with.

import { VMSError, codeOf, messageOf, type ErrorCode } from '../errors.js'
import { FileError } from '../files/errors.js'

/** 0 and 1 are also answers: yes and no, verified and fraud. */
export const EXIT = { ok: 0, failed: 1, unavailable: 2, usage: 64, internal: 70 } as const

const STATUS: { [code in ErrorCode]: number } = {
  USAGE: EXIT.usage,
  INVALID_KEY: EXIT.usage,
  INVALID_VALUE: EXIT.usage,
  INVALID_IDENTITY: EXIT.usage,
  INVALID_CONTRACT: EXIT.failed,
  STORAGE_IN_USE: EXIT.internal,
  STORAGE_BROKEN: EXIT.internal,
  UNKNOWN_ENGINE: EXIT.internal,
  DISK: EXIT.internal,

  BAD_REQUEST: EXIT.failed,
  BAD_SIGNATURE: EXIT.failed,
  WRONG_VM: EXIT.failed,
  NO_SUCH_METHOD: EXIT.failed,
  TOO_LARGE: EXIT.failed,
  STALE: EXIT.failed,
  CONTRACT_CHANGED: EXIT.failed,
  BUSY: EXIT.failed,
  FORBIDDEN: EXIT.failed,
  QUOTA: EXIT.failed,
  STOPPED: EXIT.failed,
  HOST_ABORTED: EXIT.failed,
  HOST_CLOSING: EXIT.failed,
  HOST_FAILED: EXIT.failed,

  UNREACHABLE: EXIT.unavailable,
  TIMEOUT: EXIT.unavailable,
  NOT_AVAILABLE: EXIT.unavailable,
  ABORTED: EXIT.unavailable,
  BAD_HOST: EXIT.failed,
  REWOUND: EXIT.failed,
  CALL_FAILED: EXIT.failed,
  KILLED: EXIT.failed,
  NO_ORACLE: EXIT.failed,
  NOT_AUDITED: EXIT.unavailable,
  NOT_LOGGED: EXIT.unavailable,
  FRAUD: EXIT.failed,
  CLOSED: EXIT.internal
}

export function statusOf(error: unknown): number {
  if (error instanceof VMSError) return STATUS[error.code]
  return error instanceof FileError ? EXIT.failed : EXIT.internal
}

/** An error as JSON shows it. */
export interface ErrorJSON {
  name: string
  message: string
  code: string | null
}

export function errorToJSON(error: unknown): ErrorJSON {
  const name = error instanceof Error ? error.name : 'Error'
  return { name, message: messageOf(error), code: codeOf(error) ?? null }
}

/** An error as people see it: one line, once it is printed. */
export function describeError({ name, message, code }: ErrorJSON): string {
  const suffix = code === null || message.startsWith(code) ? '' : ` (${code})`
  return `${name}: ${message}${suffix}`
}

/** The sentence that a command ends with if it fails; with `verbose`, the lines after it say where. */
export function sentenceOf(error: unknown, verbose: boolean): string[] {
  const message = messageOf(error)
  if (verbose && error instanceof Error && error.stack) {
    return [`vms: ${error.name}: ${message}`, ...framesOf(error.stack, message)]
  }
  const expected = error instanceof VMSError || error instanceof FileError
  return [expected ? `vms: ${message}` : `vms: ${message} (an unexpected error: --verbose shows where)`]
}

// the stack repeats the message, whose lines may look like frames
function framesOf(stack: string, message: string): string[] {
  const rest = stack.slice(Math.max(0, stack.indexOf(message)) + message.length)
  return rest.split('\n').filter(line => /^ {4}at /.test(line))
}
