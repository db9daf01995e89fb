// Evaluates what is typed in a session: promises are awaited, also by an assignment, so `const x = get()` is the value.

import { Recoverable } from 'node:repl'
import { Script, type Context as Scope } from 'node:vm'

const DECLARATION = /^(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=(?!=)([\s\S]+)$/

/**
 * @returns what the code results in
 * @throws Recoverable if it goes on in the next line; whatever the code throws
 */
export async function evaluate(code: string, scope: Scope): Promise<unknown> {
  const text = code.trim().replace(/;+$/, '')
  if (text === '') return undefined
  const [, name, assigned] = DECLARATION.exec(text) ?? []
  const declared = name === undefined ? null : compile(asExpression(assigned))
  if (declared) {
    scope[name] = await run(declared, scope)
    return undefined
  }
  const script = compile(asExpression(text)) ?? compile(text) ?? compile(`(async () => {\n${text}\n})()`)
  if (script) return run(script, scope)
  throw explain(text)
}

async function run(script: Script, scope: Scope): Promise<unknown> {
  return (await script.runInContext(scope)) as unknown
}

function asExpression(text: string): string {
  return `(async () => (\n${text}\n))()`
}

/** @returns null if it is no JavaScript */
function compile(text: string): Script | null {
  try {
    return new Script(text, { filename: 'session' })
  } catch {
    return null
  }
}

function explain(text: string): Error {
  try {
    new Script(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const unfinished =
      /^(Unexpected end of input|Unterminated template literal|missing \) after argument list)/
    return unfinished.test(error.message) ? new Recoverable(error) : error
  }
  return new SyntaxError('this is no JavaScript')
}
