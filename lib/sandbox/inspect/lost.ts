// Finds what a contract keeps in memory: objects that it makes while it loads and changes in a call. The module is made
// afresh for every call, so the change is lost. This is advice: what cannot be told from the syntax is left alone.

import type { AnyNode } from 'acorn'
import type { Reference, Variable } from 'eslint-scope'
import { at } from '../parse.js'
import type { Problem } from '../types.js'
import { changes, givenBy, isData, kindOf, memberKind, mixed, type Kind } from './kinds.js'
import { memberName, valueOf, type Analysis } from './scopes.js'

const REMEDY = 'but memory does not survive a call: keep it in a file with System.files'

/** Calls that change what they are given first. */
const CHANGERS = new Set([
  ...['assign', 'defineProperty', 'defineProperties', 'setPrototypeOf'].map(name => `Object.${name}`),
  ...['set', 'defineProperty', 'deleteProperty', 'setPrototypeOf'].map(name => `Reflect.${name}`)
])

/** How many other names of a variable are followed. */
const MAX_ALIASES = 64

/** How an expression is used: what it is part of, and what that does to it. */
interface Use {
  /** Whether it is changed. */
  changed: boolean
  /** What is put into it. */
  put: (AnyNode | null)[]
  /** Where it goes under another name. */
  alias: { variable: Variable; kind: Kind } | null
}

/** Variables of the contract that a call assigns: these are refused. */
export function reassigned(analysis: Analysis): Problem[] {
  const variables = [...moduleVariables(analysis)]
  return variables.flatMap(variable => assignedLater(analysis, variable))
}

/** Whatever else of the contract's memory a call changes. */
export function lost(analysis: Analysis): Problem[] {
  const refused = new Set(moduleVariables(analysis))
  const warnings: Problem[] = []
  for (const scope of analysis.scopes) {
    if (scope.type === 'global' || !analysis.loads(scope)) continue
    for (const variable of scope.variables) {
      if (variable.defs.length === 0 || variable.defs[0].type === 'Parameter') continue
      const assigned = assignedLater(analysis, variable)
      if (assigned.length > 0) {
        if (!refused.has(variable)) warnings.push(...assigned)
        continue
      }
      const changed = firstChange(analysis, variable.references, initialKind(analysis, variable))
      if (changed) warnings.push(at(changed.loc?.start, describe(variable.name, 'changed')))
    }
  }
  for (const name of ['exports', 'module']) {
    const references = analysis.globals.filter(({ identifier }) => identifier.name === name)
    const changed = firstChange(analysis, references, { type: 'unknown' })
    if (changed) warnings.push(at(changed.loc?.start, describe(name, 'changed')))
  }
  return warnings
}

function describe(name: string, done: string): string {
  return `${name} is ${done} inside a function, ${REMEDY}`
}

// of the contract's body, and of blocks in it
function* moduleVariables({ scopes, module }: Analysis): Iterable<Variable> {
  for (const { type, variables, variableScope } of scopes) {
    if (variableScope === module && type !== 'function-expression-name') yield* variables
  }
}

function assignedLater({ loads }: Analysis, { name, references }: Variable): Problem[] {
  const write = references.find(reference => reference.isWrite() && !loads(reference.from))
  return write ? [at(write.identifier.loc?.start, describe(name, 'assigned'))] : []
}

// what the variable is when the contract has loaded
function initialKind(analysis: Analysis, { references }: Variable): Kind {
  const [write] = references.filter(reference => reference.isWrite() && analysis.loads(reference.from))
  const kind = write ? kindOf(write.writeExpr) : ({ type: 'unknown' } as const)
  const filled = references.some(({ identifier, from }) => {
    return analysis.loads(from) && useOf(analysis, identifier, kind).put.some(node => !isData(node))
  })
  return filled ? mixed(kind) : kind
}

/** The first place where a call changes what these name, by itself or under another name. */
function firstChange(
  analysis: Analysis,
  references: Reference[],
  kind: Kind,
  seen = new Set<Variable>()
): AnyNode | null {
  for (const { identifier, from } of references) {
    if (analysis.loads(from)) continue
    const { changed, alias } = useOf(analysis, identifier, kind)
    if (changed) return identifier
    if (!alias || seen.has(alias.variable) || seen.size === MAX_ALIASES) continue
    seen.add(alias.variable)
    const place = firstChange(analysis, alias.variable.references, alias.kind, seen)
    if (place) return place
  }
  return null
}

// goes out from an identifier through members and calls that give what is inside
function useOf({ parentOf, variableOf }: Analysis, identifier: AnyNode, root: Kind): Use {
  const nothing: Use = { changed: false, put: [], alias: null }
  let [node, kind] = [identifier, root]
  for (let parent = parentOf(node); parent; parent = parentOf(node)) {
    if (parent.type === 'ChainExpression') node = parent
    else if (parent.type === 'MemberExpression' && parent.object === node) {
      const name = memberName(parent)
      const call = parentOf(parent)
      if (call?.type === 'CallExpression' && call.callee === parent) {
        if (changes(kind, name ?? '')) return { ...nothing, changed: true, put: call.arguments }
        const given = givenBy(kind, name)
        if (given === null) return nothing
        ;[node, kind] = [call, given]
      } else {
        const put = putInto(parent, parentOf)
        if (put !== null) return { ...nothing, changed: true, put: [put] }
        ;[node, kind] = [parent, memberKind(kind, name)]
      }
    } else if (parent.type === 'CallExpression') {
      return isChanger(parent, node) ? { ...nothing, changed: true, put: parent.arguments.slice(1) } : nothing
    } else if (parent.type === 'VariableDeclarator' && parent.init === node) {
      const { id } = parent
      const variable = id.type === 'Identifier' ? variableOf(id) : null
      return variable && valueOf(variable) ? { ...nothing, alias: { variable, kind } } : nothing
    } else return nothing
  }
  return nothing
}

// what an assignment, or whatever else has a member as its target, puts there; null if the member is only read
function putInto(member: AnyNode, parentOf: Analysis['parentOf']): AnyNode | null {
  const parent = parentOf(member)
  switch (parent?.type) {
    case 'AssignmentExpression':
      return parent.left === member ? parent.right : null
    case 'UpdateExpression':
      return parent
    case 'UnaryExpression':
      return parent.operator === 'delete' ? parent : null
    case 'AssignmentPattern':
    case 'ForInStatement':
    case 'ForOfStatement':
      return parent.left === member ? member : null
    case 'Property':
      return parent.value === member && parentOf(parent)?.type === 'ObjectPattern' ? member : null
    case 'ArrayPattern':
    case 'RestElement':
      return member
    default:
      return null
  }
}

function isChanger(call: AnyNode & { type: 'CallExpression' }, first: AnyNode): boolean {
  const { callee } = call
  if (call.arguments[0] !== first || callee.type !== 'MemberExpression') return false
  return callee.object.type === 'Identifier' && CHANGERS.has(`${callee.object.name}.${memberName(callee)}`)
}
