// Sizes as people write them: bytes, with a unit or without.

import { VMSError } from '../errors.js'

const UNITS = new Map<string, number>([
  ['', 1],
  ['b', 1],
  ...['k', 'm', 'g', 't'].flatMap((letter, i): [string, number][] => [
    [letter, 1024 ** (i + 1)],
    [`${letter}b`, 1000 ** (i + 1)],
    [`${letter}ib`, 1024 ** (i + 1)]
  ])
])

/**
 * The size that a flag was given: `5000`, `10MB`, `1.5 GiB`; `10M` is `10MiB`.
 * @returns bytes
 * @throws VMSError USAGE
 */
export function parseSize(flag: string, text: string, { min = 1, max = Infinity } = {}): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text.trim()) ?? []
  const bytes = Math.floor(Number(number) * (UNITS.get(unit?.toLowerCase()) ?? NaN))
  if (Number.isSafeInteger(bytes) && bytes >= min && bytes <= max) return bytes
  const range = max === Infinity ? `from ${formatSize(min)}` : `from ${formatSize(min)} to ${formatSize(max)}`
  throw new VMSError('USAGE', `${flag} takes a size ${range}, as 500kB, 10MB or 1GiB, not "${text}"`)
}

/** A size for people: `12 bytes`, `1.5 MB`, or `1 MiB` where that is exact. @param bytes a whole number */
export function formatSize(bytes: number): string {
  for (const [i, unit] of [...'TGMK'].entries()) {
    const size = 1024 ** (4 - i)
    if (bytes % size === 0 && bytes >= size && bytes < 1024 * size) return `${bytes / size} ${unit}iB`
  }
  const units = ['TB', 'GB', 'MB', 'kB']
  const i = units.findIndex((_, i) => bytes >= 1000 ** (4 - i))
  if (i === -1) return bytes === 1 ? '1 byte' : `${bytes} bytes`
  const number = bytes / 1000 ** (4 - i)
  return `${number < 10 ? Math.floor(number * 10) / 10 : Math.floor(number)} ${units[i]}`
}
