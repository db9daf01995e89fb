// vms check: says whether a contract can be deployed, and why not.

import { readFile } from 'node:fs/promises'
import { VMSError } from '../errors.js'
import { bundle } from '../sandbox/bundle.js'
import { Executor } from '../sandbox/executor.js'
import type { Inspection, Problem } from '../sandbox/types.js'
import type { Context } from './context.js'
import { EXIT } from './exit.js'
import { print, printJSON } from './output.js'

export async function check(context: Context, script: string): Promise<number> {
  const { methods, problems, place } = await inspect(context, script)
  const ok = problems.length === 0
  if (context.json) printJSON({ ok, methods, problems })
  else if (ok) print(`${script} can be deployed. Its methods: ${methods.join(', ') || 'none'}`)
  else for (const problem of problems) print(describeProblem(place, problem))
  return ok ? EXIT.ok : EXIT.failed
}

async function inspect(context: Context, script: string): Promise<Inspection & { place: string }> {
  let source: string
  try {
    source = (await bundle(script)).source
  } catch (error) {
    if (!(error instanceof VMSError) || error.code !== 'INVALID_CONTRACT') throw error
    return { methods: [], problems: [problemOf(error.message)], place: script }
  }
  const executor = context.use(new Executor())
  // places are those in the script that is deployed, which is the file itself unless it had to be bundled
  const bundled = source !== (await readFile(script, 'utf8'))
  return { ...(await executor.inspect(source)), place: bundled ? `${script} (bundled)` : script }
}

// esbuild's findings have their place in front
function problemOf(text: string): Problem {
  const [, line, column, message] = /^.*?:(\d+):(\d+): (.*)$/s.exec(text) ?? []
  return message === undefined
    ? { message: text, line: null, column: null }
    : { message, line: Number(line), column: Number(column) }
}

function describeProblem(place: string, { message, line, column }: Problem): string {
  if (line === null) return message.includes(place) ? message : `${place}: ${message}`
  return `${place}:${line}:${column}: ${message}`
}
