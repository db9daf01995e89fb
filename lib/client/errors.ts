import { VMSError } from '../errors.js'
import type { CallError as RecordedError } from '../ledger/record.js'

/** The contract threw: the call ran, and left no writes. A host has logged that; a local call is in no log. */
export class CallError extends VMSError {
  /** What the contract threw: `name`, `message`, and `code` if it had one. */
  readonly thrown: RecordedError

  constructor(
    thrown: RecordedError,
    /** index of the call; null if it ran here only */
    readonly index: number | null,
    /** block that holds its record, or from whose files it ran here */
    readonly block: number
  ) {
    super('CALL_FAILED', thrown.message)
    this.thrown = thrown
  }
}
