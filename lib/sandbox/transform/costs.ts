// What straight code costs: a unit for each node of syntax, and more where a node makes something that stays in memory
// (a unit is 16 bytes) or takes the engine longer. Every branch is paid for, whether it is taken or not.

import { childrenOf, isFunction, isLoop, type Node } from './nodes.js'

const EXTRA: { [type: string]: number } = {
  ObjectExpression: 4,
  ArrayExpression: 3,
  FunctionDeclaration: 4,
  FunctionExpression: 4,
  ArrowFunctionExpression: 4,
  ClassDeclaration: 40,
  ClassExpression: 40,
  MethodDefinition: 8,
  PropertyDefinition: 8,
  NewExpression: 6,
  CallExpression: 4,
  TemplateLiteral: 2,
  TaggedTemplateExpression: 8,
  AwaitExpression: 20,
  YieldExpression: 8,
  ForInStatement: 8,
  ForOfStatement: 8,
  SpreadElement: 8,
  RestElement: 8,
  TryStatement: 2,
  ThrowStatement: 20
}

/** What it costs to catch: somebody has made an error, and the engine has looked for who takes it. */
export const CATCH_COST = 200

/** What runs once whenever this node does: without the bodies of functions in it, and without what its loops repeat. */
export function costOf(node: Node): number {
  let cost = 0
  const stack = [node]
  for (let next = stack.pop(); next; next = stack.pop()) {
    cost += 1 + (EXTRA[next.type] ?? 0)
    // holes are no nodes
    if (next.type === 'ArrayExpression') cost += (next.elements as unknown[]).length >> 1
    if (isFunction(next)) continue
    if (isLoop(next)) {
      for (const once of [next.init, next.left, next.right]) if (once) stack.push(once as Node)
    } else stack.push(...childrenOf(next))
  }
  return cost
}

/** What a loop costs each time round. */
export function costOfRound(loop: Node): number {
  let cost = 1
  for (const part of [loop.body, loop.test, loop.update]) if (part) cost += costOf(part as Node)
  if (loop.left) cost += costOf(loop.left as Node)
  return cost
}

/** What a member of a class costs whenever an object is made: fields only. */
export function fieldCost({ type, static: ofClass, key, value }: Node): number {
  if (type !== 'PropertyDefinition' || ofClass === true) return 0
  // a number takes room for all below it
  const index = Math.max(0, Math.min(Number((key as Node).value) || 0, 1024)) >> 1
  return 2 + index + (value ? costOf(value as Node) : 0)
}

/** How deep a call of this function is: the more it holds at once, the more of the stack it takes. */
export function weightOf(fn: Node): number {
  let nodes = 0
  const stack = [...(fn.params as Node[]), fn.body as Node]
  for (let next = stack.pop(); next; next = stack.pop()) {
    nodes++
    if (!isFunction(next)) stack.push(...childrenOf(next))
  }
  return PLAIN_WEIGHT + (nodes >> 6)
}

/** The depth of what has no body of its own: parameters, fields. */
export const PLAIN_WEIGHT = 2
