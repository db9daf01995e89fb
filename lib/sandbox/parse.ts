// Parses a contract, refuses the syntax that no contract may have, and makes the code that is evaluated.
//
// The source is parsed on its own, as what it will be: strict code of a script. So it cannot close the function that
// it is wrapped in afterwards. What acorn has accepted and what V8 will parse must be the same thing; that is why
// comments that begin in the HTML way are refused. Runs in the child: hostile sources can take their time.

import { parse as acorn, type Comment, type Node, type Program, type Token } from 'acorn'
import { MAX_SOURCE } from './frames.js'
import { checkRegExp } from './regexp/engine.js'
import type { Problem } from './types.js'

// Both well below what overflows the stack of acorn, eslint-scope or V8, so that it is the same on every machine.
const MAX_BRACKETS = 200
const MAX_DEPTH = 500

export interface Parsed {
  problems: Problem[]
  /** null if there is a syntax error */
  program: Program | null
  /** Whether it is nested so deeply that it must not be looked at with recursion. */
  deep: boolean
  /** The source as it is evaluated: the same program, without what SES takes for an import or a comment. */
  code: string
  /** Names that the source asks about with `typeof`. */
  tested: Set<string>
  /** Where `Date` or `Math` is asked for what a contract cannot have, if the name is the global one; by offset. */
  undetermined: Map<number, string>
}

type Fields = { [key: string]: unknown }

// SES refuses these wherever they stand, in texts and comments too
const HAZARD = /<!--|-->|\bimport(?=\s*(?:\(|\/[/*]))/g

/** @throws what acorn throws when the stack is full: the process is given up then */
export function parse(source: string): Parsed {
  const problems: Problem[] = []
  const tested = new Set<string>()
  const undetermined = new Map<number, string>()
  const failed: Parsed = { problems, program: null, deep: false, code: '', tested, undetermined }
  if (Buffer.byteLength(source) > MAX_SOURCE) {
    problems.push({
      message: `the contract is larger than ${MAX_SOURCE / 1024} KiB`,
      line: null,
      column: null
    })
    return failed
  }
  const comments: Comment[] = []
  let program
  try {
    program = acorn(source, {
      ecmaVersion: 2022,
      sourceType: 'script',
      strict: true,
      locations: true,
      ranges: true, // for eslint-scope
      onComment: comments,
      onToken: nesting()
    })
  } catch (error) {
    problems.push(syntaxProblem(error))
    return failed
  }
  for (const { start, loc } of comments) {
    if (source.startsWith('//', start) || source.startsWith('/*', start)) continue
    problems.push(at(loc?.start, 'comments begin with // or /* in a contract'))
  }
  const opaque: { start: number; end: number }[] = comments
  let deep = false
  walk(program, (node, parent, key, depth) => {
    if (isText(node)) opaque.push(node)
    if (node.type === 'UnaryExpression') note(node as Node & Fields, tested)
    noteUndetermined(node as Node & Fields, undetermined)
    const message =
      depth > MAX_DEPTH ? tooDeep() : refusal(node as Node & Fields, parent as (Node & Fields) | null, key)
    if (message !== null) problems.push(at(node.loc?.start, message))
    if (depth > MAX_DEPTH) deep = true
    return depth <= MAX_DEPTH
  })
  return { problems, program, deep, code: escape(source, opaque), tested, undetermined }
}

/** Visits every node, outer ones first, without recursion; visit says whether to go on inside the node. */
export function walk(
  program: Program,
  visit: (node: Node, parent: Node | null, key: string, depth: number) => boolean
) {
  // columns of one stack: sources of half a megabyte have hundreds of thousands of nodes
  const nodes: Node[] = [program]
  const parents: (Node | null)[] = [null]
  const keys: string[] = ['']
  const depths: number[] = [0]
  for (let node = nodes.pop(); node; node = nodes.pop()) {
    const depth = depths.pop()!
    if (!visit(node, parents.pop()!, keys.pop()!, depth)) continue
    const first = nodes.length
    for (const key in node) {
      const field = (node as Node & Fields)[key]
      if (typeof field !== 'object' || field === null) continue
      if (isNode(field)) {
        nodes.push(field)
        keys.push(key)
      } else if (Array.isArray(field)) {
        for (const child of field as unknown[]) {
          if (!isNode(child)) continue
          nodes.push(child)
          keys.push(key)
        }
      }
    }
    reverse(nodes, first)
    reverse(keys, first)
    for (let i = first; i < nodes.length; i++) {
      parents.push(node)
      depths.push(depth + 1)
    }
  }
}

// what was pushed last is taken first
function reverse(stack: unknown[], from: number) {
  for (let a = from, b = stack.length - 1; a < b; a++, b--) [stack[a], stack[b]] = [stack[b], stack[a]]
}

/** A problem with a place as acorn gives it. */
export function at(place: { line: number; column: number } | undefined, message: string): Problem {
  return { message, line: place?.line ?? null, column: place ? place.column + 1 : null }
}

function isNode(child: unknown): child is Node {
  return typeof child === 'object' && child !== null && typeof (child as Fields).type === 'string'
}

function isText(node: Node): boolean {
  if (node.type === 'TemplateElement') return true
  return node.type === 'Literal' && typeof (node as Node & Fields).value !== 'number'
}

function note({ operator, argument }: Fields, tested: Set<string>) {
  const { type, name } = argument as Fields
  if (operator === 'typeof' && type === 'Identifier') tested.add(name as string)
}

// the same call has to give the same result wherever it is replayed
function noteUndetermined(node: Node & Fields, undetermined: Map<number, string>) {
  const callee = (node.callee ?? node.object) as (Node & Fields) | undefined
  if (callee?.type !== 'Identifier') return
  const { name } = callee
  const member = node.type === 'MemberExpression' && !node.computed ? (node.property as Fields).name : null
  const noArguments = node.type === 'NewExpression' && (node.arguments as unknown[]).length === 0
  if (name === 'Math' && member === 'random') {
    undetermined.set(callee.start, 'Math.random() is not there in a contract: there is no randomness')
  } else if (name === 'Date' && (member === 'now' || noArguments || node.type === 'CallExpression')) {
    undetermined.set(callee.start, 'a contract has no clock: take the time as an argument')
  }
}

function refusal(node: Node & Fields, parent: (Node & Fields) | null, key: string): string | null {
  switch (node.type) {
    case 'ImportExpression':
      return 'import() is not there in a contract: import modules at the top, they are bundled'
    case 'Literal':
      if (typeof node.bigint === 'string') return 'BigInt is not there in a contract'
      return isRegExp(node.regex) ? checkRegExp(node.regex.pattern, node.regex.flags) : null
    case 'TaggedTemplateExpression': {
      const { quasis } = node.quasi as { quasis: { value: { raw: string } }[] }
      const bad = quasis.some(({ value }) => value.raw.search(HAZARD) >= 0)
      return bad ? 'a tagged template cannot contain <!-- or --> or import( in a contract' : null
    }
    case 'Identifier':
      return isPropertyName(parent, key) ? null : nameRefusal(node.name as string)
    default:
      return null
  }
}

function isRegExp(regex: unknown): regex is { pattern: string; flags: string } {
  return typeof regex === 'object' && regex !== null
}

function nameRefusal(name: string): string | null {
  if (name === 'eval') return 'eval is not there in a contract'
  return name.startsWith('$$') ? `names that begin with $$ are reserved, so ${name} cannot be used` : null
}

// x.name and { name: x }, but neither x[name] nor { name }
function isPropertyName(parent: (Node & Fields) | null, key: string): boolean {
  if (!parent || parent.computed === true) return false
  if (parent.type === 'MemberExpression') return key === 'property'
  return key === 'key'
}

function tooDeep() {
  return 'the contract is nested too deeply here'
}

// throws in the middle of the parsing, long before the parser itself would run out of stack
function nesting(): (token: Token) => void {
  let depth = 0
  return ({ type, loc }) => {
    if (['(', '[', '{', '${'].includes(type.label)) depth++
    else if ([')', ']', '}'].includes(type.label)) depth--
    if (depth > MAX_BRACKETS) throw Object.assign(new SyntaxError(tooDeep()), { loc: loc?.start })
  }
}

function syntaxProblem(error: unknown): Problem {
  if (!(error instanceof SyntaxError) || !('loc' in error)) throw error
  if (error.message.startsWith('Not enough stack space'))
    throw new SyntaxError('Not enough stack space to parse input')
  return at(error.loc as { line: number; column: number }, syntaxMessage(error.message))
}

function syntaxMessage(message: string): string {
  if (message.includes('import.meta')) return 'import.meta is not there in a contract'
  if (message.startsWith("'import' and 'export'"))
    return 'import and export are for modules, which are bundled first'
  return message.replace(/ \(\d+:\d+\)$/, '')
}

// Writes the same in a way that SES does not mind. In texts, m, - and > become escapes: none of them can be escaped
// already where the hazard matches, nor does it mean anything else in a regular expression there. In code, `import (`
// is the name of a property, where an escape means the same, and --> is two operators.
function escape(source: string, opaque: { start: number; end: number }[]): string {
  if (source.search(HAZARD) < 0) return source
  opaque.sort((a, b) => a.start - b.start)
  let next = 0
  return source.replace(HAZARD, (match: string, offset: number) => {
    while (next < opaque.length && opaque[next].end <= offset) next++
    const inside = next < opaque.length && opaque[next].start <= offset
    if (match === 'import') return 'i\\u006dport'
    if (match === '<!--') return '<!-\\u002d'
    return inside ? '--\\u003e' : '-- >'
  })
}
