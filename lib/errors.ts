// Every error that VMS raises on purpose carries one of these codes, so that programs can tell them apart.
// The message is one sentence that says what happened and, where there is something to do, what to do.

export const ERROR_CODES = {
  // what a user did
  USAGE: 'the command line is wrong',
  INVALID_KEY: 'not a VM key',
  INVALID_VALUE: 'a value that VMS cannot carry',
  INVALID_CONTRACT: 'a contract that cannot be deployed',
  INVALID_IDENTITY: 'not an identity file',
  STORAGE_IN_USE: 'another process uses the storage',
  STORAGE_BROKEN: 'the storage does not hold what it should',
  UNKNOWN_ENGINE: 'another release is needed for this VM',
  DISK: 'the disk does not take the write',

  // why a host refuses a request: answered, and no trace in the log
  BAD_REQUEST: 'the request is malformed',
  BAD_SIGNATURE: 'the request is not signed by its caller',
  WRONG_VM: 'the request is for another VM',
  NO_SUCH_METHOD: 'the contract has no such method',
  TOO_LARGE: 'the request is larger than a record can be',
  STALE: 'the request builds on a state that is too old or is not in the log',
  CONTRACT_CHANGED: 'the contract was replaced since the caller has seen it',
  BUSY: 'the host has too much to do',
  FORBIDDEN: 'the host does not allow it',
  QUOTA: 'the host allows no more of it now',
  STOPPED: 'the VM was stopped',
  HOST_ABORTED: 'the host stopped the call before it ended',
  HOST_CLOSING: 'the host is shutting down',
  HOST_FAILED: 'the host could not commit the call',

  // what a client meets
  UNREACHABLE: 'no peer of the VM was found, or no host runs on the storage',
  TIMEOUT: 'no answer in time',
  NOT_LOGGED: 'the host answered, and its log does not show the call',
  ABORTED: 'given up by an AbortSignal',
  CLOSED: 'used after it was closed',
  BAD_HOST: 'a peer sent what an honest one does not',
  REWOUND: 'a peer shows an older log than one seen before',
  NOT_AVAILABLE: 'no peer has the blocks that are needed',
  CALL_FAILED: 'the contract threw',
  KILLED: 'a call was stopped here before it ended',
  NO_ORACLE: 'only the host can answer what the call asks for',
  NOT_AUDITED: 'fewer trusted auditors than required have verified the log so far',
  FRAUD: 'the host contradicted itself'
} as const

export type ErrorCode = keyof typeof ERROR_CODES

export interface VMSErrorOptions extends ErrorOptions {
  retry?: number
}

/** An error of VMS: `code` is one of ERROR_CODES, `message` a sentence for people. */
export class VMSError extends Error {
  override readonly name: string = 'VMSError'
  /** ms after which the same may succeed, if that is known */
  readonly retry: number | null

  constructor(
    readonly code: ErrorCode,
    message: string,
    { retry, ...options }: VMSErrorOptions = {}
  ) {
    super(message, options)
    this.retry = retry ?? null
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The `code` of a thrown Error, if it has one. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
