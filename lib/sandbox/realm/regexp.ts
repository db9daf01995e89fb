// The RegExp of contracts. What it does is ECMAScript's; the matching itself is done by an engine of ours that is sure to
// end, and whose steps can be counted. Nothing that a contract does to its objects reaches ours: what a pattern is made of
// is in a private field, and what the engine hands over is primitive.

import { caught, charge } from './meter.js'
import { protocol } from './regexp-protocol.js'
import {
  charCodeAt,
  includes,
  isObject,
  Returned,
  setLastIndex,
  slice,
  textOf,
  toLength
} from './regexp-values.js'
import type { Instance, Match, Matcher } from './regexp-values.js'

/** The engine, in another realm: see there. A handle is only handed back. */
export interface Engine {
  open(pattern: string, flags: string): object | string | null
  size(handle: object): number
  bytes(handle: object): number
  groups(handle: object): number
  name(handle: object, group: number): string
  match(
    handle: object,
    input: string,
    from: number,
    sticky: boolean,
    captures: boolean,
    pay: (steps: number) => boolean
  ): number
  unpaid(): number
  place(slot: number): number
}

const OPENING = 300
const OPENING_CHARACTER = 20
/** What is refused may have been translated to nearly the most instructions. */
const REFUSED = 10_000
const MATCHING = 20
const RESULT_GROUP = 10

const FLAGS = [
  ['d', 'hasIndices'],
  ['g', 'global'],
  ['i', 'ignoreCase'],
  ['m', 'multiline'],
  ['s', 'dotAll'],
  ['u', 'unicode'],
  ['y', 'sticky']
] as const

const { create, defineProperty, defineProperties } = Object
const { apply } = Reflect
const NativeTypeError = TypeError
const NativeSyntaxError = SyntaxError
const NativeRangeError = RangeError

interface Slots {
  source: string
  flags: string
  handle: object
  groups: number
  /** The names of groups, if any has one. */
  names: string[] | null
  global: boolean
  sticky: boolean
  indices: boolean
}

/** Gives an object its slots, out of reach of a contract. */
class Stamp extends Returned {
  #slots: Slots

  constructor(object: object, slots: Slots) {
    super(object)
    this.#slots = slots
  }

  static of(value: unknown): Slots | null {
    return typeof value === 'object' && value !== null && #slots in value ? value.#slots : null
  }
}

/** @returns the constructor, still to be frozen by whoever hands it to a contract */
export function makeRegExp(engine: Engine): RegExpConstructor {
  // the engine asks to be paid while it runs: what it meets then is thrown when it is done
  let failed: unknown = null
  function pay(steps: number): boolean {
    try {
      charge(steps)
      return true
    } catch (error) {
      failed = error
      return false
    }
  }

  const Constructor = function RegExp(pattern?: unknown, flags?: unknown): unknown {
    const isPattern = isRegExp(pattern)
    let target = new.target as unknown as { prototype: unknown } | undefined
    if (target === undefined) {
      target = Constructor
      if (isPattern && flags === undefined && (pattern as Instance).constructor === target) return pattern
    }
    const slots = Stamp.of(pattern)
    let source: unknown = pattern
    let given: unknown = flags
    if (slots !== null) {
      source = slots.source
      if (flags === undefined) given = slots.flags
    } else if (isPattern) {
      source = (pattern as { source: unknown }).source
      if (flags === undefined) given = (pattern as Instance).flags
    }
    const proto = target.prototype
    const object = create(isObject(proto) ? proto : Constructor.prototype) as object
    new Stamp(
      object,
      open(source === undefined ? '' : textOf(source), given === undefined ? '' : textOf(given))
    )
    return defineProperty(object, 'lastIndex', { value: 0, writable: true })
  } as unknown as RegExpConstructor

  function open(source: string, flags: string): Slots {
    charge(OPENING + (source.length + flags.length) * OPENING_CHARACTER)
    let handle: object | string | null = null
    try {
      handle = engine.open(source, flags)
    } catch {
      // on a full stack
    }
    if (handle === null) full()
    if (typeof handle === 'string') {
      charge(REFUSED)
      throw new NativeSyntaxError(handle)
    }
    charge(engine.size(handle) + engine.bytes(handle) / 16)
    const groups = engine.groups(handle)
    let names: string[] | null = null
    for (let i = 1; i < groups; i++) {
      if (engine.name(handle, i) !== '') names ??= []
    }
    if (names !== null) for (let i = 0; i < groups; i++) names[i] = engine.name(handle, i)
    const has = (flag: string) => includes(flags, flag)
    return {
      source,
      flags,
      handle,
      groups,
      names,
      global: has('g'),
      sticky: has('y'),
      indices: has('d')
    }
  }

  /** @returns whether it matches; the places are in the engine */
  function run(slots: Slots, input: string, from: number, sticky: boolean, captures: boolean): boolean {
    charge(MATCHING + slots.groups)
    let answer = -2
    try {
      answer = engine.match(slots.handle, input, from, sticky, captures, pay)
    } catch {
      // on a full stack
    }
    if (answer === -2) full()
    if (answer === -1) throw failed
    charge(engine.unpaid())
    return answer === 1
  }

  /** RegExpBuiltinExec, of an object that is one of ours. */
  function execOurs(
    target: Instance,
    slots: Slots,
    input: string,
    captures: boolean
  ): Match | boolean | null {
    const keeps = slots.global || slots.sticky
    let from = toLength(target.lastIndex)
    if (!keeps) from = 0
    // without captures the end of the match is not known
    const wanted = captures || keeps
    if (from > input.length || !run(slots, input, from, slots.sticky, wanted)) {
      if (keeps) setLastIndex(target, 0)
      return captures ? null : false
    }
    // assigning may not run code: the property is ours, and has a value
    if (keeps) setLastIndex(target, engine.place(1))
    return captures ? resultOf(slots, input) : true
  }

  function resultOf(slots: Slots, input: string): Match {
    charge((slots.groups + 2) * RESULT_GROUP * (slots.names === null ? 1 : 2) * (slots.indices ? 3 : 1))
    const texts: unknown[] = []
    const places: unknown[] = []
    for (let i = 0; i < slots.groups; i++) {
      const from = engine.place(2 * i)
      const to = engine.place(2 * i + 1)
      texts[i] = from < 0 ? undefined : slice(input, from, to)
      if (slots.indices) places[i] = from < 0 ? undefined : [from, to]
    }
    const match = texts as unknown as Match & { indices: unknown }
    match.index = engine.place(0)
    match.input = input
    match.groups = named(slots, texts) as Match['groups']
    if (slots.indices) {
      ;(places as unknown as { groups: unknown }).groups = named(slots, places)
      match.indices = places
    }
    return match
  }

  function callExec(target: Instance, input: string, captures: boolean): unknown {
    const exec = target.exec
    const slots = Stamp.of(target)
    if (exec === prototype.exec || typeof exec !== 'function') {
      if (slots === null) throw new NativeTypeError('exec was called on an object that is not a RegExp')
      return execOurs(target, slots, input, captures)
    }
    const result: unknown = apply(exec, target, [input])
    if (result !== null && !isObject(result)) {
      throw new NativeTypeError('exec of a RegExp has returned neither an object nor null')
    }
    return captures ? result : result !== null
  }

  function slotsOf(value: unknown, what: string): Slots {
    const slots = Stamp.of(value)
    if (slots === null)
      throw new NativeTypeError(`RegExp.prototype.${what} was used on an object that is not a RegExp`)
    return slots
  }

  const matcher: Matcher = {
    RegExp: Constructor,
    isOurs: value => Stamp.of(value) !== null,
    exec: (target, input) => callExec(target, input, true) as Match | null,
    test: (target, input) => callExec(target, input, false) as boolean,
    isPlain: target => Stamp.of(target) !== null && target.exec === prototype.exec,
    search(target, input, from) {
      const slots = slotsOf(target, 'exec')
      return run(slots, input, from, false, true) ? resultOf(slots, input) : null
    }
  }

  const own = {
    exec(this: unknown, text: unknown): Match | null {
      const slots = slotsOf(this, 'exec')
      return execOurs(this as Instance, slots, textOf(text), true) as Match | null
    },
    get source(): string {
      if ((this as unknown) === prototype) return '(?:)'
      return shown(slotsOf(this, 'source').source)
    },
    ...protocol(matcher)
  }
  const prototype = create(Object.prototype) as RegExp
  const descriptors = Object.getOwnPropertyDescriptors(own) as PropertyDescriptorMap
  for (const key of Reflect.ownKeys(descriptors)) descriptors[key as string].enumerable = false
  // spreading takes the value of an accessor, so flags is given here
  descriptors['flags'] = hidden(accessor('flags', flagsOf))
  for (const [flag, name] of FLAGS) {
    descriptors[name] = hidden(
      accessor(name, value => {
        if (value === prototype) return undefined
        return includes(slotsOf(value, name).flags, flag)
      })
    )
  }
  defineProperties(prototype, descriptors)
  // Object.prototype.toString knows only node's own without it
  defineProperty(prototype, Symbol.toStringTag, { value: 'RegExp', configurable: true })
  defineProperty(prototype, 'constructor', { value: Constructor, writable: true, configurable: true })
  defineProperty(Constructor, 'prototype', { value: prototype, writable: false })
  defineProperty(Constructor, Symbol.species, hidden(accessor('[Symbol.species]', value => value)))
  defineProperty(Constructor, 'length', { value: 2, configurable: true })
  isRegExp = value => {
    if (!isObject(value)) return false
    const marked = (value as Record<symbol, unknown>)[Symbol.match]
    return marked === undefined ? Stamp.of(value) !== null : Boolean(marked)
  }
  return Constructor
}

/** IsRegExp of ECMAScript, for the string methods that refuse regular expressions. */
export let isRegExp: (value: unknown) => boolean = () => false

function flagsOf(value: unknown): string {
  if (!isObject(value)) throw new NativeTypeError('RegExp.prototype.flags was used on what is not an object')
  let flags = ''
  for (let i = 0; i < FLAGS.length; i++) {
    if ((value as Record<string, unknown>)[FLAGS[i][1]]) flags += FLAGS[i][0]
  }
  return flags
}

function accessor(name: string, read: (value: unknown) => unknown): () => unknown {
  const holder = {
    get [name](): unknown {
      return read(this)
    }
  }
  const descriptor: { get?: unknown } | undefined = Object.getOwnPropertyDescriptor(holder, name)
  return descriptor?.get as () => unknown
}

function hidden(get: () => unknown): PropertyDescriptor {
  return { get, set: undefined, enumerable: false, configurable: true }
}

/** The engine could not run since the stack of the machine is full. */
function full(): never {
  const error = new NativeRangeError('Maximum call stack size exceeded')
  caught(error)
  throw error
}

function named(slots: Slots, values: unknown[]): object | undefined {
  if (slots.names === null) return undefined
  const groups = create(null) as Record<string, unknown>
  for (let i = 1; i < slots.groups; i++) if (slots.names[i] !== '') groups[slots.names[i]] = values[i]
  return groups
}

/** The source as a literal has it: slashes and ends of lines escaped. */
function shown(source: string): string {
  if (source === '') return '(?:)'
  charge(source.length)
  let out = ''
  let inClass = false
  for (let i = 0; i < source.length; i++) {
    const char = source[i]
    const code = charCodeAt(char, 0)
    if (char === '\\' && i + 1 < source.length) {
      const next = source[++i]
      out += escapeOf(next) === null ? char + next : escapeOf(next)
      continue
    }
    if (char === '[') inClass = true
    else if (char === ']') inClass = false
    out += char === '/' && !inClass ? '\\/' : code < 0x2f || code > 0x2027 ? (escapeOf(char) ?? char) : char
  }
  return out
}

function escapeOf(char: string): string | null {
  if (char === '\n') return '\\n'
  if (char === '\r') return '\\r'
  if (char === '\u2028') return '\\u2028'
  return char === '\u2029' ? '\\u2029' : null
}
