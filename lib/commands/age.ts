// How old what is shown is, where the host itself is not there to say it.

import type { Replica } from '../replica/replica.js'

/** @param ms since something happened */
export function formatAge(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 120) return `${seconds} s`
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`
  if (seconds < 2 * 86400) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86400)} days`
}

/** What to put before a result that the host could not confirm: how old its newest head is, by its clock. */
export function describeOffline(replica: Replica): string {
  const { age } = replica
  const signed =
    age === null ? 'none of its heads was seen' : `its newest head was signed ${formatAge(age)} ago`
  return `the host is offline, ${signed}`
}
