// Promise, and the objects of generators. The constructor of promises stays the native: `await` looks for it.

import { untrace } from '../line.js'
import { caught, charge, enter, leave } from '../meter.js'
import { combinators } from './combinators.js'
import * as to from './tools.js'

const P = Promise.prototype
const NativeError = Error
const then = to.native<[unknown, unknown], unknown>(P, 'then')
const catchNative = to.native<[unknown], unknown>(P, 'catch')
const finallyNative = to.native<[unknown], unknown>(P, 'finally')

type Static = (this: unknown, given: unknown) => unknown

const methods = {
  then(this: unknown, onFulfilled?: unknown, onRejected?: unknown) {
    charge(50)
    // what is rejected may be the engine's complaint about a full stack, which a contract must not see
    const rejected =
      typeof onRejected === 'function'
        ? (reason: unknown) => {
            caught(reason)
            if (reason instanceof NativeError) untrace(reason)
            return to.apply(onRejected as to.Method, undefined, [reason] as never)
          }
        : onRejected
    return then(this, onFulfilled, rejected)
  },
  catch(this: unknown, onRejected?: unknown) {
    return to.deeper(() => catchNative(this, onRejected))
  },
  finally(this: unknown, onFinally?: unknown) {
    charge(40)
    return to.deeper(() => finallyNative(this, onFinally))
  }
}

const { resolve, reject } = Promise as unknown as Record<string, Static>

const statics = {
  ...combinators,
  resolve(this: unknown, value?: unknown) {
    charge(10)
    return to.apply(resolve, this, [value])
  },
  reject(this: unknown, reason?: unknown) {
    charge(10)
    return to.apply(reject, this, [reason])
  }
}

/** A step of a generator runs code of the contract, at the depth of whoever asks for it. */
function resuming(prototype: object, price: number): void {
  for (const key of ['next', 'return', 'throw']) {
    const step = to.native<[unknown], unknown>(prototype, key)
    const method = {
      [key](this: unknown, value?: unknown) {
        charge(price)
        const level = enter(to.CALLBACK)
        try {
          return step(this, value)
        } finally {
          leave(level)
        }
      }
    }
    to.replace(prototype, method)
  }
}

export const GeneratorPrototype = to.getPrototypeOf(function* () {}.prototype as object) as object
export const AsyncGeneratorPrototype = to.getPrototypeOf(async function* () {}.prototype as object) as object

export function installPromises(): void {
  to.replace(P, methods)
  to.replace(Promise, statics)
  resuming(GeneratorPrototype, 8)
  resuming(AsyncGeneratorPrototype, 60)
}
