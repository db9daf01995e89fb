// The regular expressions of contracts, as the contract's realm calls them: nothing throws, what goes in and out is
// primitive, but for the handle of a pattern, which is only handed back. What is kept changes no result and no price.

import { run, found, unpaid, type Pay } from './machine.js'
import { MAX_PATTERN, type Pattern } from './program.js'
import { Refusal, translate } from './translate.js'

/** What was made of a pattern; only for this module to look into. */
export type Handle = object

export interface Engine {
  /** @returns the pattern, or what is wrong with it, or null if it cannot be done on this stack */
  open(pattern: string, flags: string): Handle | string | null
  /** @returns a number of instructions: what an opened pattern takes of work */
  size(handle: Handle): number
  /** @returns about the bytes that an opened pattern takes */
  bytes(handle: Handle): number
  /** @returns the number of groups, the match itself included */
  groups(handle: Handle): number
  /** @returns the name of a group, or '' */
  name(handle: Handle, group: number): string
  /**
   * Looks for a match, from a position on, or at that position only.
   * @param captures whether the places of the match and its groups are wanted
   * @param pay is asked now and then to pay for steps that were done; it must not throw
   * @returns 1 if there is one, 0 if not, -1 if `pay` said no, or -2 if it cannot be done on this stack
   */
  match(handle: Handle, input: string, from: number, sticky: boolean, captures: boolean, pay: Pay): number
  /** @returns the steps of the last match that are still to be paid */
  unpaid(): number
  /** @returns the place of the last match: the start of a group at twice its number, its end behind it, or -1 */
  place(slot: number): number
}

/** The most that the cache keeps, in bytes. */
const MAX_KEPT = 4 * 2 ** 20

const kept = new Map<string, Pattern | string>()
let keptBytes = 0

// handles that are not ours are never given
const inside = (handle: Handle) => handle as Pattern

export const engine: Engine = {
  open,
  size: handle => inside(handle).size,
  bytes: handle => inside(handle).bytes,
  groups: handle => inside(handle).names.length,
  name: (handle, group) => inside(handle).names[group] ?? '',
  match(handle, input, from, sticky, captures, pay) {
    const { program } = inside(handle)
    let start = from
    // a position within a pair stands for the whole pair
    if (program.unicode && isTrail(input, from) && isLead(input, from - 1)) start--
    try {
      const matched = run(program, input, start, captures ? program.slots : 0, !sticky, pay)
      return matched === null ? -1 : matched ? 1 : 0
    } catch {
      return -2
    }
  },
  unpaid,
  place: slot => found[slot]
}

/** @returns what is wrong with a regular expression, or not there, or null */
export function checkRegExp(pattern: string, flags: string): string | null {
  const opened = open(pattern, flags)
  if (opened === null) return problem(pattern, flags, 'it is nested too deeply')
  return typeof opened === 'string' ? opened : null
}

function open(pattern: string, flags: string): Pattern | string | null {
  if (pattern.length > MAX_PATTERN) return problem(pattern, '', `it is longer than ${MAX_PATTERN} characters`)
  const key = `${flags}/${pattern}`
  const known = kept.get(key)
  if (known !== undefined) return known
  let opened: Pattern | string
  try {
    opened = translate(pattern, flags)
  } catch (error) {
    if (!(error instanceof Refusal)) return null // how deep the stack is must not be kept
    opened = problem(pattern, flags, error.message)
  }
  const bytes = 2 * key.length + (typeof opened === 'string' ? 2 * opened.length : opened.bytes)
  if (keptBytes + bytes > MAX_KEPT) {
    kept.clear()
    keptBytes = 0
  }
  keptBytes += bytes
  kept.set(key, opened)
  return opened
}

function problem(pattern: string, flags: string, reason: string): string {
  const shown = pattern.length > 100 ? `${pattern.slice(0, 100)}…` : pattern
  return `Invalid regular expression: /${shown}/${flags}: ${reason}`
}

function isLead(input: string, at: number): boolean {
  return at >= 0 && (input.charCodeAt(at) & 0xfc00) === 0xd800
}

function isTrail(input: string, at: number): boolean {
  return at < input.length && (input.charCodeAt(at) & 0xfc00) === 0xdc00
}
