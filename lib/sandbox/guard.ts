// A thread in the child that outlives whatever a contract does to the main one. It ends the process when the parent
// is gone (its end of pipe 3 closes, however the parent died) and when the process takes too much memory:
// ArrayBuffers are not counted by --max-old-space-size.

import { Socket } from 'node:net'

const MAX_RESIDENT = 1024 * 1024 * 1024
const INTERVAL = 50

function die() {
  process.kill(process.pid, 'SIGKILL')
}

new Socket({ fd: 3, readable: true, writable: false }).on('error', die).on('close', die).resume()

setInterval(() => {
  if (process.memoryUsage.rss() > MAX_RESIDENT) die()
}, INTERVAL)
