// Runs a program over an input. All ways through the program are followed at once, one character after the other, each
// way at most once at each place: the work is bounded by the length of the input times the size of the program, whatever
// the pattern is. Which way wins, and what its groups have captured, is what ECMAScript's backtracking would find first.
//
// The work is counted in steps, which do not depend on what ran before.

import * as ops from './program.js'
import type { CharTest, Look, Program } from './program.js'

/** Steps that are done before they are paid. */
const UNPAID = 4096

/** Characters that are passed in one step where no match can begin. */
const SKIP_SHIFT = 2

/** Asks to pay for steps that were done; false if the machine shall stop. */
export type Pay = (steps: number) => boolean

interface Ways {
  count: number
  at: Int32Array
  /** What each way has captured, one after the other. */
  slots: Int32Array
}

/** The memory of a run. An assertion runs within a run, and has its own. */
interface Memory {
  now: Ways
  next: Ways
  /** In which round each place was last reached: without and with something consumed in the loop's round. */
  reached: Int32Array
  round: number
  /** The slots of the way that is followed, and of the best that has matched. */
  slots: Int32Array
  best: Int32Array
  stack: number[]
}

const NONE = new Int32Array(0)
const memories: Memory[] = []
let depth = 0
let steps = 0
let payer: Pay = () => true
let stopped = false

/** The slots of the last match. */
export let found: Int32Array = NONE

/** @returns the steps of the last run that were not paid */
export function unpaid(): number {
  return steps
}

/**
 * @param slots how many slots are wanted: those of the program, or 0 to know only whether there is a match
 * @param search whether a match may begin behind `from`
 * @returns whether there is a match, or null if `pay` said no
 */
export function run(
  program: Program,
  input: string,
  from: number,
  slots: number,
  search: boolean,
  pay: Pay
): boolean | null {
  steps = 0
  stopped = false
  payer = pay
  depth = 0
  const matched = go(program, input, from, slots, search)
  return stopped ? null : matched
}

function memoryFor(program: Program, slots: number): Memory {
  const size = program.op.length
  let memory = memories[depth]
  if (memory === undefined || memory.reached.length < 2 * size || memory.round > 2 ** 29) {
    const ways = () => ({ count: 0, at: new Int32Array(size), slots: new Int32Array(0) })
    memory = {
      now: ways(),
      next: ways(),
      reached: new Int32Array(2 * size),
      round: 0,
      slots: NONE,
      best: NONE,
      stack: []
    }
    memories[depth] = memory
  }
  if (memory.now.slots.length < size * slots) {
    memory.now.slots = new Int32Array(size * slots)
    memory.next.slots = new Int32Array(size * slots)
  }
  if (memory.slots.length < slots) {
    memory.slots = new Int32Array(slots)
    memory.best = new Int32Array(slots)
  }
  memory.now.count = memory.next.count = 0
  memory.round++
  return memory
}

function go(program: Program, input: string, from: number, slots: number, search: boolean): boolean {
  const memory = memoryFor(program, slots)
  const { op, x, sets, backward, unicode, first, anchored } = program
  const { slots: current, best } = memory
  let matched = false
  let position = from
  for (;;) {
    const { now, next } = memory
    if (now.count === 0) {
      if (matched || (position !== from && (!search || anchored))) break
      if (search && first !== null && position > 0) position = skip(input, position, first)
    }
    if (!matched && (position === from || (search && !anchored))) {
      for (let k = 0; k < slots; k++) current[k] = -1
      follow(program, memory, now, 0, input, position, slots)
    }
    steps++
    if (steps >= UNPAID && !settle()) return false

    let code = -1
    let after = position
    if (backward) {
      if (position > 0) {
        code = input.charCodeAt(--after)
        if (unicode && (code & 0xfc00) === 0xdc00 && after > 0) {
          const lead = input.charCodeAt(after - 1)
          if ((lead & 0xfc00) === 0xd800) {
            after--
            code = ((lead - 0xd800) << 10) + code - 0xdc00 + 0x10000
          }
        }
      }
    } else if (position < input.length) {
      code = input.charCodeAt(after++)
      if (unicode && (code & 0xfc00) === 0xd800 && after < input.length) {
        const trail = input.charCodeAt(after)
        if ((trail & 0xfc00) === 0xdc00) {
          after++
          code = ((code - 0xd800) << 10) + trail - 0xdc00 + 0x10000
        }
      }
    }

    next.count = 0
    memory.round++
    const { at: places, count, slots: all } = now
    for (let i = 0; i < count; i++) {
      const at = places[i]
      const kind = op[at]
      steps++
      if (kind === ops.MATCH) {
        matched = true
        if (slots === 0) return true
        for (let k = 0, base = i * slots; k < slots; k++) best[k] = all[base + k]
        break // the other ways are less preferred
      }
      if (code < 0) continue
      if (kind === ops.CHAR ? x[at] !== code : kind === ops.SET && !isIn(sets[x[at]], code)) continue
      for (let k = 0, base = i * slots; k < slots; k++) current[k] = all[base + k]
      follow(program, memory, next, at + 1, input, after, slots)
    }
    if (stopped) return false
    memory.now = next
    memory.next = now
    if (code < 0) break
    position = after
  }
  if (matched) found = best
  return matched
}

/** @returns where a match can begin */
function skip(input: string, from: number, first: Uint8Array): number {
  const end = input.length
  let position = from
  while (position < end) {
    // in stretches, each is paid
    const stop = Math.min(end, position + (UNPAID << SKIP_SHIFT))
    const start = position
    while (position < stop) {
      const code = input.charCodeAt(position)
      if (first[code < 256 ? code : 256] !== 0) break
      position++
    }
    steps += (position - start) >> SKIP_SHIFT
    if (position < stop) break
    if (steps >= UNPAID && !settle()) return end
  }
  return position
}

/** Follows a way until it has to consume something, first along what it prefers. */
function follow(
  program: Program,
  memory: Memory,
  ways: Ways,
  start: number,
  input: string,
  position: number,
  slots: number
): void {
  const { op, x, y } = program
  const { reached, round, slots: current, stack } = memory
  let top = 0
  // the place times two, and whether something was consumed since the loop's round began
  let state = start * 2 + 1
  for (;;) {
    const at = state >> 1
    let goes = false
    if (reached[state] !== round) {
      reached[state] = round
      steps++
      switch (op[at]) {
        case ops.JUMP:
          state = x[at] * 2 + (state & 1)
          goes = true
          break
        case ops.SPLIT:
          stack[top++] = y[at] * 2 + (state & 1)
          state = x[at] * 2 + (state & 1)
          goes = true
          break
        case ops.SAVE: {
          const slot = x[at]
          if (slots > 0) {
            stack[top++] = current[slot]
            stack[top++] = -1 - slot
            current[slot] = position
          }
          state += 2
          goes = true
          break
        }
        case ops.CLEAR:
          if (slots > 0) {
            const end = y[at]
            steps += (end - x[at]) >> 2
            for (let slot = x[at]; slot < end; slot++) {
              if (current[slot] < 0) continue
              stack[top++] = current[slot]
              stack[top++] = -1 - slot
              current[slot] = -1
            }
          }
          state += 2
          goes = true
          break
        case ops.EDGE:
          goes = isEdge(x[at], program, input, position)
          state += 2
          break
        case ops.LOOK: {
          const look = program.looks[x[at]]
          goes = around(look, input, position, slots) !== look.negate && !stopped
          if (goes && !look.negate && slots > 0) {
            for (let slot = look.from; slot < look.to; slot++) {
              stack[top++] = current[slot]
              stack[top++] = -1 - slot
              current[slot] = found[slot]
            }
          }
          state += 2
          break
        }
        case ops.BEGIN:
          state = at * 2 + 2
          goes = true
          break
        case ops.END:
          goes = (state & 1) === 1
          state += 2
          break
        default: {
          // what is consumed counts for all rounds, so both kinds of this place go on alike
          if (reached[state ^ 1] === round) break
          const way = ways.count++
          ways.at[way] = at
          if (slots > 0) {
            const all = ways.slots
            for (let k = 0, base = way * slots; k < slots; k++) all[base + k] = current[k]
            steps += slots >> 2
          }
        }
      }
    }
    if (goes) continue
    // back to the last choice, and to the slots of then
    let choice = -1
    while (top > 0) {
      choice = stack[--top]
      if (choice >= 0) break
      current[-1 - choice] = stack[--top]
    }
    if (choice < 0) return
    state = choice
  }
}

/** Whether what is around a position matches. What it captured is in `found`. */
function around(look: Look, input: string, position: number, slots: number): boolean {
  depth++
  const wanted = look.negate || look.from === look.to ? 0 : slots
  const matched = go(look.program, input, position, wanted, false)
  depth--
  return matched
}

function settle(): boolean {
  if (stopped) return false
  const done = steps
  steps = 0
  stopped = !payer(done)
  return !stopped
}

function isEdge(kind: number, program: Program, input: string, position: number): boolean {
  switch (kind) {
    case ops.START:
      return position === 0
    case ops.FINISH:
      return position === input.length
    case ops.LINE_START:
      return position === 0 || isLineEnd(input.charCodeAt(position - 1))
    case ops.LINE_FINISH:
      return position === input.length || isLineEnd(input.charCodeAt(position))
    default: {
      const before = position > 0 && isIn(program.word, input.charCodeAt(position - 1))
      const behind = position < input.length && isIn(program.word, input.charCodeAt(position))
      return (before !== behind) === (kind === ops.WORD_EDGE)
    }
  }
}

function isIn(test: CharTest, code: number): boolean {
  if (code < 256) return test.table[code] === 1
  const { set } = test
  let low = 0
  let high = set.length
  // the number of bounds that are not above the code: odd within a range
  while (low < high) {
    const middle = (low + high) >> 1
    if (set[middle] <= code) low = middle + 1
    else high = middle
  }
  return (low & 1) === 1
}

function isLineEnd(code: number): boolean {
  return code === 0x0a || code === 0x0d || code === 0x2028 || code === 0x2029
}
