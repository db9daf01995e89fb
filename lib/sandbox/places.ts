// Where something stands in the files that the author wrote, while the sandbox knows only the script that was deployed.

import { SourceMap, type SourceMapPayload, type SourceMapping } from 'node:module'
import { dirname, join } from 'node:path'

/** A place in a file of the author; line and column count from 1. */
export interface Place {
  file: string
  line: number
  column: number | null
}

/** The places of a script in the author's files. */
export interface Places {
  /**
   * @param line in the script, from 1
   * @param column in the script, from 1; null if it is not known: then the first on the line that came from somewhere
   * @returns null for what no file of the author says, like helpers of the bundler
   */
  locate(line: number, column: number | null): Place | null
}

/**
 * @param map as `bundle` returns it
 * @param file the contract's file, as it shall be called; what it imports is named relative to its folder
 */
export function placesOf(map: string | null, file: string): Places {
  if (map === null) return { locate: (line, column) => ({ file, line, column }) }
  const decoded = new SourceMap(JSON.parse(map) as SourceMapPayload)
  return {
    locate(line, column) {
      const entry = column === null ? firstOn(decoded, line - 1) : entryAt(decoded, line - 1, column - 1)
      if (!entry) return null
      return {
        file: join(dirname(file), entry.originalSource),
        line: entry.originalLine + 1,
        column: entry.originalColumn + 1
      }
    }
  }
}

interface Entry extends SourceMapping {
  /** What the author's file calls it, if that is something else. */
  name?: string
}

// the last entry up to a place, if it is on the same line
function entryAt(map: SourceMap, line: number, column: number): Entry | null {
  const entry = map.findEntry(line, column)
  if (!('originalSource' in entry) || entry.originalSource === undefined) return null
  return entry.generatedLine === line ? entry : null
}

function firstOn(map: SourceMap, line: number): Entry | null {
  let first: Entry | null = null
  for (let column = Infinity; ;) {
    const entry = entryAt(map, line, column)
    if (!entry) return first
    first = entry
    column = entry.generatedColumn - 1
  }
}

/**
 * The bundler renames what would have the same name as something in another file.
 * @returns a function that puts the author's names into a text about the script
 */
export function namesOf(script: string, map: string | null): (text: string) => string {
  if (map === null) return text => text
  const decoded = new SourceMap(JSON.parse(map) as SourceMapPayload)
  const names = new Map<string, string>()
  for (const [line, text] of script.split('\n').entries()) {
    for (const { 0: word, index } of text.matchAll(/[\p{L}_$][\p{L}\p{N}_$]*\d(?![\p{L}_$])/gu)) {
      const entry = entryAt(decoded, line, index)
      if (entry?.generatedColumn === index && entry.name) names.set(word, entry.name)
    }
  }
  return text => text.replace(/[\p{L}_$][\p{L}\p{N}_$]*/gu, word => names.get(word) ?? word)
}
