// Where in a contract an error was made: for the host's log, never for the record, as it may differ between machines.

import { free } from './meter.js'

/** The name under which contracts are compiled. */
export const CONTRACT = 'contract'

/** Frames that are looked at: above the contract's there are some of the builtins. */
export const FRAMES = 6

interface Site {
  getScriptNameOrSourceURL?(): unknown
  getLineNumber(): unknown
}

// the engine's own, whose property SES reads too
const NativeError = Error

const { hasOwn } = Object
const { deleteProperty } = Reflect

const lines = new WeakMap<object, number>()
let sites: Site[] | null = null

/** Takes the stacks of errors from SES, which hides them. Once, after lockdown. */
export function watchStacks(): void {
  // also called when a contract looks at a stack, so it does nothing that could cost it gas
  const prepareStackTrace = (_error: unknown, found: Site[]) => {
    sites = found
    return '' // what the contract sees
  }
  Object.assign(NativeError, { prepareStackTrace })
}

function keepLine(error: object): void {
  free(() => {
    const line = readLine(error)
    if (line !== null) lines.set(error, line)
  })
}

/** Takes the trace of the stack from an error: what there is of it differs between engines. */
export function untrace(error: object): void {
  if (!hasOwn(error, 'stack')) return
  keepLine(error)
  deleteProperty(error, 'stack')
}

/** @returns the line (from 1) where the contract made this error, if that can be told without running its code */
export function lineOf(error: unknown): number | null {
  if (!(error instanceof Error)) return null
  return lines.get(error) ?? readLine(error)
}

function readLine(error: object): number | null {
  sites = null
  // the engine calls prepareStackTrace when the stack is first looked at
  const getter = getterOf(error)
  if (getter !== undefined && getter === STACK_GETTER) Reflect.apply(getter, error, [])
  const site = (sites as Site[] | null)?.find(site => site.getScriptNameOrSourceURL?.() === CONTRACT)
  const line = site?.getLineNumber()
  return typeof line === 'number' ? line : null
}

// from V8 12 on the stack is an accessor of its own, the same for all errors
const STACK_GETTER = getterOf(new Error())

function getterOf(error: object): (() => unknown) | undefined {
  const stack: { get?: () => unknown } = Object.getOwnPropertyDescriptor(error, 'stack') ?? {}
  return stack.get
}
