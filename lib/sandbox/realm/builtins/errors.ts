// Error and its kind, charged. The trace of the stack, which differs between machines, is kept from the contract.

import { FRAMES, untrace } from '../line.js'
import { charge } from '../meter.js'
import { addBuiltin } from './functions.js'
import * as to from './tools.js'

const E = Error.prototype
const errorToString = to.native<[], string>(E, 'toString')

/** What an error costs, its trace included. */
const MADE = 150

interface Native {
  name: string
  native: to.Constructor
}

const KINDS: Native[] = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map(
  native => ({
    name: native.name,
    native: native
  })
)

/** The property in which the engine leaves its trace, where it is one: the same everywhere once it is gone. */
function untraced(error: object): object {
  untrace(error)
  return error
}

function options(given: unknown): unknown {
  // only the cause is looked at
  return to.isObject(given) && 'cause' in given ? { cause: given.cause } : undefined
}

function constructorOf({ native }: Native): object {
  const own = function (this: unknown, message?: unknown, given?: unknown): unknown {
    const target = new.target as unknown
    charge(MADE)
    const text = message === undefined ? undefined : to.toText(message)
    return untraced(to.construct(native, [text, options(given)] as never, target ?? own) as object)
  }
  return own
}

const NativeAggregate = AggregateError

function aggregate(): object {
  const own = function (this: unknown, errors?: unknown, message?: unknown, given?: unknown): unknown {
    const target = new.target as unknown
    charge(MADE)
    const text = message === undefined ? undefined : to.toText(message)
    const cause = options(given)
    const made = to.construct(NativeAggregate, [[], text, cause] as never, target ?? own) as object
    const list: unknown[] = []
    to.deeper(() =>
      to.iterate(errors, (errors as { [Symbol.iterator]?: unknown })[Symbol.iterator], error => {
        charge(2)
        to.boundArray(list.length + 1)
        to.append(list, error)
      })
    )
    Reflect.defineProperty(made, 'errors', {
      value: list,
      writable: true,
      enumerable: false,
      configurable: true
    })
    return untraced(made)
  }
  return own
}

const methods = {
  toString(this: unknown) {
    return to.deeper(() => {
      const text = errorToString(this)
      to.chargeString(text.length)
      return text
    })
  }
}

/** @param base  the constructor of Error that stands now: the native one is out of reach already */
export function installErrors(base: to.Constructor): void {
  const native = KINDS[0].native as unknown as { stackTraceLimit?: number }
  native.stackTraceLimit = FRAMES
  // newer engines have accessors there, the same ones for all errors
  const trace = to.getOwnPropertyDescriptor(to.construct(native, []) as object, 'stack') as
    Record<string, unknown> | undefined
  for (const accessor of [trace?.get, trace?.set]) {
    if (typeof accessor !== 'function') continue
    Object.freeze(accessor)
    addBuiltin(accessor)
  }
  const OurError = constructorOf(KINDS[0])
  to.replaceConstructor(OurError, base)
  for (const kind of KINDS.slice(1)) {
    const own = constructorOf(kind)
    to.replaceConstructor(own, kind.native)
    to.setPrototypeOf(own, OurError)
  }
  const own = aggregate()
  to.replaceConstructor(own, NativeAggregate)
  to.setPrototypeOf(own, OurError)
  to.replace(E, methods)
}
