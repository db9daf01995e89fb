// Makes lib/sandbox/regexp/unicode-data.ts from the engine's own tables; run on a node of the wanted Unicode version:
//
//   node dist/test/sandbox/regexp/unicode-tables.js > lib/sandbox/regexp/unicode-data.ts

import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { argv, stdout, versions } from 'node:process'
import { fileURLToPath } from 'node:url'

const END = 0x110000
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-'

export interface Tables {
  properties: Record<string, string>
  scripts: Record<string, string>
  extensions: Record<string, string>
  unicodeCases: string
  plainCases: string
}

/** @returns the tables of this node */
export function makeTables(): Tables {
  const names = propertyNames()
  const categories = byset(names.categories, name => `gc=${name}`)
  const binary = byset(names.binary, name => name)
  const scripts = byset(names.scripts, name => `sc=${name}`)
  const all = byset(names.scripts, name => `scx=${name}`)
  // most scripts have no extensions, and are not listed twice
  const extensions = Object.fromEntries(Object.entries(all).filter(([key, set]) => scripts[key] !== set))
  return {
    properties: { ...categories, ...binary },
    scripts,
    extensions,
    unicodeCases: cases('iu', END),
    plainCases: cases('i', 0x10000)
  }
}

// the names that the parser of patterns knows for ECMAScript 2022
function propertyNames() {
  const source = readFileSync(createRequire(import.meta.url).resolve('@eslint-community/regexpp'), 'utf8')
  function set(variable: string) {
    const found = new RegExp(`const ${variable} = new DataSet\\(([^)]*)\\)`).exec(source)
    if (!found) throw new Error(`no ${variable}`)
    const years = JSON.parse(`[${found[1]}]`) as string[]
    return years.slice(0, 5).join(' ').split(' ').filter(Boolean)
  }
  return {
    categories: set('gcValueSets'),
    scripts: set('scValueSets'),
    binary: set('binPropertySets')
  }
}

/** Sets by all of their names: 'Lu|Uppercase_Letter'. */
function byset(names: string[], property: (name: string) => string): Record<string, string> {
  const sets = new Map<string, string[]>()
  for (const name of names) {
    const set = encodeSet(property(name))
    sets.set(set, [...(sets.get(set) ?? []), name])
  }
  return Object.fromEntries([...sets].map(([set, all]) => [all.join('|'), set]))
}

// in two parts, since a half of a pair at the end of the first would make a pair with the start of the second
const ALL = [textOf(0, 0xdc00), textOf(0xdc00, END)]

function textOf(from: number, to: number): string {
  let text = ''
  for (let code = from; code < to; code++) text += String.fromCodePoint(code)
  return text
}

function encodeSet(property: string): string {
  const bounds: number[] = []
  for (const text of ALL) {
    for (const match of text.matchAll(new RegExp(`\\p{${property}}+`, 'gu'))) {
      const from = match[0].codePointAt(0) ?? 0
      const to = text.codePointAt(match.index + match[0].length) ?? (text === ALL[0] ? 0xdc00 : END)
      if (bounds[bounds.length - 1] === from) bounds[bounds.length - 1] = to
      else bounds.push(from, to)
    }
  }
  return bounds.map((bound, i) => encode(bound - (bounds[i - 1] ?? 0))).join('')
}

/** Groups of characters that are the same when case is ignored: the first, how many more, and the distances. */
function cases(flags: string, end: number): string {
  const changing = new RegExp('[\\p{Changes_When_Casemapped}\\p{Changes_When_Casefolded}]', 'u')
  let text = ''
  for (let code = 0; code < end; code++) {
    if (code >= 0xd800 && code < 0xe000) continue
    const char = String.fromCodePoint(code)
    if (changing.test(char)) text += char
  }
  const seen = new Set<string>()
  let out = ''
  let last = 0
  for (const char of text) {
    if (seen.has(char)) continue
    const group = (text.match(new RegExp(char, 'g' + flags)) ?? []).map(same => same.codePointAt(0) ?? 0)
    for (const same of group) seen.add(String.fromCodePoint(same))
    if (group.length < 2) continue
    out += encode(group[0] - last) + encode(group.length - 1)
    for (let i = 1; i < group.length; i++) out += encode(group[i] - group[i - 1])
    last = group[0]
  }
  return out
}

// five bits a digit, the lowest first, 32 is added if more follow
function encode(value: number): string {
  let out = ''
  let rest = value
  while (rest > 31) {
    out += DIGITS[32 | (rest & 31)]
    rest >>>= 5
  }
  return out + DIGITS[rest]
}

function print(tables: Tables): string {
  function table(name: string, comment: string, sets: Record<string, string>) {
    const lines = Object.entries(sets).map(([key, set]) => `  ${quoteKey(key)}:\n    '${set}'`)
    return `/** ${comment} */\nexport const ${name}: Record<string, string> = {\n${lines.join(',\n')}\n}\n`
  }
  return `// The characters of Unicode ${versions.unicode}: made by test/sandbox/regexp/unicode-tables.ts, not by hand. The tables of the
// engine are not used since they are of another version on another machine.
//
// A set is the distances between its bounds: in, out, in, out… A number has five bits a digit of base 64, the lowest
// digit first, 32 is added if more follow.

/** Of which version these are. */
export const UNICODE = '${versions.unicode}'

${table('PROPERTIES', 'General categories and binary properties, by all of their names.', tables.properties)}
${table('SCRIPTS', 'Scripts.', tables.scripts)}
${table('EXTENSIONS', 'Script extensions, where they differ from the script.', tables.extensions)}
/** Characters that are the same when case is ignored, with the flag u: the first, how many more, the distances. */
export const UNICODE_CASES =
  '${tables.unicodeCases}'

/** The same without the flag u. */
export const PLAIN_CASES =
  '${tables.plainCases}'
`
}

function quoteKey(key: string): string {
  return /^\w+$/.test(key) ? key : `'${key}'`
}

if (argv[1] === fileURLToPath(import.meta.url)) stdout.write(print(makeTables()))
