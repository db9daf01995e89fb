// Adds to a contract what meters it: gas where code runs, depth where it calls. Only ever inserts within lines, so that line
// n stays line n. What the hooks do stands in realm/hooks.ts; `$$g` is the gas that is left, `$$d` the depth of the
// stack, `$$s` the depth of a function's caller.

import { CATCH_COST, costOfRound } from './costs.js'
import { meterClass, meterFunction } from './functions.js'
import { childrenOf, isFunction, isLoop, isPlainKey, isShort, restNames, type Node } from './nodes.js'
import {
  meterAssignment,
  meterBinary,
  meterConverted,
  meterJoined,
  meterTargets,
  meterUpdate
} from './operators.js'
import { quote, Text } from './text.js'
import { CATCH, declare, pay, payRests, scopeOf, type Scope, type Walker } from './walker.js'

/** @returns the code of a program, metered: statements that need the names of the prologue */
export function transform(code: string, program: Node): string {
  const transformer = new Transformer(code)
  const scope = scopeOf(null, 0)
  transformer.inside(program, scope)
  return declare(scope) + transformer.text.code
}

class Transformer implements Walker {
  readonly text: Text
  #names = 0

  constructor(source: string) {
    this.text = new Text(source)
  }

  fresh(): string {
    return `$$${this.#names++}`
  }

  readonly inside = (node: Node, scope: Scope): void => {
    for (const child of childrenOf(node)) this.visit(child, node, scope)
  }

  visit(node: Node, parent: Node, scope: Scope, chain = 0): void {
    if (isFunction(node)) return meterFunction(this, node)
    if (isLoop(node)) return this.#loop(node, scope)
    switch (node.type) {
      case 'Literal':
        return this.#literal(node)
      case 'ClassDeclaration':
      case 'ClassExpression':
        return meterClass(this, node, scope)
      case 'TryStatement':
        return this.#try(node, scope)
      case 'BinaryExpression':
        return meterBinary(this, node, scope, chain)
      case 'AssignmentExpression':
        return meterAssignment(this, node, scope)
      case 'UpdateExpression':
        return meterUpdate(this, node, scope)
      case 'Property':
        return this.#property(node, parent, scope)
    }
    this.inside(node, scope)
    this.#wrap(node, parent, scope)
  }

  #wrap(node: Node, parent: Node, scope: Scope) {
    const { text } = this
    switch (node.type) {
      case 'ExpressionStatement':
      case 'ThrowStatement':
        return text.terminate(node)
      case 'VariableDeclaration':
        return isLoop(parent) ? undefined : text.terminate(node)
      case 'UnaryExpression': {
        const argument = node.argument as Node
        if (['+', '-', '~'].includes(node.operator as string) && !isShort(argument))
          meterConverted(this, argument)
        return
      }
      case 'AwaitExpression':
        text.replace(node.start, node.start + 'await'.length, '$$r(await $$a(')
        text.after(node.end, `,$$d=$$s,$$s=0),${scope.weight})`)
        return
      case 'YieldExpression':
        return this.#yield(node, scope)
      case 'ReturnStatement':
        // a generator that is asynchronous awaits what it returns
        if (scope.async && scope.generator && node.argument) {
          text.around(node.argument as Node, '$$a((', '),$$d=$$s,$$s=0)')
        }
        return text.terminate(node)
      case 'SwitchStatement': {
        const discriminant = node.discriminant as Node
        const cases = (node.cases as Node[]).length
        if (!isShort(discriminant)) text.around(discriminant, '$$q((', `),${cases})`)
        return
      }
      case 'TemplateLiteral':
        if ((node.expressions as Node[]).length > 0 && parent.type !== 'TaggedTemplateExpression') {
          const { value } = (node.quasis as (Node & { value: { raw: string } })[])[0]
          meterJoined(this, node, value.raw === '' ? (node.expressions as Node[])[0] : null)
        }
        return
      case 'SpreadElement': {
        const hook =
          parent.type === 'ArrayExpression' ? '$$l(' : parent.type === 'ObjectExpression' ? '$$o(' : '$$n('
        return text.around(node.argument as Node, hook, ')')
      }
      case 'VariableDeclarator':
        for (const name of node.init ? restNames(node.id) : []) {
          text.after(node.end, `,${this.fresh()}=$$w(${name})`)
        }
        return
    }
  }

  #property(node: Node, parent: Node, scope: Scope) {
    const { key, value, computed, shorthand } = node as Node & { key: Node; value: Node }
    const made = parent.type === 'ObjectExpression'
    if (computed === true) {
      this.visit(key, node, scope)
      if (made && !isPlainKey(key)) this.text.around(key, '$$m((', '))')
    }
    // the key of a shorthand is its value
    if (shorthand !== true || value.type !== 'Identifier') this.visit(value, node, scope)
    const setsPrototype = key.type === 'Identifier' ? key.name === '__proto__' : key.value === '__proto__'
    if (made && setsPrototype && !computed && !shorthand && !node.method && node.kind === 'init') {
      this.text.around(value, '$$u((', '))')
    }
  }

  #literal(node: Node) {
    const { regex } = node as Node & { regex?: { pattern: string; flags: string } }
    if (regex) this.text.replace(node.start, node.end, `$$re(${quote(regex.pattern)},${quote(regex.flags)})`)
  }

  #yield(node: Node, { async, weight }: Scope) {
    const argument = node.argument as Node | null
    if (async) {
      const hook = node.delegate === true ? '$$b((' : '$$a((' // what is delegated to is not awaited itself
      if (argument) this.text.around(argument, hook, '),$$d=$$s,$$s=0)')
      else this.text.after(node.start + 'yield'.length, ' $$a(undefined,$$d=$$s,$$s=0)')
    }
    // what is delegated may never have suspended: its depth is where it was
    if (node.delegate === true) this.text.around(node, async ? '$$r(' : '$$y(', async ? `,${weight})` : ',0)')
    else this.text.around(node, '$$y(', `,${weight})`)
  }

  #loop(node: Node, scope: Scope) {
    const body = node.body as Node
    const left = node.left as Node | undefined
    for (const child of childrenOf(node)) {
      if (child !== body && child !== left) this.visit(child, node, scope)
    }
    let before = pay(costOfRound(node))
    if (node.await === true) {
      // one tick more than without: the first pause is one of ours, and gives the depth back
      this.text.around(node.right as Node, `($$r(await $$a(0,$$d=$$s,$$s=0),${scope.weight}),`, ')')
      before = `$$s=0;$$d=${scope.weight};` + before
    }
    if (node.type === 'ForInStatement') this.text.around(node.right as Node, '$$k((', '))')
    if (left?.type === 'VariableDeclaration') {
      this.visit(left, node, scope)
      before += payRests(restNames((left.declarations as Node[])[0].id))
    } else if (left) {
      before += payRests(meterTargets(this, left, scope))
    }
    if (body.type === 'BlockStatement') {
      this.inside(body, scope)
      this.text.after(body.start + 1, before)
    } else {
      this.visit(body, node, scope)
      this.text.around(body, `{${before}`, '}')
    }
  }

  #try(node: Node, scope: Scope) {
    const { block, handler, finalizer } = node as Node & {
      block: Node
      handler: Node | null
      finalizer: Node | null
    }
    this.inside(block, scope)
    if (handler) this.#catch(handler, scope)
    else this.text.after(block.end, CATCH)
    if (!finalizer) return
    this.inside(finalizer, scope)
    this.text.after(finalizer.start + 1, pay(1))
  }

  #catch(handler: Node, scope: Scope) {
    const { param, body } = handler as Node & { param: Node | null; body: Node }
    const look = (name: string) => `${pay(CATCH_COST)}$$c(${name});`
    if (param) this.visit(param, handler, scope)
    this.inside(body, scope)
    if (param === null) {
      this.text.before(body.start, '($$e)')
      this.text.after(body.start + 1, look('$$e'))
    } else if (param.type === 'Identifier') {
      this.text.after(body.start + 1, look(param.name as string))
    } else {
      // taken apart only after it was looked at
      this.text.before(param.start, `$$e){${look('$$e')}let `)
      this.text.replace(param.end, body.start + 1, `=$$e;${payRests(restNames(param))}{`)
      this.text.after(body.end, '}')
    }
  }
}
