// vms status: what the host that runs in a storage is doing; as a health check it exits with 1 if there is a problem.

import { askStatus } from '../host/status-socket.js'
import type { HostStatus, PolicyStatus, VMStatus } from '../host/status.js'
import { hostFolder } from '../user/folders.js'
import { formatSize } from '../user/sizes.js'
import { formatAge } from './age.js'
import type { Context } from './context.js'
import { EXIT } from './exit.js'
import { log, print, printJSON } from './output.js'
import { describeReach } from './reach.js'

export async function status(context: Context): Promise<number> {
  const text = await askStatus(context.storage ?? hostFolder(), context.timeout)
  const found = JSON.parse(text) as HostStatus
  if (context.json) printJSON(found)
  else printStatus(found)
  return found.problems.length === 0 ? EXIT.ok : EXIT.failed
}

function printStatus(found: HostStatus): void {
  const { lastCommit, disk, peers, network, notServed, problems } = found
  const limit = disk.limit === null ? '' : ` of ${formatSize(disk.limit)}`
  const lines: [string, string][] = [
    ['host', `running for ${formatAge(found.uptime)}, process ${found.pid}`],
    ['storage', found.storage],
    ['calls', `${found.served} served, ${found.queue} waiting`],
    ['refused', describeCounts(found.rejections)],
    ['commit', lastCommit === null ? 'none' : `${formatAge(lastCommit.age)} ago`],
    ['network', network === null ? 'not known yet' : describeReach(network)],
    ['peers', String(peers)],
    ['disk', `${formatSize(disk.used)} used${limit}, ${formatSize(disk.free)} free`],
    ['policy', describePolicy(found.policy)],
    ['VMs', `${found.vms.length}${notServed.length === 0 ? '' : `, ${notServed.length} not served`}`]
  ]
  const width = Math.max(...lines.map(([name]) => name.length))
  for (const [name, text] of lines) print(`${name.padEnd(width)}  ${text}`)
  for (const problem of problems) log(`vms: ${problem}`)
  for (const vm of found.vms) print(describeVM(vm))
  for (const { key, message } of notServed) print(`${key}  refused  ${message}`)
}

function describeVM({ key, state, owner, length, calls, bytes, title }: VMStatus): string {
  const counts = `${count(length, 'block')}, ${count(calls, 'call')}, ${formatSize(bytes)}`
  return `${key}  ${state}  ${owner.slice(0, 8)}  ${title}  ${counts}`
}

function describeCounts(counts: { [code: string]: number }): string {
  return (
    Object.entries(counts)
      .map(([code, times]) => `${times} ${code}`)
      .join(', ') || 'none'
  )
}

const FLAGS: { [name in keyof PolicyStatus]: string } = {
  allow: '--allow',
  deny: '--deny',
  deployers: '--allow-deploy',
  vmsPerOwner: '--vms-per-owner',
  bytesPerOwner: '--bytes-per-owner',
  callsPerMinute: '--calls-per-minute',
  bytesPerMinute: '--bytes-per-minute',
  disk: '--disk',
  maxGas: '--max-gas',
  maxFileBytes: '--max-file-bytes'
}

/** Those of the flags that take a size. */
const SIZES = new Set<keyof PolicyStatus>(['bytesPerOwner', 'bytesPerMinute', 'disk', 'maxFileBytes'])

function describePolicy(policy: PolicyStatus): string {
  const given = (Object.keys(FLAGS) as (keyof PolicyStatus)[]).flatMap(name => {
    const value = policy[name]
    if (value === null) return []
    if (Array.isArray(value)) return [`${FLAGS[name]} ${count(value.length, 'id')}`]
    return [`${FLAGS[name]} ${SIZES.has(name) ? formatSize(value) : value}`]
  })
  return given.join(', ') || 'everybody may call, and nothing is limited'
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
