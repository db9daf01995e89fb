// The methods of RegExp.prototype that are ECMAScript's protocol: they go by what an object offers, so that subclasses
// and objects with an `exec` of their own work. All of them may call code of the contract.

import { MAX_STRING } from './limits.js'
import { charge, enter, leave, limit } from './meter.js'
import {
  charCodeAt,
  includes,
  indexOf,
  isObject,
  Returned,
  setLastIndex,
  slice,
  textOf,
  toLength
} from './regexp-values.js'
import type { Instance, Match, Matcher } from './regexp-values.js'

const CALL_WEIGHT = 8
const STEP = 10

const { apply, construct } = Reflect
const { create, getPrototypeOf } = Object
const NativeTypeError = TypeError

/** A string that is put together; each part is charged before it is added. */
class Builder {
  text = ''

  add(part: string): void {
    const length = this.text.length + part.length
    if (length > MAX_STRING) limit(`a string of more than ${MAX_STRING} units`)
    charge(2 + part.length / 16)
    this.text += part
  }
}

/** @returns the methods of RegExp.prototype that go by the protocol */
export function protocol(matcher: Matcher) {
  const { exec } = matcher

  function self(value: unknown, what: string): Instance {
    if (isObject(value)) return value as Instance
    throw new NativeTypeError(`RegExp.prototype.${what} was called on what is not an object`)
  }

  /** @returns the position behind this one, or behind the whole pair at it */
  function advance(input: string, index: number, unicode: boolean): number {
    if (!unicode || index + 1 >= input.length) return index + 1
    const lead = charCodeAt(input, index)
    const trail = charCodeAt(input, index + 1)
    return (lead & 0xfc00) === 0xd800 && (trail & 0xfc00) === 0xdc00 ? index + 2 : index + 1
  }

  function afterMatch(target: Instance, input: string, text: string, unicode: boolean): void {
    if (text === '') setLastIndex(target, advance(input, toLength(target.lastIndex), unicode))
  }

  function copyFor(target: Instance, flags: string): Instance {
    const made = target.constructor
    let species: unknown = undefined
    if (made !== undefined) {
      if (!isObject(made)) throw new NativeTypeError('the constructor of a RegExp is not an object')
      species = (made as unknown as Record<symbol, unknown>)[Symbol.species]
    }
    if (species === undefined || species === null) species = matcher.RegExp
    // what is not a constructor is refused by construct
    return construct(species as new () => Instance, [target, flags]) as Instance
  }

  function matchAll(target: Instance, input: string): string[] | null {
    const flags = textOf(target.flags)
    if (!has(flags, 'g')) return exec(target, input)
    setLastIndex(target, 0)
    const found: string[] = []
    for (;;) {
      charge(STEP)
      const match = exec(target, input)
      if (match === null) return found.length === 0 ? null : found
      const text = textOf(match[0])
      found[found.length] = text
      afterMatch(target, input, text, has(flags, 'u'))
    }
  }

  function replace(target: Instance, input: string, replacement: unknown): string {
    const call = typeof replacement === 'function' ? replacement : null
    const template = call === null ? textOf(replacement) : ''
    const flags = textOf(target.flags)
    const global = has(flags, 'g')
    if (global) setLastIndex(target, 0)
    const matches: Match[] = []
    for (;;) {
      charge(STEP)
      const match = exec(target, input)
      if (match === null) break
      matches[matches.length] = match
      if (!global) break
      afterMatch(target, input, textOf(match[0]), has(flags, 'u'))
    }
    const out = new Builder()
    let next = 0
    for (let i = 0; i < matches.length; i++) {
      const match = matches[i]
      const count = Math.max(toLength(match.length), 1) // as ours has captured: a contract's own is charged as it is read
      const text = textOf(match[0])
      const position = Math.min(toLength(match.index), input.length)
      const captures: unknown[] = []
      for (let n = 1; n < count; n++) {
        charge(STEP)
        const capture: unknown = match[n]
        captures[captures.length] = capture === undefined ? undefined : textOf(capture)
      }
      const groups: unknown = match.groups
      let put: string
      if (call !== null) {
        const given: unknown[] = [text]
        for (let n = 0; n < captures.length; n++) given[given.length] = captures[n]
        given[given.length] = position
        given[given.length] = input
        if (groups !== undefined) given[given.length] = groups
        if (given.length > 1024) limit('a call with more than 1024 arguments')
        put = textOf(apply(call, undefined, given))
      } else {
        put = substitute(template, text, input, position, captures, groups)
      }
      if (position < next) continue
      out.add(slice(input, next, position))
      out.add(put)
      next = position + text.length
    }
    if (next < input.length) out.add(slice(input, next))
    return out.text
  }

  function split(target: Instance, input: string, limited: unknown): string[] {
    const flags = textOf(target.flags)
    const unicode = has(flags, 'u')
    const splitter = copyFor(target, has(flags, 'y') ? flags : flags + 'y')
    const parts: string[] = []
    const most = limited === undefined ? 2 ** 32 - 1 : (limited as number) >>> 0
    if (most === 0) return parts
    if (input.length === 0) {
      if (exec(splitter, input) === null) parts[parts.length] = input
      return parts
    }
    const plain = matcher.isPlain(splitter)
    let start = 0
    let at = 0
    while (at < input.length) {
      charge(STEP)
      let match: Match | null
      let end: number
      if (plain) {
        // asking at each position is the same as looking for the next one
        match = matcher.search(splitter, input, at)
        if (match === null || match.index >= input.length) break
        at = Math.max(at, match.index)
        end = Math.min(match.index + match[0].length, input.length)
      } else {
        setLastIndex(splitter, at)
        match = exec(splitter, input)
        if (match === null) {
          at = advance(input, at, unicode)
          continue
        }
        end = Math.min(toLength(splitter.lastIndex), input.length)
      }
      if (end === start) {
        at = advance(input, at, unicode)
        continue
      }
      parts[parts.length] = slice(input, start, at)
      if (parts.length === most) return parts
      start = at = end
      const count = Math.max(toLength(match.length) - 1, 0)
      for (let n = 1; n <= count; n++) {
        charge(STEP)
        parts[parts.length] = match[n]
        if (parts.length === most) return parts
      }
    }
    parts[parts.length] = slice(input, start)
    return parts
  }

  function search(target: Instance, input: string): number {
    const before = target.lastIndex
    if (!Object.is(before, 0)) setLastIndex(target, 0)
    const match = exec(target, input)
    if (!Object.is(target.lastIndex, before)) setLastIndex(target, before)
    return match === null ? -1 : match.index
  }

  const arrayIterator = getPrototypeOf([][Symbol.iterator]()) as object
  const iterators = create(getPrototypeOf(arrayIterator) as object) as object
  const nextOf = {
    next(this: unknown): { value: Match | undefined; done: boolean } {
      return deeper(() => {
        charge(STEP)
        const state = State.of(this)
        if (state === null)
          throw new NativeTypeError('next was called on an object that is no iterator of matches')
        if (state.done) return { value: undefined, done: true }
        const match = exec(state.target, state.input)
        if (match === null || !state.global) state.done = true
        if (match === null) return { value: undefined, done: true }
        if (state.global) afterMatch(state.target, state.input, textOf(match[0]), state.unicode)
        return { value: match, done: false }
      })
    }
  }
  Object.defineProperty(iterators, 'next', {
    value: Reflect.get(nextOf, 'next'),
    writable: true,
    configurable: true
  })
  Object.defineProperty(iterators, Symbol.toStringTag, {
    value: 'RegExp String Iterator',
    configurable: true
  })

  return {
    test(this: unknown, text: unknown): boolean {
      const target = self(this, 'test')
      return deeper(() => matcher.test(target, textOf(text)))
    },
    toString(this: unknown): string {
      const target = self(this, 'toString') as unknown as { source: unknown; flags: unknown }
      return deeper(() => `/${textOf(target.source)}/${textOf(target.flags)}`)
    },
    [Symbol.match](this: unknown, text: unknown): string[] | null {
      const target = self(this, '[Symbol.match]')
      return deeper(() => matchAll(target, textOf(text)))
    },
    [Symbol.matchAll](this: unknown, text: unknown): object {
      const target = self(this, '[Symbol.matchAll]')
      return deeper(() => {
        const input = textOf(text)
        const flags = textOf(target.flags)
        const copy = copyFor(target, flags)
        setLastIndex(copy, toLength(target.lastIndex))
        const iterator = create(iterators) as object
        charge(STEP)
        new State(iterator, {
          target: copy,
          input,
          global: has(flags, 'g'),
          unicode: has(flags, 'u'),
          done: false
        })
        return iterator
      })
    },
    [Symbol.replace](this: unknown, text: unknown, replacement: unknown): string {
      const target = self(this, '[Symbol.replace]')
      return deeper(() => replace(target, textOf(text), replacement))
    },
    [Symbol.search](this: unknown, text: unknown): number {
      const target = self(this, '[Symbol.search]')
      return deeper(() => search(target, textOf(text)))
    },
    [Symbol.split](this: unknown, text: unknown, limited: unknown): string[] {
      const target = self(this, '[Symbol.split]')
      return deeper(() => split(target, textOf(text), limited))
    }
  }
}

function deeper<T>(action: () => T): T {
  const level = enter(CALL_WEIGHT)
  try {
    return action()
  } finally {
    leave(level)
  }
}

function has(flags: string, flag: string): boolean {
  return includes(flags, flag)
}

interface Iteration {
  target: Instance
  input: string
  global: boolean
  unicode: boolean
  done: boolean
}

/** Gives an iterator its state, out of reach of a contract. */
class State extends Returned {
  #state: Iteration

  constructor(object: object, state: Iteration) {
    super(object)
    this.#state = state
  }

  static of(value: unknown): Iteration | null {
    return typeof value === 'object' && value !== null && #state in value ? value.#state : null
  }
}

/** GetSubstitution: what a template with $-signs stands for. */
function substitute(
  template: string,
  matched: string,
  input: string,
  position: number,
  captures: unknown[],
  groups: unknown
): string {
  if (indexOf(template, '$') < 0) return template
  const named = groups === undefined ? undefined : (Object(groups) as Record<string, unknown>)
  const out = new Builder()
  const after = Math.min(position + matched.length, input.length)
  let from = 0
  let i = 0
  while (i < template.length) {
    const sign = indexOf(template, '$', i)
    if (sign < 0 || sign + 1 >= template.length) break
    let end = sign + 2
    let put: string | null = null
    const next = template[sign + 1]
    if (next === '$') put = '$'
    else if (next === '&') put = matched
    else if (next === '`') put = slice(input, 0, position)
    else if (next === "'") put = slice(input, after)
    else if (next >= '0' && next <= '9') {
      let number = +next
      const second = template[sign + 2]
      if (second >= '0' && second <= '9' && number * 10 + +second <= captures.length) {
        const both = number * 10 + +second
        if (both > 0) {
          number = both
          end++
        }
      }
      if (number > 0 && number <= captures.length) put = textOr(captures[number - 1])
    } else if (next === '<' && named !== undefined) {
      const close = indexOf(template, '>', sign + 2)
      if (close >= 0) {
        end = close + 1
        put = textOr(named[slice(template, sign + 2, close)])
      }
    }
    charge(STEP)
    if (put === null) {
      i = sign + 1
      continue
    }
    out.add(slice(template, from, sign))
    out.add(put)
    from = i = end
  }
  out.add(slice(template, from))
  return out.text
}

function textOr(value: unknown): string {
  return value === undefined ? '' : textOf(value)
}
