// Runs programs in a thread of its own, and tells how each has ended.

import { parentPort, workerData } from 'node:worker_threads'
import { runMetered } from './helper.js'

// what was not awaited was stopped as well
process.on('unhandledRejection', () => {})

const faults: { [name: string]: string | null } = {}
for (const [name, body] of Object.entries(workerData as { [name: string]: string })) {
  faults[name] = (await runMetered(body)).fault
}
parentPort?.postMessage(faults)
