// Who declares what in a contract, and which of its code runs when: while it loads, or in a call.

import type { AnyNode, Program } from 'acorn'
import { analyze as analyzeScopes, type Reference, type Scope, type Variable } from 'eslint-scope'
import { walk } from '../parse.js'

// these call the function that they are given before they return
const ITERATORS = new Set(
  'forEach map filter reduce reduceRight some every find findIndex flatMap sort from'.split(' ')
)

/** What esbuild wraps a module in that it could not put beside the others. */
const WRAPPER = /^__(?:commonJS|esm)\d*$/

export interface Analysis {
  /** The contract's body. */
  module: Scope
  scopes: Scope[]
  /** References that nothing in the contract declares. */
  globals: Reference[]
  parentOf: (node: AnyNode) => AnyNode | null
  /** The variable that an identifier names, where the contract declares it. */
  variableOf: (identifier: AnyNode) => Variable | null
  /** Whether the code of this scope runs while the contract loads, and never in a call. */
  loads: (scope: Scope) => boolean
}

export function analyze(program: Program): Analysis {
  const parents = new Map<AnyNode, AnyNode>()
  walk(program, (node, parent) => {
    if (parent) parents.set(node as AnyNode, parent as AnyNode)
    return true
  })
  // with nodejsScope the contract is the body of a function, as it will be
  const options = {
    ecmaVersion: 2022,
    sourceType: 'script',
    nodejsScope: true,
    impliedStrict: true,
    ignoreEval: true // it is refused; else nothing would be known of what stands around it
  } as const
  const { globalScope, scopes } = analyzeScopes(program, options)
  const parentOf = (node: AnyNode) => parents.get(node) ?? null
  const variables = new Map<AnyNode, Variable>()
  for (const scope of scopes) {
    for (const variable of scope.variables)
      for (const { name } of variable.defs) variables.set(name, variable)
    for (const { identifier, resolved } of scope.references) if (resolved) variables.set(identifier, resolved)
  }
  const later = calledLater(scopes, parentOf)
  return {
    module: globalScope.childScopes[0],
    scopes,
    globals: globalScope.through,
    parentOf,
    variableOf: identifier => variables.get(identifier) ?? null,
    loads: scope => !later.has(functionOf(scope, parentOf))
  }
}

/** The name of a member where the source tells it: `x.name`, `x['name']`, `{ name: … }`. */
export function memberName(node: AnyNode): string | null {
  if (node.type !== 'MemberExpression' && node.type !== 'Property') return null
  const key = node.type === 'MemberExpression' ? node.property : node.key
  if (!node.computed && key.type === 'Identifier') return key.name
  return key.type === 'Literal' && typeof key.value === 'string' ? key.value : null
}

export function isFunction(node: AnyNode | null | undefined): boolean {
  return (
    node?.type === 'FunctionDeclaration' ||
    node?.type === 'FunctionExpression' ||
    node?.type === 'ArrowFunctionExpression'
  )
}

/** What a variable is declared as, if that is all that is ever assigned to it. */
export function valueOf(variable: Variable): AnyNode | null {
  const [definition] = variable.defs
  if (variable.defs.length !== 1 || variable.references.some(one => one.isWrite() && !one.init)) return null
  if (definition.type === 'FunctionName' || definition.type === 'ClassName') return definition.node
  const { node } = definition
  if (definition.type !== 'Variable' || node.type !== 'VariableDeclarator') return null
  return node.id.type === 'Identifier' ? (node.init ?? null) : null
}

// The function around a scope. What belongs to a class itself, its static blocks and fields, runs where the class stands.
function functionOf({ variableScope }: Scope, parentOf: Analysis['parentOf']): Scope {
  const { type, upper, block } = variableScope
  const field = type === 'class-field-initializer' ? parentOf(block) : null
  const ofClass = type === 'class-static-block' || (field?.type === 'PropertyDefinition' && field.static)
  return ofClass && upper ? functionOf(upper, parentOf) : variableScope
}

// Everything but the module code runs in a call if it is not known to run while the contract loads: functions called on
// the spot, functions with a name that are only ever called, and not from what runs in a call. What remains is found by
// following who uses whom.
function calledLater(scopes: Scope[], parentOf: Analysis['parentOf']): Set<Scope> {
  const named = new Map<AnyNode, Variable>()
  for (const { variables } of scopes) {
    for (const variable of variables) {
      const value = valueOf(variable)
      if (value !== null && isFunction(value)) named.set(value, variable)
    }
  }
  const users = new Map<Scope, Scope[]>()
  const found: Scope[] = []
  for (const scope of scopes) {
    if (scope.variableScope !== scope || scope.type === 'global' || scope.block.type === 'Program') continue
    if (functionOf(scope, parentOf) !== scope) continue
    const froms = usersOf(scope, named.get(scope.block), parentOf)
    if (froms === null) found.push(scope)
    for (const from of froms ?? []) {
      const used = users.get(from)
      if (used) used.push(scope)
      else users.set(from, [scope])
    }
  }
  const later = new Set(found)
  for (let scope = found.pop(); scope; scope = found.pop()) {
    for (const used of users.get(scope) ?? []) {
      if (later.has(used)) continue
      later.add(used)
      found.push(used)
    }
  }
  return later
}

// the functions that call this one, or null if it may be called from anywhere
function usersOf(
  scope: Scope,
  variable: Variable | undefined,
  parentOf: Analysis['parentOf']
): Scope[] | null {
  if (variable === undefined) {
    return isFunction(scope.block) && isCalledAt(scope.block, parentOf) && scope.upper
      ? [functionOf(scope.upper, parentOf)]
      : null
  }
  const uses = variable.references.filter(one => !one.init)
  if (uses.length === 0 || !uses.every(({ identifier }) => isCalledAt(identifier, parentOf))) return null
  return uses.map(({ from }) => functionOf(from, parentOf))
}

function isCalledAt(node: AnyNode, parentOf: Analysis['parentOf']): boolean {
  const parent = parentOf(node)
  if (parent?.type === 'CallExpression' || parent?.type === 'NewExpression') {
    if (parent.callee === node) return true
    return parent.callee.type === 'MemberExpression' && ITERATORS.has(memberName(parent.callee) ?? '')
  }
  if (parent?.type === 'MemberExpression') {
    const call = parentOf(parent)
    const through = ['call', 'apply'].includes(memberName(parent) ?? '')
    return through && call?.type === 'CallExpression' && call.callee === parent
  }
  if (parent?.type !== 'Property' || parent.value !== node) return false
  const object = parentOf(parent)
  const call = object && parentOf(object)
  return (
    call?.type === 'CallExpression' && call.callee.type === 'Identifier' && WRAPPER.test(call.callee.name)
  )
}
