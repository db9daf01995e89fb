// What is to be said about a contract before it is deployed, with the places in its author's files.

import path from 'node:path'
import { VMSError } from '../errors.js'
import { BundleError, type Bundle } from './bundle.js'
import type { Executor, RunOptions } from './executor.js'
import { namesOf, placesOf } from './places.js'
import type { Problem } from './types.js'

/** A problem or a warning, and the file that it is in; null where the message says it. */
export interface Finding extends Problem {
  file: string | null
}

export interface Findings {
  methods: string[]
  /** How each method is called, as far as the source tells. */
  signatures: string[]
  problems: Finding[]
  warnings: Finding[]
  /** The gas that loading takes. */
  load: number
}

/**
 * @param script the contract's file as it was typed: so the places are given
 * @param gas what loading it may take
 */
export async function inspect(
  executor: Executor,
  { source, map }: Bundle,
  script: string,
  options: RunOptions = {}
): Promise<Findings> {
  const places = placesOf(map, script)
  const authors = namesOf(source, map)
  const find = ({ message: text, line, column }: Problem): Finding => {
    const message = authors(text)
    if (line === null) return { file: script, message, line, column }
    const place = places.locate(line, column)
    if (place) return { file: place.file, message, line: place.line, column: place.column }
    return { file: `${script} (bundled)`, message, line, column }
  }
  const { methods, signatures, problems, warnings, load } = await executor.inspect(source, options)
  return {
    methods,
    signatures: signatures.map(authors),
    problems: problems.map(find),
    warnings: warnings.map(find),
    load
  }
}

/**
 * What keeps a contract from being read or bundled.
 * @throws the error, if it is another
 */
export function findingsOf(error: unknown, script: string): Findings {
  if (!(error instanceof BundleError)) throw error
  const problems = error.problems.map(({ file, message, line, column }) => ({
    file: file === null ? null : path.join(path.dirname(script), file),
    message,
    line,
    column
  }))
  return { methods: [], signatures: [], problems, warnings: [], load: 0 }
}

/** @throws VMSError INVALID_CONTRACT with the first problem, if there is one */
export function refuse({ problems }: Findings): void {
  if (problems.length > 0) throw new VMSError('INVALID_CONTRACT', describeProblem(problems[0]))
}

export function describeProblem({ file, line, column, message }: Finding): string {
  return `${placeOf(file, line, column)}${message}`
}

export function describeWarning({ file, line, column, message }: Finding): string {
  return `${placeOf(file, line, column)}warning: ${message}`
}

function placeOf(file: string | null, line: number | null, column: number | null): string {
  if (file === null) return ''
  return line === null ? `${file}: ` : `${file}:${line}:${column ?? 1}: `
}
