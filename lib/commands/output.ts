// The one place where anything is printed: results on stdout, everything else on stderr.

import { escapeControls, escapeText } from './escape.js'

/** Prints lines of the result. Each stays one line, whatever a stranger has put into it. */
export function print(...lines: string[]): void {
  process.stdout.write(linesOf(lines))
}

/** Prints a text that is a result itself: as it is, but for what a terminal would obey. */
export function printText(text: string): void {
  process.stdout.write(forStdout(text) + '\n')
}

/** Prints one JSON object, as one line of the result. */
export function printJSON(object: object): void {
  printText(JSON.stringify(object))
}

/** Prints bytes as they are, but for what a terminal would obey; resolves once they are taken. */
export function printBytes(bytes: Uint8Array): Promise<void> {
  const printed = process.stdout.isTTY ? escapeText(Buffer.from(bytes).toString()) : bytes
  return new Promise((resolve, reject) =>
    process.stdout.write(printed, error => (error ? reject(error) : resolve()))
  )
}

/** Prints lines that are not part of the result. */
export function log(...lines: string[]): void {
  process.stderr.write(linesOf(lines))
}

/** A text of many lines, or JSON, as stdout should get it: as it is in a pipe. */
export function forStdout(text: string): string {
  return process.stdout.isTTY ? escapeText(text) : text
}

/** Resolves once everything printed so far has left the process. */
export function flush(): Promise<void> {
  return new Promise(resolve => process.stdout.write('', () => process.stderr.write('', () => resolve())))
}

function linesOf(lines: string[]): string {
  return lines.map(line => escapeControls(line) + '\n').join('')
}
