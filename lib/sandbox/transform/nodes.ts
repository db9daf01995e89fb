// The syntax tree as the transform walks it: acorn's nodes, with their parts by name.

import type { Node as AcornNode } from 'acorn'

export interface Node extends AcornNode {
  [part: string]: unknown
}

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])
const LOOPS = new Set([
  'ForStatement',
  'WhileStatement',
  'DoWhileStatement',
  'ForInStatement',
  'ForOfStatement'
])

export function isNode(part: unknown): part is Node {
  return typeof part === 'object' && part !== null && typeof (part as Node).type === 'string'
}

export function isFunction(node: Node): boolean {
  return FUNCTIONS.has(node.type)
}

export function isLoop(node: Node): boolean {
  return LOOPS.has(node.type)
}

/** The nodes right below this one, in the order of their parts. */
export function childrenOf(node: Node): Node[] {
  const children: Node[] = []
  for (const name in node) {
    const part = node[name]
    if (isNode(part)) children.push(part)
    else if (Array.isArray(part)) for (const item of part) if (isNode(item)) children.push(item)
  }
  return children
}

/** The names that a pattern binds. */
export function boundNames(pattern: Node | null): string[] {
  switch (pattern?.type) {
    case 'Identifier':
      return [pattern.name as string]
    case 'ArrayPattern':
      return (pattern.elements as (Node | null)[]).flatMap(boundNames)
    case 'ObjectPattern':
      return (pattern.properties as Node[]).flatMap(boundNames)
    case 'Property':
      return boundNames(pattern.value as Node)
    case 'AssignmentPattern':
      return boundNames(pattern.left as Node)
    case 'RestElement':
      return boundNames(pattern.argument as Node)
    default:
      return []
  }
}

/** The names that a pattern binds by `...name`, at any depth. @throws SyntaxError where it is not a name that is bound */
export function restNames(pattern: unknown): string[] {
  if (!isNode(pattern)) return []
  switch (pattern.type) {
    case 'ArrayPattern':
      return (pattern.elements as unknown[]).flatMap(restNames)
    case 'ObjectPattern':
      return (pattern.properties as unknown[]).flatMap(restNames)
    case 'Property':
      return restNames(pattern.value)
    case 'AssignmentPattern':
      return restNames(pattern.left)
    case 'RestElement':
      return [restName(pattern.argument as Node)]
    default:
      return []
  }
}

/** The name after `...` in a pattern. */
export function restName(argument: Node): string {
  if (argument.type === 'Identifier') return argument.name as string
  throw refused(argument, 'in a contract the rest of a pattern is given a name, and taken apart after that')
}

export function isPattern(node: Node): boolean {
  return node.type === 'ArrayPattern' || node.type === 'ObjectPattern'
}

/** Whether it is object.name, or object['name']. */
export function isNamed(node: Node, name: string): boolean {
  if (node.type !== 'MemberExpression') return false
  const property = node.property as Node
  if (node.computed === true) return property.type === 'Literal' && property.value === name
  return property.type === 'Identifier' && property.name === name
}

/** Whether a property of that name takes no more room than any other; `length` and `prototype` are looked at elsewhere. */
export function isPlainKey({ type, value }: Node): boolean {
  return type === 'Literal' && (typeof value === 'string' ? Number.isNaN(Number(value)) : Number(value) < 16)
}

/** The most arguments that a call has, without those in functions inside. */
export function argumentsOf(node: Node): number {
  let most = 0
  const stack = [node]
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { arguments: list } = next
    if (Array.isArray(list) && list.length > most) most = list.length
    if (!isFunction(next)) stack.push(...childrenOf(next))
  }
  return most
}

/** Whether evaluating it can neither recurse nor take long, and giving it a name may be observable. */
export function isTrivial(node: Node): boolean {
  switch (node.type) {
    case 'Literal':
    case 'Identifier':
    case 'ThisExpression':
    case 'ArrowFunctionExpression':
    case 'FunctionExpression':
      return true
    case 'ClassExpression': {
      const { superClass, id, body } = node as Node & { superClass: unknown; id: unknown; body: Node }
      return superClass === null && id === null && (body.body as Node[]).length === 0
    }
    case 'UnaryExpression':
      return node.operator !== 'delete' && (node.argument as Node).type === 'Literal'
    case 'ArrayExpression':
      return (node.elements as unknown[]).length === 0
    case 'ObjectExpression':
      return (node.properties as unknown[]).length === 0
    default:
      return false
  }
}

/** Whether the value is a number, whatever the operands are. */
export function isNumeric(node: Node): boolean {
  switch (node.type) {
    case 'Literal':
      return typeof node.value === 'number'
    case 'UpdateExpression':
      return true
    case 'UnaryExpression':
      return ['-', '+', '~'].includes(node.operator as string)
    case 'BinaryExpression':
      if (node.operator === '+') return isNumeric(node.left as Node) && isNumeric(node.right as Node)
      return ['-', '*', '/', '%', '|', '&', '^', '<<', '>>', '>>>', '**'].includes(node.operator as string)
    default:
      return false
  }
}

/** Whether the value can be told not to be a long string. */
export function isShort(node: Node): boolean {
  if (isNumeric(node)) return true
  if (node.type === 'Literal') return typeof node.value !== 'string' || node.value.length <= 256
  if (node.type === 'UnaryExpression') return true // typeof, !, void, delete
  if (node.type === 'MemberExpression')
    return node.computed !== true && (node.property as Node).name === 'length'
  return node.type === 'Identifier' && node.name === 'undefined'
}

/** The error of what cannot be metered. */
export function refused(node: Node, message: string): SyntaxError {
  return Object.assign(new SyntaxError(message), { loc: node.loc?.start })
}
