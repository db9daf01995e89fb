// Says whether a contract can be deployed and which methods it has. Runs in the child, since it loads the contract.

import { compareUTF8 } from '../utf8.js'
import type { ContractRealm, Wrapper } from './context.js'
import { absent } from './inspect/absent.js'
import { exportsOf, signatureOf, type Export } from './inspect/exported.js'
import { lost, reassigned } from './inspect/lost.js'
import { analyze, type Analysis } from './inspect/scopes.js'
import { meter, problemOf } from './meter.js'
import { at, parse, type Parsed } from './parse.js'
import { GLOBALS } from './realm/intrinsics.js'
import type { Loaded } from './realm/index.js'
import { RESERVED } from './reserved.js'
import { NOT_LOADED, type Inspection, type OracleShape, type Problem } from './types.js'

const MAX_METHODS = 256
const MAX_PROBLEMS = 100
const METHOD = /^[A-Za-z_$][A-Za-z0-9_$]{0,63}$/

const KNOWN = new Set([...GLOBALS, 'module', 'exports', 'System', 'console'])

/**
 * @param gas what loading the contract may take
 * @param oracles what it finds below `System.oracles`
 */
export function inspect(
  source: string,
  gas: number,
  oracles: OracleShape[],
  realm: ContractRealm
): Inspection {
  const parsed = parse(source)
  const problems = [...parsed.problems]
  const analysis = parsed.program === null || parsed.deep ? null : analyze(parsed.program)
  if (analysis) problems.push(...unknownNames(analysis, parsed), ...reassigned(analysis))
  const exported = analysis ? exportsOf(analysis) : new Map<string, Export>()
  let methods: string[] = []
  let load = 0
  if (analysis && parsed.problems.length === 0) {
    const loaded = loadMethods(source, parsed, code => realm.load(code, gas, oracles), realm, problems)
    if (loaded !== null) {
      problems.push(...namingProblems(loaded.methods, exported))
      methods = loaded.methods.filter(name => METHOD.test(name)).slice(0, MAX_METHODS)
      load = loaded.gas
    }
  }
  methods.sort(compareUTF8)
  return {
    methods,
    signatures: methods.map(name => (analysis ? signatureOf(analysis, name, exported.get(name)) : name)),
    problems: inOrder(problems).slice(0, MAX_PROBLEMS),
    warnings: analysis ? inOrder(lost(analysis)).slice(0, MAX_PROBLEMS) : [],
    load
  }
}

/** @returns what the contract exports, or null if it cannot be loaded */
function loadMethods(
  source: string,
  parsed: Parsed,
  load: (wrapper: Wrapper) => Loaded,
  realm: ContractRealm,
  problems: Problem[]
): Loaded | null {
  let code
  try {
    code = meter(source, parsed)
  } catch (error) {
    problems.push(problemOf(error))
    return null
  }
  const wrapper = realm.compile(code)
  if (typeof wrapper === 'string') {
    problems.push(at(undefined, wrapper))
    return null
  }
  const loaded = load(wrapper)
  const { thrown, line, touched } = loaded
  if (thrown?.code === 'OVERFLOW') {
    problems.push(at(undefined, NOT_LOADED))
    return null
  }
  if (thrown !== null) {
    const message = `the contract throws while it loads: ${thrown.name}: ${thrown.message}`
    problems.push(at(line === null ? undefined : { line, column: 0 }, message))
    return null
  }
  if (touched) problems.push(at(undefined, 'the contract calls System while it loads: call it in a method'))
  return loaded
}

function namingProblems(names: string[], exported: Map<string, Export>): Problem[] {
  const problems: Problem[] = []
  const add = (message: string, name?: string) => {
    problems.push(at(name === undefined ? undefined : exported.get(name)?.place.loc?.start, message))
  }
  if (names.length === 0) {
    add('the contract exports no method: write exports.hello = async name => `hello, ${name}`')
  }
  if (names.length > MAX_METHODS) add(`the contract exports more than ${MAX_METHODS} methods`)
  for (const name of names) {
    if (RESERVED.has(name)) {
      add(`a method cannot be named ${name}, the client has a member of that name: rename it`, name)
    } else if (!METHOD.test(name)) {
      add(
        `a method cannot be named ${JSON.stringify(name.slice(0, 64))}: ` +
          'names are 1 to 64 of A-Z, a-z, 0-9, _ and $, and do not begin with a digit',
        name
      )
    }
  }
  return problems
}

function unknownNames({ globals }: Analysis, { tested, undetermined }: Parsed): Problem[] {
  const problems: Problem[] = []
  for (const { identifier } of globals) {
    const { name, loc, start } = identifier
    const why = undetermined.get(start)
    if (why !== undefined) problems.push(at(loc?.start, why))
    // names that the parser refuses are reported once
    if (KNOWN.has(name) || tested.has(name) || name === 'eval' || name.startsWith('$$')) continue
    problems.push(at(loc?.start, absent(name)))
  }
  return problems
}

function inOrder(problems: Problem[]): Problem[] {
  return problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
}
