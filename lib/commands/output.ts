// The one place where anything is printed: results on stdout, everything else on stderr.

/** Prints a line of the result. */
export function print(text: string): void {
  process.stdout.write(forTerminal(text, process.stdout) + '\n')
}

/** Prints one JSON object, as one line of the result. */
export function printJSON(object: object): void {
  print(JSON.stringify(object))
}

/** Prints bytes as they are; resolves once they are taken. */
export function printBytes(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) =>
    process.stdout.write(bytes, error => (error ? reject(error) : resolve()))
  )
}

/** Prints a line that is not part of the result. */
export function log(text: string): void {
  process.stderr.write(forTerminal(text, process.stderr) + '\n')
}

/** Resolves once everything printed so far has left the process. */
export function flush(): Promise<void> {
  return new Promise(resolve => process.stdout.write('', () => process.stderr.write('', () => resolve())))
}

// what contracts and hosts say may hold control sequences, which a terminal would obey
function forTerminal(text: string, { isTTY }: { isTTY?: boolean }): string {
  return isTTY ? text.replace(/[^\P{Cc}\n\t]/gu, '\ufffd') : text
}
