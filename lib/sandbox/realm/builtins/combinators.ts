// Promise.all, allSettled, any and race. Not the engine's: where an iteration breaks off in the middle, V8 goes on with what
// it has in a time that grows with the square of it.

import { caught, charge } from '../meter.js'
import * as to from './tools.js'

interface Capability {
  promise: unknown
  resolve: to.Method
  reject: to.Method
}

type Settle = (value: unknown) => void

/** What becomes of the elements: told of each, in order, it says what to do when that one settles. */
interface Plan {
  element(index: number): { fulfilled: unknown; rejected: unknown }
  /** All elements are known. */
  complete(): void
}

const NativePromise = Promise

function capabilityOf(constructor: unknown): Capability {
  let resolve: unknown
  let reject: unknown
  const executor = (onResolve: unknown, onReject: unknown) => {
    if (resolve !== undefined || reject !== undefined) {
      throw new to.NativeTypeError('a promise has its functions already')
    }
    resolve = onResolve
    reject = onReject
  }
  const promise =
    constructor === NativePromise ? new NativePromise(executor) : to.construct(constructor, [executor])
  to.mustBeCallable(resolve)
  to.mustBeCallable(reject)
  return { promise, resolve, reject }
}

function once(settle: Settle): Settle {
  let called = false
  return value => {
    if (called) return
    called = true
    settle(value)
  }
}

function combine(self: unknown, given: unknown, planFor: (capability: Capability) => Plan): unknown {
  if (!to.isObject(self)) throw new to.NativeTypeError('a promise constructor is needed')
  charge(60)
  return to.deeper(() => {
    const capability = capabilityOf(self)
    const plan = planFor(capability)
    try {
      const { resolve } = self as { resolve?: unknown }
      to.mustBeCallable(resolve)
      let index = 0
      to.iterate(given, (given as { [Symbol.iterator]?: unknown })[Symbol.iterator], value => {
        charge(20)
        to.boundArray(index + 1)
        const promise = to.apply(resolve, self, [value] as never) as { then?: unknown }
        const { fulfilled, rejected } = plan.element(index++)
        const { then } = promise
        to.mustBeCallable(then)
        to.apply(then, promise, [fulfilled, rejected] as never)
      })
      plan.complete()
    } catch (error) {
      caught(error)
      to.apply(capability.reject, undefined, [error] as never)
    }
    return capability.promise
  })
}

/** Collects what each element comes to, and gives it on when nothing is missing. */
function collection(give: (values: unknown[]) => void): {
  take: (index: number) => Settle
  complete: () => void
} {
  const values: unknown[] = []
  let missing = 1
  const one = () => {
    if (--missing === 0) give(values)
  }
  return {
    take(index) {
      missing++
      to.append(values, undefined)
      return once(value => {
        values[index] = value
        one()
      })
    },
    complete: one
  }
}

function callWith(method: to.Method, value: unknown): void {
  to.apply(method, undefined, [value] as never)
}

export const combinators = {
  all(this: unknown, promises?: unknown) {
    return combine(this, promises, ({ resolve, reject }) => {
      const { take, complete } = collection(values => callWith(resolve, values))
      return { element: index => ({ fulfilled: take(index), rejected: reject }), complete }
    })
  },
  allSettled(this: unknown, promises?: unknown) {
    return combine(this, promises, ({ resolve }) => {
      const { take, complete } = collection(values => callWith(resolve, values))
      const element = (index: number) => {
        const settle = take(index)
        return {
          fulfilled: (value: unknown) => settle({ status: 'fulfilled', value }),
          rejected: (reason: unknown) => settle({ status: 'rejected', reason })
        }
      }
      return { element, complete }
    })
  },
  any(this: unknown, promises?: unknown) {
    return combine(this, promises, ({ resolve, reject }) => {
      const { take, complete } = collection(errors => {
        callWith(reject, new AggregateError(errors, 'All promises were rejected'))
      })
      return { element: index => ({ fulfilled: resolve, rejected: take(index) }), complete }
    })
  },
  race(this: unknown, promises?: unknown) {
    return combine(this, promises, ({ resolve, reject }) => ({
      element: () => ({ fulfilled: resolve, rejected: reject }),
      complete() {}
    }))
  }
}
