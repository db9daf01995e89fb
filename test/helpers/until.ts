// Waiting for what nothing tells of.

import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves once `condition` holds; fails after a while, which is longer than any machine takes. */
export async function until(condition: () => boolean, what: () => string, ms = 60_000): Promise<void> {
  const start = performance.now()
  while (!condition()) {
    if (performance.now() - start > ms) throw new Error(`waited ${ms / 1000} s: ${what()}`)
    await sleep(10)
  }
}
