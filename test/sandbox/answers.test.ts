// What the host answers to a System call may be larger than a frame: that ends the call.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeHostFrame, FrameTooLarge, HEADER, MAX_FRAME } from '../../lib/sandbox/frames.js'
import type { SystemAnswer } from '../../lib/sandbox/types.js'
import { executor, World } from './helper.js'

const MIB = 1024 * 1024

const SOURCE = `
exports.list = async () => (await System.files.readdir('/')).length
exports.tries = async () => {
  try { return await System.files.readdir('/') } catch ({ name, code, message }) { return [name, code, message] }
}
exports.one = async () => 1
`

/** Names that take so many bytes in all. */
const listing = (mib: number): SystemAnswer => ({
  ok: true,
  value: Array.from({ length: mib }, () => 'x'.repeat(MIB))
})

test('an answer that is larger than a frame ends its call alone, and the same everywhere', async t => {
  const calls = ['one', 'list', 'tries', 'one'].map(method => ({ method }))
  const message = `files.readdir: the answer takes more than ${MAX_FRAME} bytes`
  const limit = { name: 'LimitError', message, code: 'LIMIT' }
  const gas: number[][] = []
  for (let machine = 0; machine < 2; machine++) {
    const world = new World(executor(t, { watchdog: 60_000 }), SOURCE)
    world.system = () => Promise.resolve(listing(64))
    assert.equal(await world.batch(...calls), 4)
    assert.deepEqual(world.ended, [{ value: 1 }, limit, limit, { value: 1 }]) // nothing can catch it
    gas.push(world.gas)
  }
  assert.deepEqual(gas[0], gas[1])
})

test('an answer that fits into a frame comes through', async t => {
  const world = new World(executor(t, { watchdog: 60_000 }), SOURCE)
  world.system = () => Promise.resolve(listing(40))
  assert.deepEqual(await world.call('list'), { value: 40 })
})

test('a frame may have the most bytes that it may have, and not one more', () => {
  const frame = (bytes: number) =>
    encodeHostFrame({ type: 'answer', answer: { ok: true, value: new Uint8Array(bytes) } })
  const around = 2 + 1 + 5 // types and ok, and the length of the bytes
  const most = MAX_FRAME - around
  assert.equal(frame(most).byteLength, HEADER + MAX_FRAME)
  assert.throws(() => frame(most + 1), FrameTooLarge)
})
