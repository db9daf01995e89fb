// A contract with a method for everything that a test may want, and a host that serves it.

import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { World } from './cli.js'

export const CONTRACT = `
exports.echo = async (...args) => args
exports.fail = async () => { throw new RangeError('too far') }
exports.missing = async () => System.files.readFile('/missing')
exports.write = async (path, data) => System.files.writeFile(path, data)
exports.remove = async path => System.files.unlink(path)
exports.say = async text => text
`

export async function deployed(t: TestContext): Promise<{ world: World; key: string }> {
  const world = await World.make(t)
  await writeFile(path.join(await world.home('host'), 'contract.js'), CONTRACT)
  const { key } = await world.serve(['contract.js'])
  return { world, key }
}
