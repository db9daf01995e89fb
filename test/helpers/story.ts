// The history that most fraud tests tell: a deployment and four commits, with lies where a test wants them.

import type { CheckedRequest } from '../../lib/ledger/request.js'
import type { Forgery, Lies } from './forger.js'

/** Reads, writes and deletes; `fail` throws, `deep` says that the machine's stack is full, which is no outcome. */
export const SOURCE = `
exports.init = async () => { await System.files.writeFile('/n', '0') }
exports.add = async n => {
  const sum = Number(await System.files.readFile('/n')) + n
  await System.files.writeFile('/n', String(sum))
  return sum
}
exports.write = async (path, data) => { await System.files.writeFile(path, data) }
exports.get = path => System.files.readFile(path)
exports.remove = async path => { await System.files.unlink(path) }
exports.list = async path => System.files.readdir(path, { recursive: true })
exports.fail = () => { throw new TypeError('nope') }
exports.echo = value => value
exports.where = () => [System.vm.key, System.vm.index, System.caller.id]
exports.deep = () => { throw new RangeError('Maximum call stack size exceeded') }
`

/** What the owner and others called, by block; indexes 1 to 7. */
const CALLS: { [block: number]: [string, ...unknown[]][] } = {
  2: [['add', 1], ['write', '/a', 'x'], ['fail']],
  3: [['add', 2]],
  4: [
    ['add', 3],
    ['remove', '/a']
  ],
  5: [['add', 4]]
}

export interface Story {
  /** lies, by block */
  lies?: { [block: number]: Lies }
  /** other requests instead, by block */
  requests?: {
    [block: number]: (vm: Forgery, requests: CheckedRequest[]) => Promise<CheckedRequest[]> | CheckedRequest[]
  }
  /** what happens before a block is written */
  before?: { [block: number]: (vm: Forgery) => Promise<void> }
}

/** Tells the story after genesis. */
export async function tell(
  vm: Forgery,
  { lies = {}, requests = {}, before = {} }: Story = {}
): Promise<void> {
  for (let block = 1; block <= 5; block++) {
    await before[block]?.(vm)
    const calls = block === 1 ? [['init'] as [string]] : CALLS[block]
    const honest = await Promise.all(calls.map(([method, ...args]) => vm.request(method, args)))
    await vm.commit((await requests[block]?.(vm, honest)) ?? honest, lies[block])
  }
}
