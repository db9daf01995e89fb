// The runtime that executes contracts here, as genesis and runtime blocks name it, and the engine.

import { createRequire } from 'node:module'
import type { Runtime } from '../ledger/blocks.js'

/** Names the gas schedule and the builtins of the sandbox; 0 is unmetered. */
export const ENGINE = 0

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
