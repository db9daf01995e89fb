// What a VM, or all of a host, was asked since the host was started.

import type { ErrorCode } from '../errors.js'

export class Counts {
  /** calls that were committed */
  served = 0
  /** requests that were refused, by the code of the error */
  readonly refused = new Map<ErrorCode, number>()

  refuse(code: ErrorCode, times = 1): void {
    this.refused.set(code, (this.refused.get(code) ?? 0) + times)
  }

  add({ served, refused }: Counts): void {
    this.served += served
    for (const [code, times] of refused) this.refuse(code, times)
  }
}
