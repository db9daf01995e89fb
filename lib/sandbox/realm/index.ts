// The contract's realm, seen from outside. This folder is bundled into one script, which is run in a context of its own,
// before SES is loaded there. Nothing here knows of Node, and nothing of this reaches a contract but what it is given:
// the globals, System, console, and the hooks that only the code of the transform can name.

import { repair } from '../lockdown.js'
import { forgetJoins, installBuiltins, pow, prepareRealm, pruneWorld, useRegExp } from './builtins/index.js'
import { RunningCall, type Begin } from './call.js'
import { instantiate, methodsOf, type Wrapper } from './contract.js'
import { makeConsole } from './console.js'
import { hooksWith } from './hooks.js'
import { CONTRACT, lineOf, watchStacks } from './line.js'
import { end, faulted, free, notice, reset } from './meter.js'
import { makeRegExp, type Engine } from './regexp.js'
import { Session } from './system.js'
import { describe, type Failure } from './thrown.js'
import type { OracleShape } from '../types.js'

export type { Begin, CallEnd, RunningCall } from './call.js'

/** What loading a contract showed. */
export interface Loaded {
  /** the exported functions */
  methods: string[]
  /** what stopped it, if anything did */
  thrown: Failure['error'] | null
  line: number | null
  /** whether it called System, which it must not */
  touched: boolean
  gas: number
}

export interface Realm {
  /**
   * @param code as the transform makes it
   * @returns the wrapper, or what V8, which may know less than acorn, has to say against the code
   */
  compile(code: string): Wrapper | string
  /** Begins a call; the microtasks must be drained after that, as after each answer. */
  begin(wrapper: Wrapper, call: Begin): RunningCall
  /** Loads a contract; what it returns is to be called after the microtasks have drained. */
  load(wrapper: Wrapper, gas: number, oracles: OracleShape[]): () => Loaded
}

prepareRealm()

/** Makes this realm one for contracts, for good. @param engine matches regular expressions */
export function boot(engine: Engine): Realm {
  repair()
  installBuiltins() // between SES's two steps: what it keeps for itself is native
  const RegExp = makeRegExp(engine)
  useRegExp(RegExp)
  hardenIntrinsics()
  watchStacks()
  const compartment = new Compartment({ __options__: true, globals: {} })
  pruneWorld(compartment.globalThis)
  harden(compartment.globalThis) // before the first evaluation: globals are looked up a hundred times faster then
  const options = { __rejectSomeDirectEvalExpressions__: false } // the parser has seen to that
  const hooksFor = hooksWith({ RegExp, pow })
  return {
    compile(code) {
      reset()
      try {
        return compartment.evaluate(`${code}\n//# sourceURL=${CONTRACT}`, options) as Wrapper
      } catch (error) {
        return describe(error).error.message
      }
    },
    begin(wrapper, call) {
      reset()
      forgetJoins()
      return new RunningCall(wrapper, call, hooksFor)
    },
    load: (wrapper, gas, oracles) => load(wrapper, gas, oracles, hooksFor)
  }
}

function load(
  wrapper: Wrapper,
  gas: number,
  oracles: OracleShape[],
  hooksFor: (gas: number) => object
): () => Loaded {
  reset()
  const session = new Session(null, oracles)
  let exports: unknown
  let thrown: Failure['error'] | null = null
  let line: number | null = null
  try {
    exports = instantiate(
      wrapper,
      session.system,
      makeConsole(() => {}),
      hooksFor(gas)
    )
  } catch (error) {
    notice(error)
    free(() => {
      thrown = describe(error).error
      line = lineOf(error)
    })
  }
  return () => {
    const fault = faulted()
    if (fault !== null) thrown = { name: 'LimitError', message: fault.message, code: fault.code }
    const { left } = end()
    const methods = free(() => (thrown === null ? methodsOf(exports) : []))
    return { methods, thrown, line, touched: session.touched, gas: gas - left }
  }
}
