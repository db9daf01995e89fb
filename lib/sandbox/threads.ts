// Takes the means to start threads from this thread: permission to use them is given to a process as a whole, and the
// guard needs it once.

import { syncBuiltinESMExports } from 'node:module'
import threads from 'node:worker_threads'

export function forbidThreads(): void {
  const value = class Worker {
    constructor() {
      throw new Error('no threads are left')
    }
  }
  Object.defineProperty(threads, 'Worker', { value, writable: false, configurable: false })
  syncBuiltinESMExports()
}
