// Rows as a table for people.

import { round, type Row } from './measure.js'

const HEADINGS = ['work', 'figure', '', 'p50 / p99 ms', 'conditions']

/** Figures stand under each other from the right. */
const RIGHT = [1, 3]

/** Letters of a line of the last column. */
const WIDTH = 80

export function tableOf(rows: Row[]): string {
  const cells = [HEADINGS, ...rows.map(cellsOf)]
  const widths = HEADINGS.slice(0, -1).map((_, column) => Math.max(...cells.map(line => line[column].length)))
  const lines = cells.flatMap(line => {
    const padded = widths.map((width, i) =>
      RIGHT.includes(i) ? line[i].padStart(width) : line[i].padEnd(width)
    )
    const begin = [...padded, ''].join('  ')
    return wrap(line.at(-1)!).map((text, i) => (i === 0 ? begin : ' '.repeat(begin.length)) + text)
  })
  const rule = '-'.repeat(widths.reduce((sum, width) => sum + width + 2, WIDTH))
  return [lines[0], rule, ...lines.slice(1)].map(line => line.trimEnd() + '\n').join('')
}

function cellsOf({ work, value, unit, latency, conditions, error }: Row): string[] {
  const figure = value === null ? 'none' : value.toLocaleString('en')
  const times = latency ? `${round(latency.p50, 1)} / ${round(latency.p99, 1)}` : ''
  const [why] = (error ?? '').split('\n')
  return [work, figure, unit, times, error === undefined ? conditions : `${conditions}: ${why}`]
}

function wrap(text: string): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const longer = lines.at(-1) === '' ? word : `${lines.at(-1)} ${word}`
    if (longer.length <= WIDTH) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}
