// What the parts of the RegExp of contracts share.

export type Instance = { lastIndex: unknown; exec?: unknown; flags?: unknown; constructor?: unknown }
export type Match = string[] & { index: number; input: string; groups: Record<string, string> | undefined }

/** What the methods of the protocol need. */
export interface Matcher {
  RegExp: RegExpConstructor
  /** Whether this is one of ours, of whatever prototype. */
  isOurs: (value: unknown) => boolean
  /** Calls the `exec` of an object as the contract may have overridden it. */
  exec: (target: Instance, input: string) => Match | null
  /** Whether there is a match, without noting where its groups are. */
  test: (target: Instance, input: string) => boolean
  /** Looks for a match behind a position, if nobody can tell it from calls of `exec`; null if not to be found. */
  search: (target: Instance, input: string, from: number) => Match | null
  /** Whether `search` may be used: `exec` is ours. */
  isPlain: (target: Instance) => boolean
}

export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** ToString, which may run code of the contract. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : `${value as string}`
}

/** ToLength, which may run code of the contract. */
export function toLength(value: unknown): number {
  const number = typeof value === 'number' ? value : +(value as number)
  if (!(number > 0)) return 0
  return number >= Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : number - (number % 1)
}

/** A class whose instances are objects that are already there: it gives them private fields. */
export class Returned {
  constructor(object: object) {
    return object
  }
}

const { apply } = Reflect

// taken here, before builtins are replaced and a contract runs
function ofString<A extends unknown[], R>(name: 'slice' | 'charCodeAt' | 'includes' | 'indexOf') {
  const method = Reflect.get(String.prototype, name) as unknown as (...args: A) => R
  return (text: string, ...args: A): R => apply(method, text, args)
}

export const slice = ofString<[from: number, to?: number], string>('slice')
export const charCodeAt = ofString<[at: number], number>('charCodeAt')
export const includes = ofString<[part: string], boolean>('includes')
export const indexOf = ofString<[part: string, from?: number], number>('indexOf')

/** Sets the position of a RegExp, as strict code does. */
export function setLastIndex(target: Instance, index: unknown): void {
  if (!Reflect.set(target, 'lastIndex', index)) throw new TypeError('lastIndex cannot be assigned')
}
