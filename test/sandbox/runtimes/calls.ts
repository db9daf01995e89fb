// 200 calls on random data, of a contract that uses whatever might differ between machines. Prints a digest of all that is
// recorded: outcomes, gas and files. Run by runtimes.test.ts under different runtimes; it must always print the same.

import { createHash } from 'node:crypto'
import { Executor } from '../../../lib/sandbox/executor.js'
import { Random } from '../../helpers/random.js'
import { ALICE, BOB, World, type TestCall } from '../helper.js'

const CONTRACT = `
class Shape { #side; constructor(side) { this.#side = side } get area() { return this.#side ** 2 } }
class Circle extends Shape { get area() { return Math.PI * super.area } }

function* evens(list) { for (const n of list) if (n % 2 === 0) yield n }

exports.texts = async (words) => {
  const joined = words.map(word => word.trim().toLowerCase()).sort().join(' ')
  const counts = new Map()
  for (const word of joined.split(/[\\s,;]+/)) counts.set(word, (counts.get(word) ?? 0) + 1)
  await System.files.writeFile('/words/' + System.vm.index, JSON.stringify([...counts]))
  return { joined, upper: joined.toUpperCase(), padded: joined.padEnd(80, '·'), swapped: joined.replace(/(\\w)(\\w)/g, '$2$1'), dates: joined.match(/\\d{4}-\\d\\d-\\d\\d/g) }
}
exports.numbers = async list => {
  const sorted = [...list].sort((a, b) => a - b)
  const sum = list.reduce((a, b) => a + b, 0)
  return {
    sum, sorted, evens: [...evens(list.map(Math.trunc))], hex: list.map(n => Math.abs(Math.trunc(n)).toString(16)),
    fixed: list.map(n => n.toFixed(3)), exact: list.map(n => n.toPrecision(5)), exponent: list.map(n => n.toExponential(4)),
    waves: list.map(n => [Math.sin(n), Math.cos(n), Math.tan(n), Math.exp(n / 100), Math.log(Math.abs(n) + 1), Math.atan2(n, 3), Math.cbrt(n), Math.hypot(n, 4), Math.sinh(n / 100), Math.log10(Math.abs(n) + 1), Math.pow(Math.abs(n), 0.3), Math.abs(n) ** 1.7])
  }
}
exports.shapes = async list => list.map(side => [new Shape(side).area, new Circle(side).area])
exports.bytes = async data => {
  const view = new DataView(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength))
  let hash = 0
  for (let i = 0; i < data.length; i++) hash = Math.imul(hash ^ data[i], 16777619) >>> 0
  await System.files.writeFile('/bytes', data)
  return { hash, first: view.byteLength > 4 ? view.getUint32(0, true) : null, reversed: data.slice().reverse(), sorted: Uint8Array.from(data).sort() }
}
exports.json = async value => {
  const text = JSON.stringify(value, (key, item) => (typeof item === 'number' ? Math.round(item) : item), 2)
  const back = JSON.parse(text, (key, item) => (key === 'drop' ? undefined : item))
  return { text, keys: Object.keys(back), entries: Object.entries(back).length, same: JSON.stringify(back) === JSON.stringify(JSON.parse(text)) }
}
exports.dates = async list => list.map(text => { const date = new Date(text); return Number.isNaN(date.getTime()) ? null : [date.toISOString(), date.getTimezoneOffset(), date.getDay(), String(date)] })
exports.order = async n => {
  const seen = []
  const step = async (name, count) => { for (let i = 0; i < count; i++) { await null; seen.push(name + i) } return name }
  const all = await Promise.all([step('a', n), step('b', 2), System.files.readdir('/').then(l => (seen.push('list'), l.length)), step('c', 1)])
  return { seen, all }
}
exports.fails = async (kind, n) => {
  if (kind === 0) throw new RangeError('too much: ' + n)
  if (kind === 1) null.missing
  if (kind === 2) for (;;) n++
  if (kind === 3) { const f = () => f() + 1; return f() }
  if (kind === 4) return 'x'.repeat(2 ** 25)
  if (kind === 5) return JSON.parse('{' + n)
  if (kind === 6) undefinedName()
  return await System.files.readFile('/none/' + n)
}
exports.files = async (name, text) => {
  await System.files.writeFile('/notes/' + name, text)
  const names = await System.files.readdir('/notes')
  const all = await Promise.all(names.map(name => System.files.readFile('/notes/' + name)))
  return all.join('|').length
}
`

const random = new Random(Number(process.argv[2] ?? 1))
const int = (max: number) => random.below(max)
const next = () => random.below(2 ** 31) / 2 ** 31
const list = <T>(make: () => T, max = 12) => Array.from({ length: int(max) }, make)
const word = () =>
  ['Straße', 'naïve', 'İstanbul', 'ﬁne', 'Ωmega', '𝒳', 'a\u0301', '2020-02-29', 'tab\t', 'x,y;z', ''][
    int(11)
  ] + int(100)
const number = () => (next() - 0.5) * 10 ** int(8)
const date = () =>
  ['2020-01-0' + (1 + int(9)), '2021-12-31T23:59:59.999Z', '1 May 2020', 'x', '-000001-01-01T00:00Z'][int(5)]

const makers: [string, () => TestCall['args']][] = [
  ['texts', () => [list(word)]],
  ['numbers', () => [list(number)]],
  ['shapes', () => [list(number)]],
  ['bytes', () => [Uint8Array.from(list(() => int(256), 64))]],
  [
    'json',
    () => [
      { list: list(number), words: list(word), drop: int(9), nested: { deep: [[word()], { n: number() }] } }
    ]
  ],
  ['dates', () => [list(date)]],
  ['order', () => [int(9)]],
  ['fails', () => [int(8), int(100)]],
  ['files', () => [`f${int(9)}`, list(word).join()]]
]

const calls = Array.from({ length: 200 }, (): TestCall => {
  const [method, args] = makers[int(makers.length)]
  return { method, args: args(), caller: next() < 0.5 ? ALICE : BOB }
})

const executor = new Executor({ watchdog: 120_000 })
const world = new World(executor, CONTRACT)
const ended = await world.batch(...calls)
await executor.close()
const recorded = JSON.stringify([world.ended, world.gas, [...world.files]])
const values = world.ended.filter(one => 'value' in one).length
const digest = createHash('sha256').update(recorded).digest('hex')
process.stdout.write(JSON.stringify({ ended, values, gas: world.gas.reduce((a, b) => a + b, 0), digest }))
