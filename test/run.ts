// Runs the tests: node's test runner over the compiled files, named one by one (globs and folders mean different things to
// different releases of node). `--full` repeats what is random as often as the project promises, and takes a while.
//
//   node dist/test/run.js [--full] [word…]     with words, only files whose path has one of them

import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = path.dirname(fileURLToPath(import.meta.url))
const words = process.argv.slice(2).filter(word => !word.startsWith('--'))
const full = process.argv.includes('--full')

const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.test.js'))
  .filter(file => words.length === 0 || words.some(word => file.includes(word)))
  .sort()
  .map(file => path.join(folder, file))

if (files.length === 0) {
  process.stderr.write('no test file matches\n')
  process.exit(64)
}

/** How long a file may take, ms: in full there is a soak of half an hour, and what is read and checked after it. */
const timeout = full ? 3_600_000 : 600_000

// what is promised of real networks is timed in full: then nothing else runs beside it
const isTimed = (file: string) => full && isIn('net', file)
const others = files.filter(file => !isTimed(file))
const passes = [
  // one more than the cores of a small machine: many wait for processes, networks and disks; what takes longest begins first
  { concurrency: 3, files: [...others].sort((a, b) => Number(isIn('soak', b)) - Number(isIn('soak', a))) },
  { concurrency: 1, files: files.filter(isTimed) }
]
let status = 0
for (const { concurrency, files } of passes) {
  if (files.length > 0) status = (await test(files, concurrency)) || status
}
process.exit(status)

function isIn(name: string, file: string): boolean {
  return file.startsWith(path.join(folder, name) + path.sep)
}

/** @returns the exit status */
function test(files: string[], concurrency: number): Promise<number> {
  const runner = spawn(
    process.execPath,
    ['--test', `--test-concurrency=${concurrency}`, `--test-timeout=${timeout}`, ...files],
    {
      stdio: 'inherit',
      env: full ? { ...process.env, VMS_TEST_FULL: '1' } : process.env
    }
  )
  return new Promise(resolve => runner.on('exit', (code, signal) => resolve(code ?? (signal ? 1 : 0))))
}
