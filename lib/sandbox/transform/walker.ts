// What the parts of the transform share: the walk through the tree, and the code that charges.

import { MAX_DEPTH } from '../realm/meter.js'
import type { Node } from './nodes.js'
import type { Text } from './text.js'

/** The function around a node, as far as its code needs to know. */
export interface Scope {
  async: boolean
  generator: boolean
  weight: number
  /** variables that its code needs besides its own */
  temps: string[]
}

export interface Walker {
  readonly text: Text
  /** Meters a node. @param chain how many + there are right above it */
  visit(node: Node, parent: Node, scope: Scope, chain?: number): void
  /** Meters what is below a node. */
  inside(node: Node, scope: Scope): void
  /** @returns a name that is used nowhere else */
  fresh(): string
}

export function scopeOf(fn: Node | null, weight: number): Scope {
  return { async: fn?.async === true, generator: fn?.generator === true, weight, temps: [] }
}

/** How the code of a function begins, and ends with LEAVE. */
export function enter(cost: number, { weight, temps }: Scope): string {
  return `let ${['$$s=$$d', ...temps].join()};try{${pay(cost, weight)}`
}

// kept in a variable first: where the stack is full, nothing can be called
export const CATCH = 'catch($$e){$$v=$$e;$$c($$e);$$v=undefined;throw $$e}'

export const LEAVE = `}${CATCH}finally{$$d=$$s}`

export function pay(cost: number, weight = 0): string {
  const deeper = weight === 0 ? '' : `||($$d=$$s+${weight})>${MAX_DEPTH}`
  return `if(($$g-=${cost})<0${deeper})$$x();`
}

/** The declaration of what a scope needs, where there is no function to do so. */
export function declare({ temps }: Scope): string {
  return temps.length === 0 ? '' : `let ${temps.join()};`
}

/** The code that charges for what patterns have collected by `...name`. */
export function payRests(names: string[]): string {
  return names.map(name => `$$w(${name});`).join('')
}
