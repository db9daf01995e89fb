// vms info: what a VM is.

import { describe, type Info } from '../client/info.js'
import type { Context } from './context.js'
import { EXIT } from './exit.js'
import { print, printJSON, printText } from './output.js'

export async function info(
  context: Context,
  key: string,
  { source, compare }: { source?: boolean; compare?: string }
): Promise<number> {
  const contract = compare === undefined ? null : await readContract(compare)
  const replica = await context.replica(key)
  const online = await replica.sync(context.timeout)
  const found = await describe(replica, online)
  if (compare !== undefined) return showComparison(context, compare, contract === found.source)
  if (source) {
    if (context.json) printJSON({ source: found.source })
    else printText(found.source.replace(/\n$/, ''))
  } else printInfo(context, found)
  return EXIT.ok
}

export function printInfo(context: Context, { source: _, ...found }: Info): void {
  if (context.json) return printJSON(found)
  const { node, arch } = found.runtime
  const lines: [string, string][] = [
    ['title', found.title],
    ['key', found.key],
    ['owner', found.owner],
    ['methods', found.methods.filter(name => name !== 'init').join(', ')],
    ['trust', found.trust],
    ['host', found.online ? 'online' : 'offline: this is as it was seen last'],
    ['log', `${found.length} blocks, ${found.hash}`],
    ['head', found.age === null ? 'none seen' : `signed ${formatAge(found.age)} ago`],
    ['runtime', `Node ${node} on ${arch}, engine ${found.engine}`],
    ['contract', found.sourceHash]
  ]
  const width = Math.max(...lines.map(([name]) => name.length))
  for (const [name, text] of lines) print(`${name.padEnd(width)}  ${text}`)
}

function showComparison(context: Context, file: string, same: boolean): number {
  if (context.json) printJSON({ same })
  else print(same ? `${file} is the contract of this VM` : `${file} is another contract`)
  return same ? EXIT.ok : EXIT.failed
}

async function readContract(file: string): Promise<string> {
  const { bundle } = await import('../sandbox/bundle.js')
  return (await bundle(file)).source
}

function formatAge(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 120) return `${seconds} s`
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`
  if (seconds < 2 * 86400) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86400)} days`
}
