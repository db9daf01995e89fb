// A realm with the metered builtins, as the sandbox makes it, and one with the natives to compare with.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import vm from 'node:vm'
import { buildSync } from 'esbuild'

const require = createRequire(import.meta.url)
const folder = path.dirname(fileURLToPath(import.meta.url))

/** The sources: the tests run from `dist`. */
const root = folder.split(`${path.sep}dist${path.sep}`)[0]
const realm = path.join(
  folder.includes(`${path.sep}dist${path.sep}`) ? root : path.resolve(folder, '../../..'),
  'lib/sandbox/realm'
)

const ENTRY = `
import * as builtins from './builtins/index.js'
import * as intrinsics from './intrinsics.js'
import * as meter from './meter.js'
import * as tools from './builtins/tools.js'
builtins.prepareRealm()
globalThis.$$ours = { builtins, intrinsics, meter, tools }
`

let bundled: string | null = null

function bundle(): string {
  bundled ??= buildSync({
    stdin: { contents: ENTRY, resolveDir: realm, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'neutral',
    mainFields: ['main'],
    target: 'es2022',
    banner: { js: "'use strict';" },
    logLevel: 'error'
  }).outputFiles[0].text
  return bundled
}

/** Locks the realm down, as lib/sandbox/realm.ts does. */
const BOOT = `
(() => {
  const { builtins, intrinsics, meter, tools } = globalThis.$$ours
  repairIntrinsics({
    errorTaming: 'safe', stackFiltering: 'omit-frames', overrideTaming: 'severe', overrideDebug: [],
    localeTaming: 'safe', consoleTaming: 'safe', regExpTaming: 'safe', domainTaming: 'safe', evalTaming: 'safe-eval',
    errorTrapping: 'none', unhandledRejectionTrapping: 'none', legacyRegeneratorRuntimeTaming: 'safe',
    __hardenTaming__: 'safe', reporting: 'none'
  })
  builtins.installBuiltins()
  // a class that stands for that of the sandbox
  class RegExp {
    constructor(source, flags = '') { this.source = String(source); this.flags = flags }
    [Symbol.match](text) { return ['match', text, this.source, this.flags] }
    [Symbol.matchAll](text) { return ['matchAll', text, this.source, this.flags] }
    [Symbol.search](text) { return ['search', text, this.source, this.flags].join() }
    [Symbol.replace](text, by) { return ['replace', text, this.source, typeof by].join() }
    [Symbol.split](text, limit) { return ['split', text, this.source, limit] }
  }
  builtins.useRegExp(RegExp)
  hardenIntrinsics()
  const compartment = new Compartment({ __options__: true, globals: {} })
  builtins.pruneWorld(compartment.globalThis)
  harden(RegExp)
  harden(compartment.globalThis)
  const evaluate = compartment.evaluate.bind(compartment)
  let gas = 0
  let depth = 0
  const counters = {
    spend: units => (gas -= units), gas: () => gas, stop: () => { gas = -1 }, depth: () => depth,
    setDepth: level => { depth = level }, caught: () => undefined
  }
  const run = (fn, units) => {
    gas = units
    depth = 0
    meter.begin(counters)
    let outcome
    try {
      outcome = { value: fn() }
    } catch (error) {
      outcome = { error }
    }
    const spent = units - gas
    const { fault, left } = meter.end()
    meter.reset()
    return { ...outcome, fault: fault === null ? null : fault.code, gas: fault === null ? units - left : units, spent, depth }
  }
  return { evaluate, run, builtins, intrinsics, meter, tools }
})()
`

export interface Run {
  value?: unknown
  error?: unknown
  /** The code of the fault, if there was one. */
  fault: string | null
  gas: number
  depth: number
}

export interface Realm {
  evaluate(source: string): unknown
  /** Runs a function of the realm with gas. */
  run(fn: unknown, gas: number): Run
  /** Runs a script in the realm's own global scope. */
  script(source: string): unknown
  builtins: Record<string, unknown>
  intrinsics: {
    TABLE: Record<string, unknown>
    GLOBALS: string[]
    nameOf(key: PropertyKey): string
  } & Record<string, unknown>
  tools: { isMetered(fn: object): boolean }
}

function context(): vm.Context {
  return vm.createContext(Object.create(null) as vm.Context, {
    codeGeneration: { strings: true, wasm: false },
    microtaskMode: 'afterEvaluate'
  })
}

/** @returns a realm in which the metered builtins stand */
export function meteredRealm(): Realm {
  const inside = context()
  vm.runInContext(bundle(), inside)
  vm.runInContext(
    readFileSync(path.join(path.dirname(require.resolve('ses/package.json')), 'dist/ses.umd.js'), 'utf8'),
    inside
  )
  const made = vm.runInContext(BOOT, inside) as Omit<Realm, 'script'>
  return { ...made, script: source => vm.runInContext(source, inside) as unknown }
}

/** @returns evaluates scripts among the engine's own builtins */
export function nativeRealm(): (source: string) => unknown {
  const inside = context()
  return source => vm.runInContext(source, inside) as unknown
}
