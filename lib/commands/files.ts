// vms files: reads the files of a VM, compared with its log.

import { ClientFiles } from '../client/files.js'
import { VMSError } from '../errors.js'
import type { TestFiles } from '../testing/files.js'
import { describeOffline } from './age.js'
import type { Context } from './context.js'
import { EXIT } from './exit.js'
import { toJSON } from './json.js'
import { log, print, printBytes, printJSON } from './output.js'
import { showOracles } from './semi-trusted.js'
import { readTrust, showTrust, trustingReplica, type TrustFlags } from './trust.js'

export interface FilesOptions extends TrustFlags {
  path?: string
  dest?: string
  recursive?: boolean
  force?: boolean
}

export async function files(
  context: Context,
  key: string,
  action: string,
  options: FilesOptions
): Promise<number> {
  checkUsage(action, options)
  const trust = readTrust(options)
  const replica = await trustingReplica(context, key, trust)
  const online = await replica.sync(context.timeout)
  const reader = new ClientFiles(replica, context.timeout, trust.minAuditors)
  if (!online) log(`${describeOffline(replica)}: the files are as block ${await reader.block()} left them`)
  const path = options.path ?? '/'
  if (action === 'ls') await list(context, reader, path, options.recursive)
  else if (action === 'cat') await cat(context, reader, path)
  else if (action === 'stat') await stat(context, reader, path)
  else await get(context, reader, path, options)
  await showTrust(context, replica, trust)
  await showOracles(context, replica)
  return EXIT.ok
}

function checkUsage(action: string, { path, dest, recursive, force }: FilesOptions): void {
  if (!['ls', 'cat', 'stat', 'get'].includes(action)) {
    throw new VMSError('USAGE', `there is no "vms files ${action}": it is ls, cat, stat or get`)
  }
  if (path === undefined && action !== 'ls') {
    throw new VMSError('USAGE', `vms files ${action} needs a path, such as "vms files <key> ${action} /name"`)
  }
  if (action !== 'get' && (dest !== undefined || force)) {
    throw new VMSError('USAGE', `vms files ${action} takes a path and nothing else: only get copies`)
  }
  if (action !== 'ls' && recursive) throw new VMSError('USAGE', '--recursive is for "vms files <key> ls"')
}

/** Files that can be read: a client's, or those of a VM in memory. */
export type Files = Pick<TestFiles, 'readFile' | 'readdir' | 'stat'>

export async function list(context: Context, reader: Files, path: string, recursive = false): Promise<void> {
  for (const name of await reader.readdir(path, { recursive })) {
    if (!context.json) print(name)
    else printJSON({ name, ...(await reader.stat(`${path.replace(/\/$/, '')}/${name}`)) })
  }
}

export async function cat(context: Context, reader: Files, path: string): Promise<void> {
  const bytes = await reader.readFile(path, 'binary')
  if (!context.json) return printBytes(bytes)
  printJSON({ path, content: textOf(bytes) ?? toJSON(bytes) })
}

async function stat(context: Context, reader: ClientFiles, path: string): Promise<void> {
  const { type, size } = await reader.stat(path)
  if (context.json) printJSON({ path, type, size })
  else print(type === 'file' ? `file, ${size} bytes` : type)
}

async function get(
  context: Context,
  reader: ClientFiles,
  path: string,
  { dest, force = false }: FilesOptions
): Promise<void> {
  const { copyOut } = await import('./copy.js')
  const copied = await copyOut(reader, path, dest, force)
  if (context.json) for (const one of copied) printJSON(one)
  else for (const one of copied) print(`${one.path} → ${one.dest}`)
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}
