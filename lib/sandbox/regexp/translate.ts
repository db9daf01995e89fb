// From the text of a regular expression to a program for the machine. All of ECMAScript 2022 but back-references: no
// machine that is sure to be done in time can do those.

import { createRequire } from 'node:module'
import type { AST, RegExpParser } from '@eslint-community/regexpp'
import { CODE_POINTS, CODE_UNITS, DIGIT, LINE_END, SPACE, WORD } from './charset.js'
import { ignoreCase, invert, property, union, type CharSet } from './charset.js'
import * as ops from './program.js'
import type { CharTest, Look, Pattern, Program } from './program.js'

/** Why a pattern cannot be used. */
export class Refusal extends Error {}

/** The most nodes that are visited, copies for counted repetitions included. */
const MAX_WORK = 8 * ops.MAX_SIZE

let parser: RegExpParser | null = null

// at its first use: most contracts have no regular expressions, and it takes a while to load
function parse(pattern: string, unicode: boolean): AST.Pattern {
  if (parser === null) {
    const load = createRequire(import.meta.url)
    const { RegExpParser } = load('@eslint-community/regexpp') as typeof import('@eslint-community/regexpp')
    parser = new RegExpParser({ ecmaVersion: 2022 })
  }
  try {
    return parser.parsePattern(pattern, 0, pattern.length, { unicode })
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new Refusal(error.message.slice(error.message.lastIndexOf(': ') + 2))
  }
}

function checkFlags(flags: string): void {
  for (let i = 0; i < flags.length; i++) {
    if (flags[i] === 'v') throw new Refusal('the flag v is not there')
    if (!'dgimsuy'.includes(flags[i]) || flags.indexOf(flags[i]) !== i) throw new Refusal('invalid flags')
  }
}

/** @throws Refusal, with a message that says what is wrong or not there */
export function translate(pattern: string, flags: string): Pattern {
  checkFlags(flags)
  return new Translator(flags).translate(parse(pattern, flags.includes('u')))
}

interface Code {
  op: number[]
  x: number[]
  y: number[]
  looks: Look[]
  backward: boolean
}

class Translator {
  private readonly unicode: boolean
  private readonly ignoring: boolean
  private readonly multiline: boolean
  private readonly dotAll: boolean
  private readonly end: number
  private readonly groups = new Map<AST.CapturingGroup, number>()
  private readonly names = ['']
  private readonly sets: CharTest[] = []
  // by how they are written: most patterns repeat some
  private readonly consumed = new Map<string, readonly [op: number, x: number]>()
  private readonly items = new Map<string, CharSet>()
  private code: Code = empty(false)
  private wordTest: CharTest | null = null
  private size = 0
  private work = 0

  constructor(flags: string) {
    this.unicode = flags.includes('u')
    this.ignoring = flags.includes('i')
    this.multiline = flags.includes('m')
    this.dotAll = flags.includes('s')
    this.end = this.unicode ? CODE_POINTS : CODE_UNITS
  }

  translate(pattern: AST.Pattern): Pattern {
    this.number(pattern.alternatives)
    this.emit(ops.SAVE, 0)
    this.choice(pattern.alternatives)
    this.emit(ops.SAVE, 1)
    this.emit(ops.MATCH)
    const slots = this.names.length * 2
    if (slots * this.size > ops.MAX_STATE) throw new Refusal('it is too large for so many groups')
    const program = this.finish(this.code)
    let bytes = 300 + this.size * 12
    for (const { set } of this.sets) bytes += 300 + set.length * 8
    return { program, names: this.names, size: this.size, bytes }
  }

  private finish(code: Code): Program {
    return {
      op: Int32Array.from(code.op),
      x: Int32Array.from(code.x),
      y: Int32Array.from(code.y),
      sets: this.sets,
      looks: code.looks,
      slots: this.names.length * 2,
      unicode: this.unicode,
      backward: code.backward,
      word: (this.wordTest ??= this.sets[this.setOf(this.word())]),
      ...beginning(code, this.sets)
    }
  }

  // the groups by where they begin
  private number(alternatives: AST.Alternative[]): void {
    for (const { elements } of alternatives) for (const element of elements) this.numberIn(element)
  }

  private numberIn(element: AST.Element): void {
    if (element.type === 'Quantifier') return this.numberIn(element.element)
    if (element.type === 'CapturingGroup') {
      this.groups.set(element, this.names.length)
      this.names.push(element.name ?? '')
    }
    if ('alternatives' in element) this.number(element.alternatives)
  }

  private emit(op: number, x = 0, y = 0): number {
    if (++this.size > ops.MAX_SIZE) {
      throw new Refusal(
        `it is too large (counted repetitions are copied, at most ${ops.MAX_SIZE} instructions in all)`
      )
    }
    this.code.op.push(op)
    this.code.x.push(x)
    return this.code.y.push(y) - 1
  }

  private get at(): number {
    return this.code.op.length
  }

  private choice(alternatives: AST.Alternative[]): void {
    const jumps: number[] = []
    alternatives.forEach((alternative, i) => {
      const last = i === alternatives.length - 1
      const split = last ? -1 : this.emit(ops.SPLIT, this.at + 1)
      const { elements } = alternative
      if (this.code.backward) for (let k = elements.length - 1; k >= 0; k--) this.element(elements[k])
      else for (const element of elements) this.element(element)
      if (last) return
      jumps.push(this.emit(ops.JUMP))
      this.code.y[split] = this.at
    })
    for (const jump of jumps) this.code.x[jump] = this.at
  }

  private element(element: AST.Element): void {
    if (++this.work > MAX_WORK) throw new Refusal('it is too large')
    switch (element.type) {
      case 'Character':
      case 'CharacterSet':
      case 'CharacterClass':
        return this.consume(element)
      case 'Quantifier':
        return this.repeat(element)
      case 'Group':
        return this.choice(element.alternatives)
      case 'CapturingGroup': {
        const slot = this.groupOf(element) * 2
        this.emit(ops.SAVE, this.code.backward ? slot + 1 : slot)
        this.choice(element.alternatives)
        this.emit(ops.SAVE, this.code.backward ? slot : slot + 1)
        return
      }
      case 'Assertion':
        return this.assertion(element)
      case 'Backreference':
        throw new Refusal(`back-references (${element.raw}) are not there`)
      case 'ExpressionCharacterClass':
        throw new Refusal('the flag v is not there')
    }
  }

  private groupOf(group: AST.CapturingGroup): number {
    return this.groups.get(group) ?? 0
  }

  private assertion(node: AST.Assertion): void {
    switch (node.kind) {
      case 'start':
        this.emit(ops.EDGE, this.multiline ? ops.LINE_START : ops.START)
        return
      case 'end':
        this.emit(ops.EDGE, this.multiline ? ops.LINE_FINISH : ops.FINISH)
        return
      case 'word':
        this.emit(ops.EDGE, node.negate ? ops.NO_WORD_EDGE : ops.WORD_EDGE)
        return
      default:
        return this.look(node)
    }
  }

  private look(node: AST.LookaroundAssertion): void {
    const outer = this.code
    this.code = empty(node.kind === 'lookbehind')
    this.choice(node.alternatives)
    this.emit(ops.MATCH)
    const inside = this.slotsIn(node)
    const look: Look = { program: this.finish(this.code), negate: node.negate, ...inside }
    this.code = outer
    this.emit(ops.LOOK, outer.looks.push(look) - 1)
  }

  private repeat({ min, max, greedy, element }: AST.Quantifier): void {
    const slots = this.slotsIn(element)
    const nullable = canBeEmpty(element)
    const body = (again: boolean) => {
      if (again && slots.from < slots.to) this.emit(ops.CLEAR, slots.from, slots.to)
      this.element(element)
    }
    const split = () => this.emit(ops.SPLIT, this.at + 1, this.at + 1)
    // the way out is the second choice, or the first if the repetition is lazy
    const leaveTo = (at: number, target: number) => ((greedy ? this.code.y : this.code.x)[at] = target)

    const loopsBack = max === Infinity && !nullable && min > 0
    const copies = loopsBack ? min - 1 : min
    for (let i = 0; i < copies; i++) {
      const before = this.at
      body(i > 0)
      if (this.at === before) break // nothing, however often
    }
    if (loopsBack) {
      const start = this.at
      body(true)
      const back = split()
      ;(greedy ? this.code.x : this.code.y)[back] = start
    } else if (max === Infinity) {
      const start = split()
      this.round(nullable, () => body(true))
      this.emit(ops.JUMP, start)
      leaveTo(start, this.at)
    } else {
      const splits: number[] = []
      for (let i = min; i < max; i++) {
        splits.push(split())
        this.round(nullable, () => body(i > 0))
      }
      for (const at of splits) leaveTo(at, this.at)
    }
  }

  // a round that is not required must consume something
  private round(nullable: boolean, body: () => void): void {
    if (nullable) this.emit(ops.BEGIN)
    body()
    if (nullable) this.emit(ops.END)
  }

  private slotsIn(node: AST.Element): { from: number; to: number } {
    let from = Infinity
    let to = -Infinity
    for (const [group, number] of this.groups) {
      if (group.start < node.start || group.end > node.end) continue
      from = Math.min(from, number * 2)
      to = Math.max(to, number * 2 + 2)
    }
    return to > 0 ? { from, to } : { from: 0, to: 0 }
  }

  private consume(node: AST.Character | AST.CharacterSet | AST.CharacterClass): void {
    let known = this.consumed.get(node.raw)
    if (known === undefined) {
      const set = this.charSet(node)
      const { length } = set
      if (length === 2 && set[1] === set[0] + 1) known = [ops.CHAR, set[0]]
      else if (length === 2 && set[0] === 0 && set[1] === this.end) known = [ops.ANY, 0]
      else known = [ops.SET, this.setOf(set)]
      this.consumed.set(node.raw, known)
    }
    this.emit(known[0], known[1])
  }

  private charSet(node: AST.Character | AST.CharacterSet | AST.CharacterClass): CharSet {
    if (node.type !== 'CharacterClass') return this.item(node)
    const sets = node.elements.map((element): CharSet => {
      if (element.type === 'CharacterClassRange') return this.fold([element.min.value, element.max.value + 1])
      if (element.type === 'Character' || element.type === 'CharacterSet') return this.item(element)
      throw new Refusal('the flag v is not there')
    })
    const set = union([[], ...sets])
    return node.negate ? invert(set, this.end) : set
  }

  private item(node: AST.Character | AST.CharacterSet): CharSet {
    if (node.type === 'Character') return this.fold([node.value, node.value + 1])
    const known = this.items.get(node.raw)
    if (known !== undefined) return known
    const set = this.fold(this.escape(node))
    this.items.set(node.raw, set)
    return set
  }

  private fold(set: CharSet): CharSet {
    return this.ignoring ? ignoreCase(set, this.unicode) : set
  }

  private escape(node: AST.CharacterSet): CharSet {
    switch (node.kind) {
      case 'any':
        return this.dotAll ? [0, this.end] : invert(LINE_END, this.end)
      case 'digit':
        return node.negate ? invert(DIGIT, this.end) : DIGIT
      case 'space':
        return node.negate ? invert(SPACE, this.end) : SPACE
      case 'word':
        return node.negate ? invert(this.word(), this.end) : this.word()
      case 'property': {
        const set = property(node.key, node.value)
        if (set === null) throw new Refusal(`the property ${node.raw} is not there`)
        return node.negate ? invert(set, this.end) : set
      }
    }
  }

  private word(): CharSet {
    return this.unicode && this.ignoring ? ignoreCase(WORD, true) : WORD
  }

  private setOf(set: CharSet): number {
    const table = new Uint8Array(256)
    for (let i = 0; i < set.length && set[i] < 256; i += 2) table.fill(1, set[i], Math.min(set[i + 1], 256))
    return this.sets.push({ table, set: Int32Array.from(set) }) - 1
  }
}

function empty(backward: boolean): Code {
  return { op: [], x: [], y: [], looks: [], backward }
}

function canBeEmpty(element: AST.Element): boolean {
  switch (element.type) {
    case 'Character':
    case 'CharacterSet':
    case 'CharacterClass':
    case 'ExpressionCharacterClass':
      return false
    case 'Quantifier':
      return element.min === 0 || canBeEmpty(element.element)
    case 'Group':
    case 'CapturingGroup':
      return element.alternatives.some(({ elements }) => elements.every(canBeEmpty))
    case 'Assertion':
    case 'Backreference':
      return true
  }
}

/** What a match begins with: everything that is reached without consuming. Assertions are taken to hold. */
function beginning(code: Code, sets: CharTest[]): Pick<Program, 'first' | 'anchored'> {
  const first = new Uint8Array(257)
  const seen = new Set<number>()
  const todo = [0]
  let consumes = false
  let ends = false
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    if (seen.has(at)) continue
    seen.add(at)
    const x = code.x[at]
    switch (code.op[at]) {
      case ops.CHAR:
        first[Math.min(x, 256)] = 1
        consumes = true
        break
      case ops.SET: {
        const { table, set } = sets[x]
        for (let i = 0; i < 256; i++) first[i] |= table[i]
        if (set.length > 0 && set[set.length - 1] > 256) first[256] = 1
        consumes = true
        break
      }
      case ops.ANY:
        first.fill(1)
        consumes = true
        break
      case ops.MATCH:
        ends = true
        break
      case ops.JUMP:
        todo.push(x)
        break
      case ops.SPLIT:
        todo.push(x, code.y[at])
        break
      case ops.EDGE:
        if (x !== ops.START) todo.push(at + 1)
        break
      default:
        todo.push(at + 1)
    }
  }
  // what is behind ^ was not looked at: it has its place at the start of the input only
  return { first: ends ? null : first, anchored: !ends && !consumes }
}
