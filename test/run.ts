// Runs the tests: node's test runner over the compiled files, named one by one (globs and folders mean different things to
// different releases of node), and in this order ("node --test" has its own). `--full` repeats what is random as often as the
// project promises, and takes a while.
//
//   node dist/test/run.js [--full] [word…]     with words, only files whose path has one of them

import { readdirSync } from 'node:fs'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { run } from 'node:test'
import { spec, tap } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'

const folder = path.dirname(fileURLToPath(import.meta.url))
const words = process.argv.slice(2).filter(word => !word.startsWith('--'))
const full = process.argv.includes('--full')
if (full) process.env.VMS_TEST_FULL = '1'

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
const others = files
  .filter(file => !isTimed(file))
  .sort((a, b) => progress(a) - progress(b))
  .sort((a, b) => Number(isIn('soak', b)) - Number(isIn('soak', a))) // what takes longest begins first
// one more than the cores of a small machine: many wait for processes, networks and disks
await test(others, 3)
await test(files.filter(isTimed), 1)

function isIn(name: string, file: string): boolean {
  return file.startsWith(path.join(folder, name) + path.sep)
}

/** How far through its folder a file is: those of a folder use the machine alike, and should not run all at once. */
function progress(file: string): number {
  const beside = files.filter(one => path.dirname(one) === path.dirname(file))
  return (beside.indexOf(file) + 0.5) / beside.length
}

/** Runs some files, a number of them at a time. */
async function test(files: string[], concurrency: number): Promise<void> {
  if (files.length === 0) return
  const tests = run({ files, concurrency, timeout }).on('test:fail', () => (process.exitCode = 1))
  const report = tests.compose(process.stdout.isTTY ? new spec() : tap) as Readable
  report.pipe(process.stdout, { end: false })
  await finished(report)
}
