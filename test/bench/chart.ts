// Draws what `scale` has measured.

import { readFile, writeFile } from 'node:fs/promises'
import { install } from './peers/install.js'
import type { Point, Series } from './scale.js'

const SERIES: [Series, string][] = [
  ['calls', 'calls in the log'],
  ['files', 'files in one folder'],
  ['vms', 'VMs of a host'],
  ['callers', 'connected callers']
]

const MEASURES: ['serve' | 'audit' | 'start' | 'memory', string][] = [
  ['serve', 'calls/s'],
  ['audit', 'audit, records/s'],
  ['start', 'start, s'],
  ['memory', 'memory, MiB']
]

/** Where the lower axis has a number. */
const POWERS = Array.from({ length: 7 }, (_, i) => 10 ** i)

/** The part of vega that is used. */
interface Vega {
  parse: (spec: object) => object
  View: new (runtime: object, options: { renderer: 'none' }) => { toSVG(): Promise<string> }
}

interface VegaLite {
  compile: (spec: object) => { spec: object }
}

/** @param results file with the JSON that `scale` has printed */
export async function chart(results: string, out: string): Promise<void> {
  const text = await readFile(results, 'utf8')
  // npm says what it runs before
  const { points } = JSON.parse(text.slice(text.indexOf('{'))) as { points?: Point[] }
  if (!points?.length) throw new Error(`${results} has no points: it is not what "scale" prints`)
  const packages = await install('chart')
  const vega = await packages.import<Vega>('vega')
  const { compile } = await packages.import<VegaLite>('vega-lite')
  const view = new vega.View(vega.parse(compile(specOf(points)).spec), { renderer: 'none' })
  await writeFile(out, await view.toSVG())
}

function specOf(points: Point[]): object {
  const values = points.flatMap(point =>
    MEASURES.map(([measure, title]) => ({
      series: SERIES.find(([series]) => series === point.series)![1],
      measure: title,
      size: point.size,
      value: point[measure]
    }))
  )
  return {
    data: { values },
    background: 'white',
    facet: {
      row: { field: 'measure', sort: MEASURES.map(([, title]) => title), title: null },
      column: { field: 'series', sort: SERIES.map(([, title]) => title), title: null }
    },
    spec: {
      width: 180,
      height: 130,
      mark: { type: 'line', point: true },
      encoding: {
        x: {
          field: 'size',
          type: 'quantitative',
          scale: { type: 'log' },
          axis: { title: null, format: '~s', values: POWERS, grid: false }
        },
        y: {
          field: 'value',
          type: 'quantitative',
          scale: { zero: true },
          axis: { title: null, format: '~g' }
        }
      }
    },
    resolve: { scale: { x: 'independent', y: 'independent' } }
  }
}
