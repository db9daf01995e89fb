// Runs programs with their meter and without it, in this realm: with the hooks, but without the metered builtins. Only the
// methods of generators are wrapped here as the builtins wrap them, because the transform counts on it.

import vm from 'node:vm'
import { meterSource } from '../../../lib/sandbox/meter.js'
import { hooksWith } from '../../../lib/sandbox/realm/hooks.js'
import {
  charge,
  end,
  enter,
  leave,
  reset,
  type Counters,
  type FaultCode
} from '../../../lib/sandbox/realm/meter.js'

type Method = (this: unknown, ...args: unknown[]) => unknown
type Run = (...args: unknown[]) => Promise<unknown>
interface Module {
  exports: { run: Run }
}
type Wrapper = (module: Module, exports: object, System: object, console: object, hooks: object) => void

const GENERATOR_WEIGHT = 8

for (const sample of [function* () {}, async function* () {}]) {
  const prototype = (Object.getPrototypeOf(sample) as { prototype: Record<string, Method> }).prototype
  for (const name of ['next', 'return', 'throw']) {
    const native = prototype[name]
    prototype[name] = function (...args) {
      const level = enter(GENERATOR_WEIGHT)
      charge(GENERATOR_WEIGHT)
      try {
        return Reflect.apply(native, this, args)
      } finally {
        leave(level)
      }
    }
  }
}

export interface Ran {
  value?: unknown
  error?: unknown
  threw: boolean
  fault: FaultCode | null
  gas: number
  /** of the stack when the call had ended */
  depth: number
}

const hooksFor = hooksWith({ RegExp, pow: Math.pow })

/** @param body of an async function with the parameters `log`, a function, and `out`, an object that the test holds */
export const asContract = (body: string) => `exports.run = async (log, out) => {${body}\n}`

export function compile(source: string): Wrapper {
  return new vm.Script(meterSource(source), { filename: 'contract.js' }).runInThisContext() as Wrapper
}

/** Runs a contract's method with its meter. */
export async function callMetered(source: string, args: unknown[] = [], gas = 10_000_000): Promise<Ran> {
  const wrapper = compile(source)
  const module: Module = { exports: { run: () => Promise.reject(new Error('nothing is exported')) } }
  const hooks = hooksFor(gas)
  let counters: Counters | null = null
  const spied = {
    ...hooks,
    bind(these: Counters) {
      counters = these
      hooks.bind(these)
    }
  }
  const ran: { value?: unknown; error?: unknown; threw: boolean } = { threw: false }
  try {
    wrapper(module, module.exports, {}, {}, spied)
    ran.value = await module.exports.run(...args)
  } catch (error) {
    ran.error = error
    ran.threw = true
  }
  const depth = (counters as Counters | null)?.depth() ?? 0
  const { fault, left } = end()
  reset() // the tests themselves use what is metered
  return { ...ran, fault: fault?.code ?? null, gas: gas - left, depth }
}

// a promise that nobody will handle
function handle(value: unknown) {
  if (value instanceof Promise) value.catch(() => {})
}

/** Runs the body of a method with its meter. */
export function runMetered(body: string, out: object = {}, gas?: number): Promise<Ran> {
  return callMetered(asContract(body), [handle, out], gas)
}
