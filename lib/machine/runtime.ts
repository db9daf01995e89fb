// The runtime that executes contracts here, as genesis and runtime blocks name it, and the engine.

import { createRequire } from 'node:module'
import type { Runtime } from '../ledger/blocks.js'

/**
 * Names the transform, the gas schedule, the builtins, and what `inspect` refuses: whatever changes the result of a call or
 * its gas needs a new number.
 */
export const ENGINE = 1

/** The last release that has an engine, for those that this one has not. */
const RELEASES: { [engine: number]: string } = { 0: '0.1' }

/** What to do about a VM of another engine. @param verb what has to be done, e.g. "audit" */
export function unknownEngine(engine: number, verb: string): string {
  const release = RELEASES[engine]
  const remedy =
    release === undefined ? `${verb} it with a newer release` : `${verb} it with vmswarm ${release}`
  return `the VM runs under engine ${engine}, which this release does not have (its own is ${ENGINE}): ${remedy}`
}

const ses = createRequire(import.meta.url)('ses/package.json') as { version: string }

/** The runtime of this process, and so of its sandboxes. */
export const RUNTIME: Runtime = {
  node: process.versions.node,
  v8: process.versions.v8,
  icu: process.versions.icu ?? '',
  unicode: process.versions.unicode ?? '',
  arch: process.arch,
  ses: ses.version
}

export function sameRuntime(a: Runtime, b: Runtime): boolean {
  return describeRuntime(a) === describeRuntime(b)
}

export function describeRuntime(runtime: Runtime): string {
  const { node, v8, icu, unicode, arch, ses } = runtime
  return `node ${node}, v8 ${v8}, icu ${icu}, unicode ${unicode}, ${arch}, ses ${ses}`
}
