// Functions and classes: each charges and counts its depth when it is entered, whatever way it is called.

import { costOf, fieldCost, PLAIN_WEIGHT, weightOf } from './costs.js'
import {
  argumentsOf,
  boundNames,
  childrenOf,
  isFunction,
  isTrivial,
  refused,
  restNames,
  type Node
} from './nodes.js'
import { declare, enter, LEAVE, pay, payRests, scopeOf, type Scope, type Walker } from './walker.js'

/** What a generator may hold at once: room for it is made when it is called, before its body can pay for that. */
const MAX_HELD = 64

/** @param extra what its call costs besides */
export function meterFunction(walker: Walker, node: Node, extra = 0): void {
  const { text } = walker
  const scope = scopeOf(node, weightOf(node))
  const params = node.params as Node[]
  for (const param of params) parameter(walker, param)
  const body = node.body as Node
  if (scope.generator) limitHeld(node)
  // what `...rest` collects itself was paid for by the call
  const rests = params.flatMap(param => restNames(param.type === 'RestElement' ? param.argument : param))
  const begin = () => enter(1 + costOf(body) + extra, scope) + payRests(rests)
  if (body.type === 'BlockStatement') {
    walker.inside(body, scope)
    text.after(body.start + 1, begin())
    hoist(walker, body)
    text.after(body.end - 1, LEAVE)
  } else {
    walker.visit(body, node, scope)
    const arrow = text.find(params.length > 0 ? params[params.length - 1].end : node.start, '=>')
    text.after(arrow + '=>'.length, `{${begin()}return(`)
    text.after(node.end, `)${LEAVE}}`)
  }
}

// parameters are evaluated before the body can count them
function parameter(walker: Walker, node: Node): void {
  switch (node.type) {
    case 'AssignmentPattern':
      parameter(walker, node.left as Node)
      return lazily(walker, node.right as Node)
    case 'ArrayPattern':
      for (const element of node.elements as (Node | null)[]) if (element) parameter(walker, element)
      return
    case 'ObjectPattern':
      for (const property of node.properties as Node[]) parameter(walker, property)
      return
    case 'Property':
      if (node.computed === true) lazily(walker, node.key as Node)
      return parameter(walker, node.value as Node)
    case 'RestElement':
      return parameter(walker, node.argument as Node)
  }
}

// an expression where there is no room for a statement: as a function that is called at once
function lazily(walker: Walker, node: Node): void {
  // a class may take its name from where it stands
  if (node.type === 'ClassExpression' && !node.id) return meterClass(walker, node, null)
  const scope = scopeOf(null, PLAIN_WEIGHT)
  walker.visit(node, node, scope)
  if (isTrivial(node)) return
  walker.text.around(node, `(()=>{${enter(1 + costOf(node), scope)}return(`, `)${LEAVE}})()`)
}

/** @param scope null where the class stands in parameters or a field */
export function meterClass(walker: Walker, node: Node, scope: Scope | null): void {
  const { text } = walker
  const { superClass, body } = node as Node & { superClass: Node | null; body: Node }
  const outside = (part: Node) => (scope ? walker.visit(part, node, scope) : lazily(walker, part))
  if (superClass) outside(superClass)
  const members = body.body as Node[]
  const cost = members.reduce((sum, member) => sum + fieldCost(member), 0)
  let before = superClass ? 'static{$$u(this);$$u(this.prototype)}' : ''
  let constructs = false
  for (const member of members) {
    if (member.computed === true) outside(member.key as Node)
    if (member.type === 'StaticBlock') staticBlock(walker, member)
    else if (member.type === 'PropertyDefinition') field(walker, member)
    else {
      const constructor = member.kind === 'constructor'
      constructs ||= constructor
      meterFunction(walker, member.value as Node, constructor ? cost : 0)
    }
  }
  if (!constructs) {
    const [params, call] = superClass ? ['...$$a', '$$w($$a);super(...$$a)'] : ['', '']
    before += `constructor(${params}){${enter(8 + cost, scopeOf(null, PLAIN_WEIGHT))}${call}${LEAVE}}`
  }
  text.after(body.start + 1, before)
}

function field(walker: Walker, member: Node): void {
  // a number as a name takes room for all below it, in each object
  if (member.computed === true) walker.text.around(member.key as Node, '$$f((', '))')
  if (member.value) lazily(walker, member.value as Node)
  walker.text.terminate(member)
}

function staticBlock(walker: Walker, node: Node): void {
  const { text } = walker
  const scope = scopeOf(null, 0)
  walker.inside(node, scope)
  const cost = (node.body as Node[]).reduce((sum, statement) => sum + costOf(statement), 1)
  text.after(text.find(node.start + 'static'.length, '{') + 1, declare(scope) + pay(cost))
}

// A function's body becomes a block, where a name can be declared by one function only, and not by var as well.
function hoist({ text }: Walker, body: Node): void {
  const functions = (body.body as Node[]).filter(({ type }) => type === 'FunctionDeclaration')
  if (functions.length === 0) return
  const names = functions.map(({ id }) => (id as Node).name as string)
  const vars = new Set(namesIn(body, node => node.type === 'VariableDeclaration' && node.kind === 'var'))
  for (const [i, node] of functions.entries()) {
    const name = names[i]
    const { start, end } = node.id as Node
    // the last one counts
    if (names.lastIndexOf(name) !== i) {
      text.overwrite(node.start, node.end, ';')
    } else if (vars.has(name)) {
      text.before(node.start, `${name}=`)
      text.overwrite(start, end, '')
      text.after(node.end, ';')
      text.move(node.start, node.end, body.start + 1)
    }
  }
}

// the names that are declared in a function, without those of functions inside
function namesIn(body: Node, which: (declaration: Node) => boolean): string[] {
  const names: string[] = []
  const stack = [body]
  for (let next = stack.pop(); next; next = stack.pop()) {
    if (next.type === 'VariableDeclaration' && which(next)) {
      for (const { id } of next.declarations as (Node & { id: Node })[]) names.push(...boundNames(id))
    }
    if (!isFunction(next) && next.type !== 'StaticBlock') stack.push(...childrenOf(next))
  }
  return names
}

function limitHeld(node: Node): void {
  const names =
    namesIn(node.body as Node, () => true).length + (node.params as Node[]).flatMap(boundNames).length
  if (names + argumentsOf(node.body as Node) <= MAX_HELD) return
  throw refused(node, `a generator of a contract has at most ${MAX_HELD} variables, and arguments in a call`)
}
