// Says whether a contract can be deployed and which methods it has. Runs in the child, since it loads the contract.

import { analyze, type Scope } from 'eslint-scope'
import { compareUTF8 } from '../utf8.js'
import { load, methodsOf } from './contract.js'
import { makeConsole } from './console.js'
import { at, parse, type Parsed } from './parse.js'
import { GLOBALS, type Evaluate } from './realm.js'
import { RESERVED } from './reserved.js'
import { Session } from './system.js'
import { describe, isOverflow } from './thrown.js'
import type { Inspection, Problem } from './types.js'

const MAX_METHODS = 256
const MAX_PROBLEMS = 100
const METHOD = /^[A-Za-z_$][A-Za-z0-9_$]{0,63}$/

// Known elsewhere, and missed here. Any other name that nothing declares is most likely a slip.
const ABSENT = new Set(
  [
    'Proxy BigInt BigInt64Array BigUint64Array Float16Array Float32Array Float64Array WeakRef FinalizationRegistry',
    'WebAssembly SharedArrayBuffer Atomics Intl Temporal TextEncoder TextDecoder escape unescape Function Compartment',
    'process require Buffer global __dirname __filename setTimeout setInterval setImmediate clearTimeout clearInterval',
    'clearImmediate queueMicrotask structuredClone fetch crypto performance URL URLSearchParams AbortController window',
    'self document navigator localStorage sessionStorage XMLHttpRequest WebSocket Worker EventTarget Event Deno Bun',
    'atob btoa alert Iterator lockdown harden'
  ].flatMap(line => line.split(' '))
)

const KNOWN = new Set([...GLOBALS, 'module', 'exports', 'System', 'console'])

/** @throws what a full stack throws (see isOverflow) */
export async function inspect(source: string, evaluate: Evaluate): Promise<Inspection> {
  const parsed = parse(source)
  const problems = [...parsed.problems]
  let methods: string[] = []
  if (parsed.program !== null) {
    if (problems.length === 0) problems.push(...scopeProblems(parsed))
    if (parsed.problems.length === 0) methods = await loadMethods(parsed.code, evaluate, problems)
  }
  return { methods: methods.sort(compareUTF8), problems: inOrder(problems).slice(0, MAX_PROBLEMS) }
}

async function loadMethods(code: string, evaluate: Evaluate, problems: Problem[]): Promise<string[]> {
  const session = new Session(null)
  const names: string[] = []
  try {
    const exports = load(code, evaluate).instantiate({
      System: session.system,
      console: makeConsole(() => {})
    })
    await new Promise(setImmediate) // a contract that spins in its microtasks never gets past this
    names.push(...methodsOf(exports))
  } catch (error) {
    if (isOverflow(error)) throw error
    const { name, message } = describe(error).error
    problems.push(at(undefined, `the contract throws while it loads: ${name}: ${message}`))
    return []
  }
  if (session.touched)
    problems.push(at(undefined, 'the contract calls System while it loads: call it in a method'))
  problems.push(...namingProblems(names))
  return names.filter(name => METHOD.test(name)).slice(0, MAX_METHODS)
}

function namingProblems(names: string[]): Problem[] {
  const problems: string[] = []
  if (names.length === 0) {
    problems.push('the contract exports no method: write exports.hello = async name => `hello, ${name}`')
  }
  if (names.length > MAX_METHODS) problems.push(`the contract exports more than ${MAX_METHODS} methods`)
  for (const name of names) {
    if (RESERVED.has(name)) {
      problems.push(`a method cannot be named ${name}, the client has a member of that name: rename it`)
    } else if (!METHOD.test(name)) {
      problems.push(
        `a method cannot be named ${JSON.stringify(name.slice(0, 64))}: ` +
          'names are 1 to 64 of A-Z, a-z, 0-9, _ and $, and do not begin with a digit'
      )
    }
  }
  return problems.map(message => at(undefined, message))
}

function scopeProblems({ program, tested, undetermined }: Parsed): Problem[] {
  const problems: Problem[] = []
  // with nodejsScope the contract is the body of a function, as it will be
  const { globalScope } = analyze(program!, {
    ecmaVersion: 2022,
    sourceType: 'script',
    nodejsScope: true,
    impliedStrict: true
  })
  const module = globalScope.childScopes[0]
  for (const { identifier } of globalScope.through) {
    const { name, loc, start } = identifier
    const why = undetermined.get(start)
    if (why !== undefined) problems.push(at(loc?.start, why))
    if (KNOWN.has(name) || tested.has(name)) continue
    problems.push(
      at(loc?.start, ABSENT.has(name) ? `${name} is not there in a contract` : `${name} is not defined`)
    )
  }
  for (const variable of [module, ...blocksOf(module)].flatMap(scope => scope.variables)) {
    const write = variable.references.find(reference => {
      return reference.isWrite() && functionOf(reference.from) !== module
    })
    if (write) problems.push(at(write.identifier.loc?.start, reassigned(variable.name)))
  }
  return problems
}

// the function around a scope; the static blocks of a class run where the class stands
function functionOf({ variableScope }: Scope): Scope {
  const { type, upper } = variableScope
  return type === 'class-static-block' && upper ? functionOf(upper) : variableScope
}

function reassigned(name: string) {
  return `${name} is assigned inside a function, but memory does not survive a call: keep it in a file with System.files`
}

// blocks at the top level, and blocks in those
function blocksOf(scope: Scope): Scope[] {
  const blocks = scope.childScopes.filter(child => child.variableScope === scope.variableScope)
  return blocks.flatMap(block => [block, ...blocksOf(block)])
}

function inOrder(problems: Problem[]): Problem[] {
  return problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
}
