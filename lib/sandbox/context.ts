// The contract's realm: a context of its own inside the sandbox's process, with its own builtins and its own queue of
// microtasks. No object of ours ever gets within a contract's reach, and nothing of ours runs on a contract's stack but
// the engine of regular expressions, which takes and gives primitives.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { createContext, Script } from 'node:vm'
import type { OracleShape, SystemAnswer } from './types.js'
import { repair } from './lockdown.js'
import type { Begin, Loaded, Realm, RunningCall } from './realm/index.js'
import { engine } from './regexp/engine.js'

const require = createRequire(import.meta.url)

/** A contract's module code, compiled in its realm. */
export type Wrapper = Exclude<ReturnType<Realm['compile']>, string>

export class ContractRealm {
  readonly #realm: Realm
  readonly #drain: () => void

  /** Locks down this process's own realm too, for good. */
  constructor() {
    // 'afterEvaluate': the microtasks of the context run when a script in it ends, and not before
    const context = createContext(Object.create(null) as object, {
      codeGeneration: { strings: true, wasm: false },
      microtaskMode: 'afterEvaluate'
    })
    const run = (path: string): unknown =>
      new Script(readFileSync(path, 'utf8'), { filename: path }).runInContext(context)
    const { boot } = run(
      fileURLToPath(new URL('./realm.js', import.meta.url))
    ) as typeof import('./realm/index.js')
    run(require.resolve('ses').replace(/[^/\\]*$/, 'ses.umd.js'))
    this.#realm = boot(engine)
    const nothing = new Script('0')
    this.#drain = () => void nothing.runInContext(context)
    require('ses')
    repair()
    hardenIntrinsics()
  }

  /** @returns the contract, or why V8 does not take what acorn took */
  compile(code: string): Wrapper | string {
    return this.#realm.compile(code)
  }

  /** Runs a call until it has ended or waits for an answer. */
  begin(wrapper: Wrapper, call: Begin): RunningCall {
    const running = this.#realm.begin(wrapper, call)
    this.#drain()
    return running
  }

  /** Runs it on, with the answer to what it asked for. */
  answer(running: RunningCall, answer: SystemAnswer): void {
    if (answer.ok) running.answer(answer.value)
    else running.refuse(answer.message, answer.code)
    this.#drain()
  }

  /** Runs the module code of a contract, to see what it exports. */
  load(wrapper: Wrapper, gas: number, oracles: OracleShape[]): Loaded {
    const ended = this.#realm.load(wrapper, gas, oracles)
    this.#drain()
    const loaded = ended()
    return { ...loaded, methods: Array.from(loaded.methods) } // the methods of its arrays are metered
  }
}
