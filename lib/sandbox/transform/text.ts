// The source while it is changed: pieces are put in around its nodes, and its line breaks stay where they are.

import MagicString from 'magic-string'
import type { Node } from './nodes.js'

export class Text {
  readonly #text: MagicString

  constructor(private readonly source: string) {
    this.#text = new MagicString(source)
  }

  get code(): string {
    return this.#text.toString()
  }

  /** Puts code around a node: always after what is inside, so that it goes around what was put around the parts. */
  around(node: { start: number; end: number }, before: string, after: string): void {
    this.before(node.start, before)
    this.#text.appendLeft(node.end, after)
  }

  /** Puts code before what stands here: code that may follow a keyword without a space. */
  before(at: number, code: string): void {
    const glued = at > 0 && /[\w$\u0080-\uffff]/.test(this.source[at - 1])
    this.#text.prependRight(at, glued ? ` ${code}` : code)
  }

  /** Puts code after what was put here before. */
  after(at: number, code: string): void {
    this.#text.appendLeft(at, code)
  }

  /** Ends a statement that ends where its line does: what follows it now could go on with it. */
  terminate(node: Node): void {
    if (!this.source.slice(node.start, node.end).endsWith(';')) this.#text.appendLeft(node.end, ';')
  }

  /** Puts code in the place of a piece; line breaks stay. */
  replace(start: number, end: number, code: string): void {
    const glued = start > 0 && /[\w$\u0080-\uffff]/.test(this.source[start - 1])
    this.#text.update(start, end, (glued ? ` ${code}` : code) + this.#lines(start, end))
  }

  /** The same, with what was put into the piece. */
  overwrite(start: number, end: number, code: string): void {
    this.#text.overwrite(start, end, code + this.#lines(start, end))
  }

  move(start: number, end: number, to: number): void {
    if (start > to) this.#text.move(start, end, to)
  }

  /** Where the next such token stands, after comments, and brackets that close. */
  find(from: number, token: string): number {
    for (let at = from; at < this.source.length; at++) {
      if (this.source.startsWith('//', at)) {
        while (at < this.source.length && !/[\n\r\u2028\u2029]/.test(this.source[at])) at++
      } else if (this.source.startsWith('/*', at)) {
        at = this.source.indexOf('*/', at) + 1
      } else if (this.source.startsWith(token, at)) {
        return at
      }
    }
    throw new Error(`no ${token} after ${from}`)
  }

  #lines(start: number, end: number): string {
    return this.source.slice(start, end).replace(/[^\n\u2028\u2029\r]/g, '')
  }
}

/** JSON is JavaScript but for two line breaks, which are JavaScript in strings since 2019. */
export function quote(text: string): string {
  return JSON.stringify(text)
}
