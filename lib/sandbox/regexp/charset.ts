// Sets of characters, as sorted bounds: [from, to, from, to…], `to` excluded.

import { EXTENSIONS, PLAIN_CASES, PROPERTIES, SCRIPTS, UNICODE_CASES } from './unicode-data.js'

export type CharSet = readonly number[]

/** One past the last character, with the flag u and without. */
export const CODE_POINTS = 0x110000
export const CODE_UNITS = 0x10000

export const DIGIT: CharSet = [0x30, 0x3a]
export const WORD: CharSet = [0x30, 0x3a, 0x41, 0x5b, 0x5f, 0x60, 0x61, 0x7b]
export const LINE_END: CharSet = [0x0a, 0x0b, 0x0d, 0x0e, 0x2028, 0x202a]
// tab to carriage return, the byte order mark, and the category Zs
export const SPACE: CharSet = [
  ...[0x09, 0x0e, 0x20, 0x21, 0xa0, 0xa1, 0x1680, 0x1681, 0x2000, 0x200b, 0x2028, 0x202a],
  ...[0x202f, 0x2030, 0x205f, 0x2060, 0x3000, 0x3001, 0xfeff, 0xff00]
]

/** @returns the characters of any of the sets */
export function union(sets: readonly CharSet[]): CharSet {
  if (sets.length === 1) return sets[0]
  const ranges: [number, number][] = []
  for (const set of sets) for (let i = 0; i < set.length; i += 2) ranges.push([set[i], set[i + 1]])
  ranges.sort((a, b) => a[0] - b[0])
  const out: number[] = []
  for (const [from, to] of ranges) {
    const last = out.length - 1
    if (last > 0 && from <= out[last]) out[last] = Math.max(out[last], to)
    else out.push(from, to)
  }
  return out
}

/** @returns the characters below `end` that are not of the set */
export function invert(set: CharSet, end: number): CharSet {
  const out: number[] = []
  let from = 0
  for (let i = 0; i < set.length; i += 2) {
    if (set[i] > from) out.push(from, set[i])
    from = set[i + 1]
  }
  if (from < end) out.push(from, end)
  return out
}

/** The groups of characters that are the same when case is ignored, and for each of their characters its group. */
interface Cases {
  codes: number[]
  groupOf: number[]
  groups: CharSet[]
}

let unicodeCases: Cases | null = null
let plainCases: Cases | null = null

/** @returns the characters that are the same as one of the set when case is ignored */
export function ignoreCase(set: CharSet, unicode: boolean): CharSet {
  const cases = unicode
    ? (unicodeCases ??= decodeCases(UNICODE_CASES))
    : (plainCases ??= decodeCases(PLAIN_CASES))
  const { codes, groupOf, groups } = cases
  const added = new Map<number, number>()
  for (let i = 0; i < set.length; i += 2) {
    for (let k = firstFrom(codes, set[i]); k < codes.length && codes[k] < set[i + 1]; k++) {
      added.set(groupOf[k], (added.get(groupOf[k]) ?? 0) + 1)
    }
  }
  const sets = [set]
  for (const [group, count] of added) if (count * 2 < groups[group].length) sets.push(groups[group])
  return union(sets)
}

function firstFrom(sorted: readonly number[], value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle] < value) low = middle + 1
    else high = middle
  }
  return low
}

let properties: Map<string, string> | null = null
let scripts: Map<string, string> | null = null
let extensions: Map<string, string> | null = null
const decoded = new Map<string, CharSet>()

/**
 * The characters of a property as it is written in a pattern, or null if there is no such property.
 * @param value what is behind the `=`, or null
 */
export function property(key: string, value: string | null): CharSet | null {
  const name = value ?? key
  properties ??= byName(PROPERTIES)
  scripts ??= byName(SCRIPTS)
  extensions ??= byName(EXTENSIONS)
  let table = properties
  if (key === 'Script' || key === 'sc') table = scripts
  if (key === 'Script_Extensions' || key === 'scx') table = extensions.has(name) ? extensions : scripts
  const text = table.get(name)
  if (text === undefined) return null
  let set = decoded.get(text)
  if (set === undefined) decoded.set(text, (set = decodeSet(text)))
  return set
}

function byName(table: Record<string, string>): Map<string, string> {
  const map = new Map<string, string>()
  for (const [names, set] of Object.entries(table)) for (const name of names.split('|')) map.set(name, set)
  return map
}

function decodeSet(text: string): CharSet {
  let bound = 0
  return numbers(text).map(distance => (bound += distance))
}

function decodeCases(text: string): Cases {
  const values = numbers(text)
  const groups: CharSet[] = []
  const members: [code: number, group: number][] = []
  let first = 0
  for (let i = 0; i < values.length;) {
    let code = (first += values[i++])
    const group = [code, code + 1]
    members.push([code, groups.length])
    for (let more = values[i++]; more > 0; more--) {
      code += values[i++]
      group.push(code, code + 1)
      members.push([code, groups.length])
    }
    groups.push(group)
  }
  members.sort((a, b) => a[0] - b[0])
  return { codes: members.map(([code]) => code), groupOf: members.map(([, group]) => group), groups }
}

function numbers(text: string): number[] {
  const out: number[] = []
  let value = 0
  let shift = 0
  for (let i = 0; i < text.length; i++) {
    const digit = digitOf(text.charCodeAt(i))
    value |= (digit & 31) << shift
    shift += 5
    if (digit > 31) continue
    out.push(value)
    value = shift = 0
  }
  return out
}

// A to Z, a to z, 0 to 9, +, -
function digitOf(code: number): number {
  if (code >= 97) return code - 71
  if (code >= 65) return code - 65
  if (code >= 48) return code + 4
  return code === 43 ? 62 : 63
}
