// What the sandbox costs: the same contract metered, unmetered in the same realm, and in plain node; in one process, since
// a realm is locked down for good. Prints its rows as JSON.

import { readFileSync } from 'node:fs'
import { createContext, Script } from 'node:vm'
import type { Value } from '../../lib/ledger/values.js'
import { ContractRealm, type Wrapper } from '../../lib/sandbox/context.js'
import { meterSource } from '../../lib/sandbox/meter.js'
import { median, round, type Row } from './measure.js'

const GAS = 2 ** 31 - 1
const ROUNDS = 15

const COMPUTE = `
exports.fib = n => fib(n)
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) }
exports.sieve = n => {
  const composite = []
  let count = 0
  for (let i = 0; i < n; i++) composite.push(false)
  for (let i = 2; i < n; i++) {
    if (composite[i]) continue
    count++
    for (let j = i * i; j < n; j += i) composite[j] = true
  }
  return count
}
exports.json = n => {
  let size = 0
  for (let i = 0; i < n; i++) {
    const text = JSON.stringify({ id: i, name: 'guest ' + i, tags: ['a', 'b'], nested: { yes: true } })
    size += JSON.parse(text).name.length
  }
  return size
}
exports.strings = n => {
  let out = ''
  for (let i = 0; i < n; i++) out += 'line ' + i + ', '
  return out.split(', ').map(part => part.trim().toUpperCase()).filter(part => part.endsWith('7')).join('').length
}
exports.sort = n => {
  const items = Array.from({ length: n }, (_, i) => ({ key: (i * 7919) % n, name: 'n' + i }))
  return items.sort((a, b) => a.key - b.key)[0].name
}
`

const WORK: [method: string, argument: number][] = [
  ['fib', 25],
  ['sieve', 100_000],
  ['json', 3000],
  ['strings', 10_000],
  ['sort', 10_000]
]

type Run = (method: string, args: Value[]) => void

function inRealm(realm: ContractRealm, wrapper: Wrapper): Run {
  const files = new Map<string, Value>()
  return (method, args) => {
    const call = { method, args, caller: 'y'.repeat(52), vm: 'y'.repeat(52), index: 0, gas: GAS, oracles: [] }
    const running = realm.begin(wrapper, call)
    for (let end = running.ended(); end === null; end = running.ended()) {
      const asked = running.next()
      if (asked === null) throw new Error('the call waits')
      const [path, data] = asked.args
      if (asked.name === 'files.writeFile') files.set(path as string, data)
      const found = files.get(path as string)
      if (asked.name === 'files.writeFile') realm.answer(running, { ok: true, value: null })
      else if (asked.name === 'files.readdir') realm.answer(running, { ok: true, value: [...files.keys()] })
      else if (found === undefined)
        realm.answer(running, { ok: false, code: 'ENOENT', message: 'no such file' })
      else realm.answer(running, { ok: true, value: found })
    }
    const outcome = running.ended()?.outcome
    if (outcome?.ok !== true) throw new Error(JSON.stringify(outcome))
  }
}

function compile(realm: ContractRealm, code: string): Wrapper {
  const wrapper = realm.compile(code)
  if (typeof wrapper === 'string') throw new Error(wrapper)
  return wrapper
}

/** The contract as the realm runs it without the transform; builtins are free then. */
function unmetered(source: string): string {
  return `(function (module, exports, System, console, $$h) { 'use strict'; (function () {${source}\n})() })`
}

function plainNode(source: string): Run {
  const context = createContext({})
  const load = new Script(`(function (exports) { 'use strict'; ${source}\n})`).runInContext(context) as (
    exports: object
  ) => void
  return (method, args) => {
    const exports: { [name: string]: (...args: Value[]) => unknown } = {}
    load(exports)
    exports[method](...args)
  }
}

/** ms that each of the runs takes, in turns so that they meet the same machine. */
function compare(runs: (() => void)[], times = 1): number[] {
  const samples = runs.map((): number[] => [])
  for (let round = 0; round < ROUNDS + 3; round++) {
    for (const [i, run] of runs.entries()) {
      const start = performance.now()
      for (let n = 0; n < times; n++) run()
      if (round >= 3) samples[i].push((performance.now() - start) / times)
    }
  }
  return samples.map(median)
}

const plain = plainNode(COMPUTE)
const begun = performance.now()
const realm = new ContractRealm()
const made = performance.now() - begun
const rsvp = readFileSync(new URL('../../../fixtures/contracts/rsvp.js', import.meta.url), 'utf8')

const rows: Row[] = [
  {
    work: 'realm made',
    value: round(made),
    unit: 'ms',
    conditions: 'SES loaded, builtins metered, locked down'
  }
]

// loading: from the source to something that can be called
const many = (n: number) => `exports.a${n} = () => ${n}\n${rsvp}`
const large = COMPUTE.repeat(Math.ceil(130_000 / COMPUTE.length)).replaceAll(
  'function fib',
  'exports.f = function'
)
const [small, big] = [() => compile(realm, meterSource(rsvp)), () => compile(realm, meterSource(large))].map(
  load => compare([load])[0]
)
rows.push({
  work: 'contract loaded, 0.3 KB',
  value: round(small),
  unit: 'ms',
  conditions: 'parsed, metered, compiled'
})
rows.push({
  work: 'contract loaded, 130 KB',
  value: round(big),
  unit: 'ms',
  conditions: 'parsed, metered, compiled'
})

const heap = () => {
  global.gc!()
  return process.memoryUsage().heapUsed
}
const before = heap()
const kept = Array.from({ length: 500 }, (_, n) => compile(realm, meterSource(many(n))))
rows.push({
  work: 'memory of a loaded contract',
  value: round((heap() - before) / kept.length / 1024, 1),
  unit: 'KiB',
  conditions: '0.3 KB of source, 500 of them'
})

const metered = inRealm(realm, compile(realm, meterSource(rsvp)))
const free = inRealm(realm, compile(realm, unmetered(rsvp)))
const [a, b] = compare([() => metered('RSVP', [true, 'x']), () => free('RSVP', [true, 'x'])], 500)
rows.push({
  work: 'RSVP in the sandbox',
  value: round(a * 1000),
  unit: 'µs',
  conditions: 'System calls answered from memory'
})
rows.push({
  work: 'RSVP, metered to unmetered',
  value: round(a / b),
  unit: '×',
  conditions: 'the same realm'
})

const meteredWork = inRealm(realm, compile(realm, meterSource(COMPUTE)))
for (const [method, n] of WORK) {
  const [ours, node] = compare([() => meteredWork(method, [n]), () => plain(method, [n])])
  rows.push({ work: `${method}(${n})`, value: round(ours), unit: 'ms', conditions: 'metered' })
  rows.push({
    work: `${method}(${n}), metered to plain node`,
    value: round(ours / node),
    unit: '×',
    conditions: 'warm'
  })
}

process.stdout.write(JSON.stringify(rows))
