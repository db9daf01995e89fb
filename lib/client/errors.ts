import { VMSError } from '../errors.js'
import type { CallError as RecordedError } from '../ledger/record.js'

/** The contract threw, and the host has logged that: the call ran, and left no writes. */
export class CallError extends VMSError {
  /** What the contract threw: `name`, `message`, and `code` if it had one. */
  readonly thrown: RecordedError

  constructor(
    thrown: RecordedError,
    /** index of the call */
    readonly index: number,
    /** block that holds its record */
    readonly block: number
  ) {
    super('CALL_FAILED', thrown.message)
    this.thrown = thrown
  }
}
