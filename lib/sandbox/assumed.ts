// What a child need not wait for. A write is answered null unless it fails, and hardly any does: so the child tells the
// contract at once that it went well, at the same point and for the same gas as if the host had said so. Where the host
// finds otherwise, the call runs again from its beginning, and waits for every answer: nothing of the first try remains.

import type { SystemAnswer } from './types.js'

/** What is assumed to be the answer. */
export const ASSUMED: SystemAnswer = { ok: true, value: null }

const WRITES = new Set(['files.writeFile', 'files.unlink', 'files.mkdir', 'files.rmdir'])

/** Whether a System call is one whose answer may be assumed. */
export function mayAssume(name: string): boolean {
  return WRITES.has(name)
}

/** Whether the answer is the one that was assumed. */
export function isAsAssumed(answer: SystemAnswer): boolean {
  return answer.ok && answer.value === null
}
