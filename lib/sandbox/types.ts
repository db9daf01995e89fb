// What goes into the executor and what comes out of it. Nothing here knows of logs, cores or networks.

import type { Value } from '../ledger/values.js'
import type { Level } from './levels.js'

/** A method call as the contract sees it. */
export interface Call {
  method: string
  /** The arguments: an encoded Value that is an array. */
  args: Uint8Array
  /** `System.caller.id` */
  caller: string
  /** `System.vm.key` */
  vm: string
  /** `System.vm.index` */
  index: number
}

/** An oracle as the contract sees it: an object below `System.oracles`. */
export interface OracleShape {
  name: string
  methods: string[]
}

/** How a call ended: deterministic, the same wherever it is replayed. */
export type Outcome =
  | { ok: true; value: Uint8Array }
  | { ok: false; error: { name: string; message: string; code: string | null } }

export interface CallResult {
  outcome: Outcome
  gas: number
}

/** What a System call was answered: a Value, or an error that the contract sees as an Error with name, message, code. */
export type SystemAnswer = { ok: true; value: Value } | { ok: false; message: string; code: string }

/** The host's side of a running batch. Its methods are called strictly one after the other, in the order of events. */
export interface BatchHandler {
  /** A System call of call `position` (its place in the batch), e.g. `files.readFile` or `oracles.clock.now`, with its arguments. */
  system(position: number, name: string, args: Value[]): Promise<SystemAnswer>
  /** Call `position` begins again: what was asked since it began, if anything, is to be forgotten. */
  again(position: number): void
  /** Call `position` has ended. No System call of it comes after this. */
  end(position: number, result: CallResult): Promise<void>
}

/** A line for the host's log: what a contract wrote to its console, or the error that a call ended with. */
export interface ConsoleLine {
  /** the call's index */
  index: number
  level: Level
  text: string
  /** the line of the contract where an error was made, if it is known */
  line: number | null
}

export interface Problem {
  message: string
  /** 1-based, in the source given; null where the problem has no place. */
  line: number | null
  column: number | null
}

/** The problem of a contract that this machine could not load; another one might. */
export const NOT_LOADED = 'the contract cannot be loaded: it takes too much time, memory or stack'

/** What `inspect` found out about a contract. */
export interface Inspection {
  /** The exported functions, sorted by UTF-8 bytes, `init` among them if there is one. */
  methods: string[]
  /** For each method how it is called, as far as the source tells: `rsvp(event, answer?)`, or its name alone. */
  signatures: string[]
  /** Why the contract cannot be deployed; empty if it can. */
  problems: Problem[]
  /** What is allowed and most likely a mistake. */
  warnings: Problem[]
  /** The gas that loading it takes, before a method begins. */
  load: number
}
