// What a contract exports, and where and how it says so: the assignments that its source shows.

import type { AnyNode } from 'acorn'
import { isFunction, memberName, valueOf, type Analysis } from './scopes.js'

/** A name that the source exports. */
export interface Export {
  /** Where it is exported; of what esbuild wrote itself, where it is declared. */
  place: AnyNode
  /** What is exported; null if that is not to be seen. */
  value: AnyNode | null
}

/** How many names a function may go by until it is exported. */
const MAX_NAMES = 8

/** Exports by name; of one that is exported twice the last. */
export function exportsOf(analysis: Analysis): Map<string, Export> {
  const found = new Map<string, Export>()
  let replaced: AnyNode | null = null
  for (const { identifier, from } of analysis.globals) {
    if (!analysis.loads(from)) continue
    if (identifier.name === 'exports') addMember(analysis, identifier, found)
    if (identifier.name !== 'module') continue
    const parent = analysis.parentOf(identifier)
    if (parent?.type !== 'MemberExpression' || memberName(parent) !== 'exports') continue
    const assignment = analysis.parentOf(parent)
    if (assignment?.type !== 'AssignmentExpression' || assignment.left !== parent) {
      addMember(analysis, parent, found)
    } else if (!isCopy(assignment.right)) replaced = assigned(assignment.right)
  }
  if (replaced) addObject(analysis, replaced, found)
  return found
}

/** How a method is called, as far as the source tells: `rsvp(event, answer?)`, or its name alone. */
export function signatureOf(analysis: Analysis, name: string, exported: Export | undefined): string {
  const value = exported ? resolve(analysis, exported.value) : null
  if (value === null || !('params' in value) || !isFunction(value)) return name
  return `${name}(${value.params.map(describe).join(', ')})`
}

// exports.name = value, or Object.defineProperty(exports, 'name', { value })
function addMember({ parentOf }: Analysis, object: AnyNode, found: Map<string, Export>) {
  const parent = parentOf(object)
  if (parent?.type === 'MemberExpression' && parent.object === object) {
    const name = memberName(parent)
    const assignment = parentOf(parent)
    if (name === null || assignment?.type !== 'AssignmentExpression' || assignment.left !== parent) return
    found.set(name, { place: parent, value: assigned(assignment.right) })
  } else if (parent?.type === 'CallExpression' && parent.arguments[0] === object) {
    const [, name, descriptor] = parent.arguments
    if (name?.type !== 'Literal' || typeof name.value !== 'string') return
    const value = descriptor?.type === 'ObjectExpression' ? propertiesOf(descriptor).get('value') : undefined
    found.set(name.value, { place: parent, value: value?.value ?? null })
  }
}

// module.exports = { name: value }, or what esbuild makes of modules: __toCommonJS(names), __export(names, { name: () => value })
function addObject(analysis: Analysis, object: AnyNode, found: Map<string, Export>) {
  if (object.type === 'ObjectExpression') {
    for (const [name, { key, value }] of propertiesOf(object)) found.set(name, { place: key, value })
  }
  if (object.type !== 'CallExpression' || object.arguments.length !== 1) return
  const names = analysis.variableOf(object.arguments[0])
  for (const { identifier } of names?.references ?? []) {
    const call = analysis.parentOf(identifier)
    if (call?.type !== 'CallExpression' || call.arguments[0] !== identifier) continue
    const [, getters] = call.arguments
    if (getters?.type !== 'ObjectExpression') continue
    for (const [name, { key, value }] of propertiesOf(getters)) {
      if (value.type !== 'ArrowFunctionExpression') continue
      const variable = analysis.variableOf(value.body)
      found.set(name, { place: variable?.defs[0]?.name ?? key, value: value.body })
    }
  }
}

function propertiesOf(node: AnyNode & { type: 'ObjectExpression' }) {
  const properties = new Map<string, { key: AnyNode; value: AnyNode }>()
  for (const property of node.properties) {
    const name = property.type === 'Property' && property.kind === 'init' ? memberName(property) : null
    if (property.type === 'Property' && name !== null) properties.set(name, property)
  }
  return properties
}

// module.exports = { ...module.exports }, as the end of a bundle
function isCopy(node: AnyNode): boolean {
  return node.type === 'ObjectExpression' && node.properties.every(({ type }) => type === 'SpreadElement')
}

// a = b = value
function assigned(node: AnyNode): AnyNode {
  let value = node
  while (value.type === 'AssignmentExpression') value = value.right
  return value
}

function resolve({ variableOf }: Analysis, node: AnyNode | null): AnyNode | null {
  let value = node
  for (let i = 0; i < MAX_NAMES && value?.type === 'Identifier'; i++) {
    const variable = variableOf(value)
    value = variable && valueOf(variable)
  }
  return value
}

function describe(parameter: AnyNode): string {
  switch (parameter.type) {
    case 'Identifier':
      return parameter.name
    case 'AssignmentPattern':
      return `${describe(parameter.left)}?`
    case 'RestElement':
      return `...${describe(parameter.argument)}`
    case 'ObjectPattern': {
      const names = parameter.properties.map(one =>
        one.type === 'Property' ? (memberName(one) ?? '…') : '…'
      )
      return names.length > 0 ? `{ ${names.join(', ')} }` : '{}'
    }
    default:
      return '[…]'
  }
}
