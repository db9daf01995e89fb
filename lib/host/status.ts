// What a host is doing, as `vms status` shows it.

import { VMSError } from '../errors.js'
import { encodeKey } from '../ledger/keys.js'
import { DISK_RESERVE_BYTES } from '../machine/durable.js'
import type { Reach } from '../swarm/watchdog.js'
import type { IdList } from '../user/ids.js'
import { Counts } from './counts.js'
import type { Gate } from './gate.js'
import type { PolicyOptions } from './policy.js'
import type { Service } from './service.js'

export interface HostStatus {
  /** of its process */
  pid: number
  /** folder */
  storage: string
  /** when it was started, ms since 1970 */
  started: number
  /** ms since then */
  uptime: number
  vms: VMStatus[]
  /** VMs of the storage that cannot be served */
  notServed: { key: string; code: string; message: string }[]
  /** requests that wait for their commit */
  queue: number
  /** calls that were committed since it was started */
  served: number
  /** requests that were refused since then, by the code of the error */
  rejections: { [code: string]: number }
  /** open connections */
  peers: number
  /** whether others can find it; null until that is known */
  network: Reach | null
  /** what its operator should look at, in sentences; it is healthy if there is nothing */
  problems: string[]
  /** bytes: of the files in the storage, left on the file system, and what the operator allows */
  disk: { used: number; free: number; limit: number | null }
  /** of any VM; ms since 1970, and ms since then */
  lastCommit: { time: number; age: number } | null
  policy: PolicyStatus
}

export interface VMStatus {
  key: string
  title: string
  /** id */
  owner: string
  state: 'running' | 'stopped'
  /** of its log, in blocks */
  length: number
  /** in its log */
  calls: number
  /** since the host was started */
  served: number
  queue: number
  /** of its log and files */
  bytes: number
}

/** The options of a policy: ids for the lists, null for what is not limited. */
export type PolicyStatus = {
  [name in keyof PolicyOptions]-?:
    | Exclude<PolicyOptions[name], IdList | undefined>
    | (IdList extends PolicyOptions[name] ? string[] : never)
    | null
}

/** What a host is seen by. */
export interface Observed {
  storage: string
  /** ms since 1970 */
  started: number
  services: ReadonlyMap<string, Service>
  refused: { id: string; error: VMSError }[]
  /** whether it asks peers what they have seen, or has just begun, and serves nothing yet */
  starting: boolean
  /** of VMs that were removed */
  past: Counts
  peers: number
  network: Reach | null
  gate: Gate
}

export async function statusOf(host: Observed): Promise<HostStatus> {
  const { storage, started, refused, past, peers, network, gate } = host
  const services = [...host.services]
  const counts = new Counts()
  counts.add(past)
  for (const [, service] of services) counts.add(service.counts)
  const [used, free] = await Promise.all([gate.disk.used(), gate.disk.free()])
  const now = Date.now()
  const last = Math.max(...services.map(([, { machine }]) => machine.committed))
  return {
    pid: process.pid,
    storage,
    started,
    uptime: now - started,
    vms: services.map(([key, service]) => describeVM(key, service)),
    notServed: refused.map(({ id, error: { code, message } }) => ({ key: id, code, message })),
    queue: services.reduce((sum, [, { queued }]) => sum + queued, 0),
    served: counts.served,
    rejections: Object.fromEntries([...counts.refused].sort()),
    peers,
    network,
    problems: problemsOf(host, free),
    disk: { used, free, limit: gate.disk.limit },
    lastCommit: Number.isFinite(last) ? { time: last, age: now - last } : null,
    policy: describePolicy(gate.policy.options)
  }
}

function problemsOf({ services, refused, starting, network }: Observed, free: number): string[] {
  const problems = refused.map(({ id, error }) => `${id} is not served (${error.code})`)
  if (starting) problems.push('the host is starting: it serves nothing yet')
  if (network?.online === false) problems.push('no node of the network answers: nobody can find this host')
  if (free < DISK_RESERVE_BYTES) problems.push('the disk is full: no call is taken')
  for (const [id, { failure }] of services)
    if (failure) problems.push(`${id} takes no calls (${failure.code}): ${failure.message}`)
  return problems
}

function describeVM(key: string, { machine, stopped, counts, queued }: Service): VMStatus {
  const { genesis, head, calls, bytes } = machine
  return {
    key,
    title: genesis.title,
    owner: encodeKey(genesis.owner),
    state: stopped ? 'stopped' : 'running',
    length: head.length,
    calls,
    served: counts.served,
    queue: queued,
    bytes
  }
}

function describePolicy(options: PolicyOptions): PolicyStatus {
  return {
    allow: options.allow?.ids ?? null,
    deny: options.deny?.ids ?? null,
    deployers: options.deployers?.ids ?? null,
    vmsPerOwner: options.vmsPerOwner ?? null,
    bytesPerOwner: options.bytesPerOwner ?? null,
    callsPerMinute: options.callsPerMinute ?? null,
    bytesPerMinute: options.bytesPerMinute ?? null,
    disk: options.disk ?? null,
    maxGas: options.maxGas ?? null,
    maxFileBytes: options.maxFileBytes ?? null
  }
}
