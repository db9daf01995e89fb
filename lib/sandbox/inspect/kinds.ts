// What an expression makes, as far as its syntax tells: enough to know which methods change it.

import type { AnyNode } from 'acorn'
import { memberName } from './scopes.js'

/**
 * What a value is: made by a literal or a builtin, `data` somewhere inside of such a literal, or unknown, like what a
 * function returned or an instance of a class.
 */
export type Kind =
  | { type: 'array' | 'map' | 'bytes' | 'setters'; plain: boolean }
  | { type: 'object'; properties: Map<string, AnyNode>; plain: boolean }
  | { type: 'data' | 'unknown' }

const ARRAY = new Set('push pop shift unshift splice sort reverse fill copyWithin'.split(' '))
const COLLECTION = new Set(['set', 'add', 'delete', 'clear'])
const BYTES = new Set(['set', 'fill', 'sort', 'reverse', 'copyWithin'])

const COLLECTIONS = new Set(['Map', 'Set', 'WeakMap', 'WeakSet'])
const LISTS = new Set(['keys', 'values', 'entries', 'getOwnPropertyNames'])

/** Methods that give what is inside. */
const INSIDE = new Set(['get', 'at', 'find', 'findLast'])

const UNKNOWN: Kind = { type: 'unknown' }
const DATA: Kind = { type: 'data' }

// a literal may be large and be asked about often
const known = new WeakMap<AnyNode, Kind>()

export function kindOf(node: AnyNode | null | undefined): Kind {
  if (!node) return UNKNOWN
  const kind = known.get(node) ?? determine(node)
  known.set(node, kind)
  return kind
}

function determine(node: AnyNode): Kind {
  switch (node.type) {
    case 'ArrayExpression':
      return { type: 'array', plain: node.elements.every(isData) }
    case 'ObjectExpression':
      return kindOfObject(node)
    case 'NewExpression':
    case 'CallExpression':
      return kindOfCall(node)
    default:
      return UNKNOWN
  }
}

/** What a member is of something of this kind. */
export function memberKind(kind: Kind, name: string | null): Kind {
  if (kind.type === 'object') {
    const value = name === null ? undefined : kind.properties.get(name)
    if (value) return kindOf(value)
  }
  return insideOf(kind)
}

/** What a method gives of something of this kind, if it gives what is inside. */
export function givenBy(kind: Kind, method: string | null): Kind | null {
  if (kind.type !== 'map' && kind.type !== 'array' && kind.type !== 'data') return null
  return INSIDE.has(method ?? '') ? insideOf(kind) : null
}

/** Whether a method of this name changes something of this kind. */
export function changes(kind: Kind, method: string): boolean {
  switch (kind.type) {
    case 'array':
      return ARRAY.has(method)
    case 'map':
      return COLLECTION.has(method)
    case 'bytes':
      return BYTES.has(method)
    case 'setters':
      return /^set[A-Z]/.test(method)
    case 'data':
      return ARRAY.has(method) || COLLECTION.has(method)
    default:
      return false
  }
}

/** Whether what a node makes holds nothing but literals. */
export function isData(node: AnyNode | null | undefined): boolean {
  if (!node) return true
  if (node.type === 'Literal' || node.type === 'TemplateLiteral' || node.type === 'UnaryExpression')
    return true
  const kind = kindOf(node)
  return kind.type === 'data' || ('plain' in kind && kind.plain)
}

/** The same kind, when something was put into it that is not data. */
export function mixed(kind: Kind): Kind {
  return 'plain' in kind ? { ...kind, plain: false } : UNKNOWN
}

function insideOf(kind: Kind): Kind {
  if (kind.type === 'data') return DATA
  return 'plain' in kind && kind.plain ? DATA : UNKNOWN
}

function kindOfObject(node: AnyNode & { type: 'ObjectExpression' }): Kind {
  const properties = new Map<string, AnyNode>()
  let plain = true
  for (const property of node.properties) {
    const name = property.type === 'Property' ? memberName(property) : null
    if (property.type !== 'Property' || name === null) plain = false
    else properties.set(name, property.value)
    if (property.type === 'Property' && !isData(property.value)) plain = false
  }
  return { type: 'object', properties, plain }
}

function kindOfCall({
  callee,
  arguments: args
}: AnyNode & { type: 'NewExpression' | 'CallExpression' }): Kind {
  const plain = args.every(isData)
  if (callee.type === 'Identifier') {
    if (callee.name === 'Array') return { type: 'array', plain }
    if (COLLECTIONS.has(callee.name)) return { type: 'map', plain }
    if (callee.name.endsWith('Array')) return { type: 'bytes', plain: true }
    if (callee.name === 'DataView' || callee.name === 'Date') return { type: 'setters', plain: true }
    return UNKNOWN
  }
  if (callee.type !== 'MemberExpression' || callee.object.type !== 'Identifier') return UNKNOWN
  const [owner, method] = [callee.object.name, memberName(callee) ?? '']
  if (owner === 'Array' && (method === 'of' || method === 'from')) return { type: 'array', plain: false }
  if (owner !== 'Object') return UNKNOWN
  if (LISTS.has(method)) return { type: 'array', plain: false }
  if (method === 'create') return { type: 'object', properties: new Map(), plain }
  if (method === 'fromEntries') return { type: 'object', properties: new Map(), plain: false }
  return UNKNOWN
}
