// Whether others can find this process, as people and programs are told.

import type { Reach } from '../swarm/watchdog.js'
import type { Context } from './context.js'
import { log, printJSON } from './output.js'

/** Tells of a change. */
export function tellReach(context: Context, reach: Reach): void {
  if (context.json) printJSON({ event: 'network', ...reach })
  else log(`vms: ${describeReach(reach)}`)
}

export function describeReach({ online, relays, nat }: Reach): string {
  if (!online) return 'offline: no node of the network answers; trying again'
  return `online, announced on ${relays} ${relays === 1 ? 'relay' : 'relays'}, NAT: ${nat === 'open' ? 'none' : nat}`
}
