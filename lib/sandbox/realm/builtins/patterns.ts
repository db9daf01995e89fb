// The methods of strings that take a pattern. Regular expressions are a class of our own, so a string never makes a
// native one: `match`, `matchAll` and `search` make one of ours.

import { charge } from '../meter.js'
import { findText } from './search.js'
import { textOf, useRegExpTest } from './strings.js'
import * as to from './tools.js'

type Matcher = (this: unknown, ...args: unknown[]) => unknown
type RegExpClass = new (pattern: string, flags?: string) => object

const S = String.prototype
const substring = to.native<[number, number?], string>(S, 'substring')
const charCodeAt = to.native<[number], number>(S, 'charCodeAt')

let RegExpOfOurs: RegExpClass | null = null

/** Sets the class that strings use where the language has them make a regular expression. */
export function useRegExp(given: RegExpClass): void {
  RegExpOfOurs = given
  useRegExpTest(value => value instanceof given)
}

/** The class in use. */
export function regExpInUse(): RegExpClass | null {
  return RegExpOfOurs
}

function makeRegExp(pattern: unknown, flags?: string): Record<symbol, unknown> {
  if (RegExpOfOurs === null) throw new to.NativeTypeError('there are no regular expressions')
  return (flags === undefined
    ? new RegExpOfOurs(pattern as string)
    : new RegExpOfOurs(pattern as string, flags)) as unknown as Record<symbol, unknown>
}

function mustBeCoercible(self: unknown): void {
  if (self === undefined || self === null) {
    throw new to.NativeTypeError('String.prototype method called on null or undefined')
  }
}

/** @returns the pattern's own method for this, if it has one */
function protocol(pattern: unknown, symbol: symbol): Matcher | null {
  // a primitive has none: the prototypes of primitives are ours
  if (!to.isObject(pattern)) return null
  const method = (pattern as Record<symbol, unknown>)[symbol]
  if (method === undefined || method === null) return null
  to.mustBeCallable(method)
  return method as unknown as Matcher
}

function mustBeGlobal(pattern: unknown, method: string): void {
  if (!to.isObject(pattern)) return
  const matcher = (pattern as { [Symbol.match]?: unknown })[Symbol.match]
  const isRegExp =
    matcher !== undefined ? Boolean(matcher) : RegExpOfOurs !== null && pattern instanceof RegExpOfOurs
  if (!isRegExp) return
  const { flags } = pattern as { flags: unknown }
  if (flags === undefined || flags === null) throw new to.NativeTypeError('flags are missing')
  if (findText(to.toText(flags), 'g', 0) === -1) {
    throw new to.NativeTypeError(`String.prototype.${method} called with a non-global RegExp argument`)
  }
}

/** Calls the method of a pattern, one level deeper. */
const ask = (method: Matcher, pattern: unknown, ...args: unknown[]): unknown =>
  to.deeper(() => to.apply(method, pattern, args as never))

function matchWith(self: unknown, pattern: unknown, symbol: symbol, flags?: string): unknown {
  mustBeCoercible(self)
  const own = protocol(pattern, symbol)
  if (own !== null) return ask(own, pattern, self)
  const text = textOf(self)
  const regExp = makeRegExp(pattern, flags)
  return ask(regExp[symbol] as Matcher, regExp, text)
}

const DOLLAR = 0x24
const QUOTE = 0x27
const BACKTICK = 0x60
const AMPERSAND = 0x26

/** What stands for a match of a string: `$$`, `$&`, `` $` `` and `$'`. There are no groups. */
function expand(template: string, text: string, matched: string, position: number): string {
  let made = ''
  let done = 0
  for (let i = findText(template, '$', 0); i !== -1 && i + 1 < template.length;) {
    const sign = charCodeAt(template, i + 1)
    let part: string | null = null
    if (sign === DOLLAR) part = '$'
    else if (sign === AMPERSAND) part = matched
    else if (sign === BACKTICK) part = substring(text, 0, position)
    else if (sign === QUOTE) part = substring(text, to.min(position + matched.length, text.length))
    const next = part === null ? i + 1 : i + 2
    if (part !== null) {
      made += substring(template, done, i) + part
      done = next
      if (made.length > to.MAX_STRING) to.chargeString(made.length)
    }
    charge(4)
    i = next < template.length ? findText(template, '$', next) : -1
  }
  return done === 0 ? template : made + substring(template, done)
}

function replaceText(self: unknown, pattern: unknown, replacement: unknown, all: boolean): unknown {
  mustBeCoercible(self)
  if (all) mustBeGlobal(pattern, 'replaceAll')
  const own = protocol(pattern, Symbol.replace)
  if (own !== null) return ask(own, pattern, self, replacement)
  const text = textOf(self)
  const needle = to.toText(pattern)
  const replacer = typeof replacement === 'function' ? (replacement as Matcher) : null
  const template = replacer === null ? to.toText(replacement) : ''
  const positions: number[] = []
  const advance = to.max(1, needle.length)
  for (let at = findText(text, needle, 0); at !== -1;) {
    to.append(positions, at)
    charge(8)
    if (!all || at + advance > text.length) break
    at = findText(text, needle, at + advance)
  }
  let made = ''
  let done = 0
  for (let i = 0; i < positions.length; i++) {
    const at = positions[i]
    const part =
      replacer === null
        ? expand(template, text, needle, at)
        : to.toText(ask(replacer, undefined, needle, at, text))
    made += substring(text, done, at) + part
    done = at + needle.length
    if (made.length > to.MAX_STRING) to.chargeString(made.length)
    charge(part.length >>> 3)
  }
  if (done < text.length) made += substring(text, done)
  to.chargeString(made.length)
  return made
}

function split(self: unknown, separator: unknown, limited: unknown): unknown {
  mustBeCoercible(self)
  const own = protocol(separator, Symbol.split)
  if (own !== null) return ask(own, separator, self, limited)
  const text = textOf(self)
  const most = limited === undefined ? 2 ** 32 - 1 : to.toNumber(limited) >>> 0
  const mark = to.toText(separator)
  if (most === 0) return []
  if (separator === undefined) return [text]
  const parts: string[] = []
  if (text === '') return mark === '' ? [] : [text]
  if (mark === '') {
    const count = to.min(text.length, most)
    charge(count * 6)
    to.boundArray(count)
    for (let i = 0; i < count; i++) to.append(parts, substring(text, i, i + 1))
    return parts
  }
  let done = 0
  for (let at = findText(text, mark, 0); at !== -1; at = findText(text, mark, done)) {
    charge(6)
    to.append(parts, substring(text, done, at))
    if (parts.length >= most) return parts
    to.boundArray(parts.length)
    done = at + mark.length
  }
  charge(6)
  to.append(parts, substring(text, done))
  return parts
}

const methods = {
  match(this: unknown, pattern?: unknown) {
    return matchWith(this, pattern, Symbol.match)
  },
  matchAll(this: unknown, pattern?: unknown) {
    mustBeCoercible(this)
    mustBeGlobal(pattern, 'matchAll')
    return matchWith(this, pattern, Symbol.matchAll, 'g')
  },
  search(this: unknown, pattern?: unknown) {
    return matchWith(this, pattern, Symbol.search)
  },
  replace(this: unknown, pattern?: unknown, replacement?: unknown) {
    return replaceText(this, pattern, replacement, false)
  },
  replaceAll(this: unknown, pattern?: unknown, replacement?: unknown) {
    return replaceText(this, pattern, replacement, true)
  },
  split(this: unknown, separator?: unknown, limit?: unknown) {
    return split(this, separator, limit)
  }
}

export function installPatterns(): void {
  to.replace(S, methods)
}
