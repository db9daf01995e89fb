// Regular expressions of ours beside those of node.

import { buildSync } from 'esbuild'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import vm from 'node:vm'
import { engine } from '../../../lib/sandbox/regexp/engine.js'
import type * as meterModule from '../../../lib/sandbox/realm/meter.js'

const folder = path.dirname(fileURLToPath(import.meta.url))

/** A number below a bound, the same ones for the same seed. */
export function random(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** What node finds: the place and the groups, as JSON. */
export function native(pattern: string, flags: string, input: string, from = 0): string {
  const regexp = new RegExp(pattern, flags.includes('y') ? flags : `${flags}g`)
  regexp.lastIndex = from
  const match = regexp.exec(input)
  return match === null ? 'null' : JSON.stringify([match.index, ...Array.from(match, text => text ?? null)])
}

/** What the engine finds. */
export function ours(pattern: string, flags: string, input: string, from = 0): string {
  const handle = engine.open(pattern, flags)
  if (handle === null || typeof handle === 'string') throw new Error(handle ?? 'a full stack')
  const sticky = flags.includes('y')
  const answer = engine.match(handle, input, from, sticky, true, () => true)
  const places: unknown[] = []
  for (let i = 0; i < engine.groups(handle); i++) {
    const start = engine.place(2 * i)
    places.push(start < 0 ? null : input.slice(start, engine.place(2 * i + 1)))
  }
  const found = answer === 1 ? JSON.stringify([engine.place(0), ...places]) : 'null'
  if (engine.match(handle, input, from, sticky, false, () => true) !== answer) throw new Error('test differs')
  return found
}

interface Realm {
  /** Runs a script in which RegExp is ours. @returns what it comes to, as JSON, or the error */
  run(script: string): string
  /** Runs it with gas. @returns how much it took, or how it was stopped */
  spend(script: string, gas: number): number | string
}

/** A realm of its own in which the RegExp is ours, or node's own. */
export function makeRealm(own: boolean): Realm {
  const context = vm.createContext(Object.create(null) as vm.Context)
  let meter: typeof meterModule | null = null
  if (own) {
    const built = buildSync({
      stdin: {
        contents: `export { makeRegExp } from './regexp.js'\nexport * as meter from './meter.js'`,
        resolveDir: path.resolve(folder, '../../../lib/sandbox/realm')
      },
      bundle: true,
      write: false,
      format: 'iife',
      globalName: '$$bundle',
      target: 'es2022',
      platform: 'neutral',
      banner: { js: `'use strict'` } // as modules are, scripts are not
    })
    // whoever used an expression of node here would be found out
    vm.runInContext(`/a/.constructor.prototype.exec = () => { throw new Error('of node') }`, context)
    vm.runInContext(built.outputFiles[0].text, context)
    const install = vm.runInContext(
      'engine => { globalThis.RegExp = $$bundle.makeRegExp(engine); return $$bundle.meter }',
      context
    ) as (given: typeof engine) => typeof meterModule
    meter = install(engine)
  }
  function evaluate(script: string) {
    return vm.runInContext(
      `(() => { 'use strict'
        const show = value => JSON.stringify(value, (key, item) =>
          item === undefined ? '(undefined)'
          : Array.isArray(item) && 'index' in item && key !== 'array' ? { array: [...item], index: item.index, input: item.input,
              groups: item.groups, indices: item.indices && [...item.indices, item.indices.groups] }
          : item)
        try { return show((() => { ${script} })()) } catch (error) { return 'throws ' + error.name } })()`,
      context
    ) as string
  }
  return {
    run: evaluate,
    spend(script, gas) {
      if (meter === null) throw new Error('not metered')
      let left = gas
      meter.begin({
        spend: units => (left < 0 ? left : (left -= units)),
        gas: () => left,
        stop: () => (left = -1),
        depth: () => 0,
        setDepth: () => {},
        caught: () => undefined
      })
      vm.runInContext(`(() => { try { (() => { ${script} })() } catch {} })()`, context)
      const end = meter.end()
      meter.reset()
      return end.fault?.code ?? gas - end.left
    }
  }
}
