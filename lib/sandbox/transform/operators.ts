// Operators and assignments whose cost is in their operands: text that is joined or compared, powers, and what makes arrays
// grow without having written to them.

import { isNamed, isNumeric, isPattern, isPlainKey, isShort, refused, restName, type Node } from './nodes.js'
import { quote } from './text.js'
import type { Scope, Walker } from './walker.js'

/** Operands of one chain of + that are looked at together. */
const MAX_CHAIN = 16

const COMPARISONS = new Set(['===', '!==', '==', '!=', '<', '>', '<=', '>='])
/** They read text as a number; so do comparisons with one. */
const CONVERTING = new Set([
  '-',
  '*',
  '/',
  '%',
  '|',
  '&',
  '^',
  '<<',
  '>>',
  '>>>',
  '==',
  '!=',
  '<',
  '>',
  '<=',
  '>='
])
const LOGICAL = new Set(['&&=', '||=', '??='])

export function meterBinary(walker: Walker, node: Node, scope: Scope, chain: number): void {
  const { text } = walker
  const { operator, left, right } = node as Node & { operator: string; left: Node; right: Node }
  const adds = operator === '+' && !(isNumeric(left) && isNumeric(right))
  walker.visit(left, node, scope, adds ? (chain + 1) % MAX_CHAIN : 0)
  walker.visit(right, node, scope)
  if (operator === '**') {
    const at = text.find(left.end, '**')
    text.replace(at, at + 2, ',')
    text.around(node, '$$pow(', ')')
  } else if (adds && chain === 0) {
    meterJoined(walker, node, firstOf(left))
  } else if (COMPARISONS.has(operator) && !isShort(left) && !isShort(right)) {
    text.around(left, '$$q((', '),1)')
  } else if (CONVERTING.has(operator)) {
    for (const side of [left, right]) if (!isShort(side)) meterConverted(walker, side)
  }
}

/** What may be long text that is read as a number. */
export function meterConverted({ text }: Walker, node: Node): void {
  text.around(node, '$$q((', '),32)')
}

/** Where text is added to a variable the hook gets what was there: adding at the end costs what is added. */
export function meterJoined({ text }: Walker, node: Node, first: Node | null): void {
  text.around(node, first?.type === 'Identifier' ? `$$j(${first.name as string},` : '$$p(', ')')
}

export function meterAssignment(walker: Walker, node: Node, scope: Scope): void {
  const { text } = walker
  const { operator, left, right } = node as Node & { operator: string; left: Node; right: Node }
  if (isPattern(left)) return destructuring(walker, node, left, scope)
  const again = operator !== '=' && !LOGICAL.has(operator)
  const length = isNamed(left, 'length')
  const repeated = again && (length || operator === '**=')
  const { object, value } = reference(walker, left, scope, repeated, length)
  walker.visit(right, node, scope)
  if (repeated) {
    const at = text.find(left.end, operator)
    const [open, close] = length ? [`$$len(${object},`, ')'] : ['', '']
    const plain = operator.slice(0, -1)
    const sum = plain === '**' ? `$$pow(${value},(` : plain === '+' ? `$$p(${value}+(` : `(${value}${plain}(`
    text.replace(at, at + operator.length, `=${open}${sum}`)
    text.after(node.end, `))${close}`)
  } else if (length) {
    text.around(right, `$$len(${object},(`, '))')
  } else if (isNamed(left, 'prototype')) {
    text.around(right, '$$u((', '))')
  } else if (operator === '+=') {
    meterJoined(walker, node, left)
  } else if (again && !isShort(right)) {
    meterConverted(walker, right)
  }
}

function destructuring(walker: Walker, node: Node, left: Node, scope: Scope): void {
  const right = node.right as Node
  const rests = meterTargets(walker, left, scope, false)
  walker.visit(right, node, scope)
  const items = (left.elements ?? left.properties) as (Node | null)[]
  const last = items[items.length - 1]
  if (last?.type === 'RestElement' && (last.argument as Node).type === 'MemberExpression') {
    walker.text.around(right, left.type === 'ArrayPattern' ? '$$l((' : '$$o((', '))')
  }
  if (rests.length > 0) walker.text.around(node, '$$z(', `,${rests.join()})`)
}

/**
 * Meters what is assigned to without a declaration, in a pattern or the head of a loop.
 * @returns the names that are assigned by `...name`
 */
export function meterTargets(walker: Walker, node: Node, scope: Scope, nested = true): string[] {
  const below = (part: unknown) => meterTargets(walker, part as Node, scope)
  switch (node.type) {
    case 'ArrayPattern':
    case 'ObjectPattern': {
      const items = (node.elements ?? node.properties) as (Node | null)[]
      return items.flatMap(item =>
        item === null
          ? []
          : item.type === 'RestElement'
            ? restTarget(walker, item, scope, nested)
            : below(item)
      )
    }
    case 'Property':
      if (node.computed === true) walker.visit(node.key as Node, node, scope)
      return below(node.value)
    case 'AssignmentPattern': {
      const names = below(node.left)
      walker.visit(node.right as Node, node, scope)
      return names
    }
    case 'MemberExpression':
      reference(walker, node, scope, false, false)
      if (isNamed(node, 'length') || isNamed(node, 'prototype')) {
        throw refused(node, 'length and prototype are assigned to on their own in a contract: x.length = n')
      }
      return []
    default:
      return []
  }
}

function restTarget(walker: Walker, { argument }: Node, scope: Scope, nested: boolean): string[] {
  const target = argument as Node
  if (target.type === 'Identifier') return [target.name as string]
  if (nested || target.type !== 'MemberExpression') return [restName(target)]
  return meterTargets(walker, target, scope)
}

/** x.length++ */
export function meterUpdate(walker: Walker, node: Node, scope: Scope): void {
  const target = node.argument as Node
  if (target.type !== 'MemberExpression') return
  const { object } = target as Node & { object: Node }
  reference(walker, target, scope, false, false)
  if (!isNamed(target, 'length')) return
  if (object.type === 'Super') throw refused(node, 'super.length cannot be counted up or down in a contract')
  walker.text.around(object, '$$sh((', '))')
}

// Meters what is assigned to, so that its object and its key can be named again if need be: how they are called then.
function reference(walker: Walker, node: Node, scope: Scope, twice: boolean, named: boolean) {
  if (node.type !== 'MemberExpression') return { object: '', value: node.name as string }
  const { text } = walker
  const { object, property, computed } = node as Node & { object: Node; property: Node; computed: boolean }
  const checked = computed && !isPlainKey(property)
  const temp = () => {
    const name = walker.fresh()
    scope.temps.push(name)
    return name
  }
  walker.visit(object, node, scope)
  let base =
    object.type === 'Super' ? 'super' : object.type === 'ThisExpression' ? 'this' : (object.name as string)
  if (!base && (twice || named || checked)) {
    base = temp()
    text.around(object, `(${base}=(`, '))')
  }
  const owner = base === 'super' ? 'this' : base
  if (!computed) {
    const mark = property.type === 'PrivateIdentifier' ? '#' : ''
    return { object: owner, value: `${base}.${mark}${property.name as string}` }
  }
  walker.visit(property, node, scope)
  let key = property.type === 'Literal' ? quote(String(property.value)) : ''
  if (checked) {
    const again = twice && key === '' ? temp() : ''
    if (again) key = again
    text.around(property, `${again && `${again}=`}$$i((`, `),${owner})`)
  }
  return { object: owner, value: `${base}[${key}]` }
}

// the first operand of a chain of +
function firstOf(left: Node): Node {
  let first = left
  while (first.type === 'BinaryExpression' && first.operator === '+') first = first.left as Node
  return first
}
