// The main thread of the child process: the guard. It starts the one thread in which contracts run, and outlives
// whatever they do to it. It ends the process when the parent is gone (its end of pipe 3 closes, however the parent
// died), when the process takes too much memory (ArrayBuffers are not part of the heap that V8 bounds), and when the
// runner ends, for whatever reason.

import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { HEAP, MAX_RESIDENT, STACK, YOUNG } from './memory.js'

const INTERVAL = 20

function die() {
  process.kill(process.pid, 'SIGKILL')
}

// for the parent's error message, should this process not even have started
function fail(reason: unknown) {
  try {
    writeSync(2, `${reason instanceof Error ? reason.message : 'no reason given'}\n`)
  } finally {
    die()
  }
}

process.on('uncaughtException', fail)

new Socket({ fd: 3, readable: true, writable: false }).on('error', die).on('close', die).resume()

setInterval(() => {
  if (process.memoryUsage.rss() > MAX_RESIDENT) die()
}, INTERVAL)

new Worker(new URL('./runner.js', import.meta.url), {
  // its streams are taken, or Node would open ours, which makes them non-blocking
  stdin: true,
  stdout: true,
  stderr: true,
  resourceLimits: { stackSizeMb: STACK, maxOldGenerationSizeMb: HEAP, maxYoungGenerationSizeMb: YOUNG }
})
  .on('error', fail)
  .on('exit', die)
