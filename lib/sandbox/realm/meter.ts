// The meter of the one call that runs in this realm: its gas, the depth of its stack, and the fault that ends it.
//
// Gas is charged in two places: by the code that the transform adds to a contract, and by the builtins that a contract
// reaches, whose cost it cannot see. A unit is about a nanosecond of plain code on a machine of 2024, or 16 bytes that
// are kept. Both counters are small integers in variables of the contract's own module: anything else is several times
// slower. A call that has met a fault cannot go on: its gas is below zero then, so whatever of the contract runs next,
// a catch clause, a finally block, a promise's reaction, is stopped at its first step.

/** How a call ends that is stopped. OVERFLOW differs between machines, so such a call has no outcome. */
export type FaultCode = 'OUT_OF_GAS' | 'STACK_DEPTH' | 'LIMIT' | 'OVERFLOW'

export interface Fault {
  code: FaultCode
  message: string
}

/** The counters as the module of a contract hands them out when it is instantiated. */
export interface Counters {
  /** @returns the gas that is left after units were taken off it */
  spend(units: number): number
  /** @returns the gas that is left */
  gas(): number
  /** Makes the gas negative, for good. */
  stop(): void
  /** @returns what a function of the contract has caught last, and nobody has looked at */
  caught(): unknown
  /** @returns the depth of the stack, in units of about 64 nodes of syntax */
  depth(): number
  setDepth(depth: number): void
}

/** The most that can be charged at once: gas stays a small integer. */
const MAX_CHARGE = 2 ** 30

/** The deepest stack. A unit stands for at most 16 KiB of native stack, and the thread has 64 MiB. */
export const MAX_DEPTH = 4096

/** Those of the call that runs. */
let bound: Counters | null = null
/** The same, or null while code of ours runs for free. */
let counters: Counters | null = null
let fault: Fault | null = null
/** The gas that was left when the fault was met. */
let leftAtFault = 0

/** Begins a call: from now on builtins charge. */
export function begin(of: Counters): void {
  bound = counters = of
  fault = null
}

/**
 * Ends the call. What dangles from it cannot go on: whatever it does is stopped, until the meter is reset.
 * @returns how it was stopped, if it was, and the gas that is left: not below zero
 */
export function end(): { fault: Fault | null; left: number } {
  look()
  const left = fault !== null ? leftAtFault : bound === null ? 0 : bound.gas()
  bound?.stop()
  return { fault, left: left > 0 ? left : 0 }
}

/** Makes builtins free, until the next call begins. */
export function reset(): void {
  bound = counters = null
  fault = null
}

/** The fault that the call has met, if any. */
export function faulted(): Fault | null {
  look()
  return fault
}

// on a full stack not even the look at what was caught may have succeeded
function look(): void {
  const error = bound?.caught()
  if (error !== undefined) notice(error)
}

/**
 * Runs code of ours without charging; it can still meet a limit. It must not run code of the contract.
 * @returns what it returns
 */
export function free<T>(action: () => T): T {
  const before = counters
  counters = null
  try {
    return action()
  } finally {
    counters = before
  }
}

/** Charges for work, before it is done. @throws the fault if the gas does not suffice */
export function charge(units: number): void {
  if (counters === null) return
  // what is no amount is charged as much as can be: gas never comes back
  if (counters.spend(units >= 0 && units < MAX_CHARGE ? units | 0 : MAX_CHARGE) < 0) exhausted()
}

/**
 * Goes down into work of ours that may call the contract back, or that recurses.
 * @returns the level to give to `leave`, in a finally block
 * @throws the fault if the stack is too deep
 */
export function enter(weight: number): number {
  if (counters === null) return 0
  const level = counters.depth()
  if (level + weight > MAX_DEPTH) tooDeep()
  counters.setDepth(level + weight)
  return level
}

export function leave(level: number): void {
  counters?.setDepth(level)
}

/** Stops the call: its gas is used up, or it was stopped before. */
export function exhausted(): never {
  return stop('OUT_OF_GAS', 'the call has used up its gas')
}

export function tooDeep(): never {
  return stop('STACK_DEPTH', 'the stack of the call is too deep')
}

/** Stops the call at the size of something. @param message e.g. "a string of more than 1 MiB" */
export function limit(message: string): never {
  return stop('LIMIT', message)
}

/**
 * Looks at what the contract, or a function of ours, has caught.
 * @throws the fault, if the call has met one: nothing can be caught then. The engine's own complaint about a full stack
 * is one
 */
export function caught(error: unknown): void {
  if (counters === null) return
  notice(error)
  if (fault !== null) throw new Error(fault.message)
}

/** The same, without stopping who asks. */
export function notice(error: unknown): void {
  if (fault === null && isOverflow(error)) meet('OVERFLOW', 'the stack of the machine is full')
}

function stop(code: FaultCode, message: string): never {
  meet(code, message)
  throw new Error(message)
}

function meet(code: FaultCode, message: string): void {
  if (bound === null) return
  if (fault === null) {
    fault = { code, message }
    leftAtFault = bound.gas()
  }
  bound.stop()
}

function isOverflow(error: unknown): boolean {
  if (!(error instanceof RangeError)) return false
  const message: unknown = Object.getOwnPropertyDescriptor(error, 'message')?.value
  return message === 'Maximum call stack size exceeded'
}
