// The queue of a VM: callers in turns, each in order, and no more of anybody than it holds.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import b4a from 'b4a'
import { Queue } from '../../lib/host/queue.js'
import { VMSError } from '../../lib/errors.js'
import type { CheckedRequest, Request } from '../../lib/ledger/request.js'

interface Named extends CheckedRequest {
  name: string
}

function request(name: string, bytes = 100): Named {
  const caller = b4a.alloc(32, name[0])
  const signed = { bytes: b4a.alloc(bytes), signature: b4a.alloc(64) }
  return { name, signed, request: { caller } as Request }
}

function isBusy(error: unknown): boolean {
  assert.ok(error instanceof VMSError && error.code === 'BUSY')
  assert.ok(error.retry !== null && error.retry >= 250 && error.retry <= 10_000, String(error.retry))
  assert.match(error.message, /send it again in \d+\.\d s$/)
  return true
}

function drain(queue: Queue<Named>): string {
  const names: string[] = []
  for (let next = queue.next(); next; next = queue.next()) {
    assert.equal(queue.take(), next)
    names.push(next.name)
  }
  assert.equal(queue.take(), undefined)
  return names.join(' ')
}

function filled(...names: string[]): Queue<Named> {
  const queue = new Queue<Named>(() => 1)
  for (const name of names) queue.add(request(name))
  return queue
}

test('callers have turns, and each is served in order', () => {
  assert.equal(drain(filled('a1', 'a2', 'a3', 'b1', 'b2', 'c1')), 'a1 b1 c1 a2 b2 a3')
  const queue = filled('a1', 'a2', 'a3')
  assert.equal(queue.take()?.name, 'a1')
  queue.add(request('b1'))
  assert.equal(drain(queue), 'a2 b1 a3')
})

test('what is put back comes before what else its callers have asked for, and nobody waits longer for it', () => {
  const queue = filled('a1', 'a2', 'a3', 'a4', 'b1', 'b2')
  const taken = [queue.take()!, queue.take()!, queue.take()!, queue.take()!]
  assert.deepEqual(
    taken.map(({ name }) => name),
    ['a1', 'b1', 'a2', 'b2']
  )
  queue.add(request('c1'))
  queue.putBack(taken.slice(1))
  assert.equal(queue.length, 6)
  assert.equal(drain(queue), 'a2 c1 b1 a3 b2 a4')
})

test('a caller has so many requests waiting at most, and others are taken still', () => {
  const queue = new Queue<Named>(() => 1)
  for (let i = 0; i < 2048; i++) queue.add(request('a'))
  assert.throws(() => queue.add(request('a')), isBusy)
  queue.add(request('b'))
  queue.take()
  queue.add(request('a'))
  assert.throws(() => queue.add(request('a')), isBusy)
  assert.equal(queue.clear().length, 2049)
  assert.equal(queue.length, 0)
  queue.add(request('a'))
})

test('a caller has so many bytes waiting at most', () => {
  const queue = new Queue<Named>(() => 1)
  const megabyte = 1024 * 1024
  for (let i = 0; i < 16; i++) queue.add(request('a', megabyte))
  assert.throws(() => queue.add(request('a', megabyte)), isBusy)
  queue.add(request('b', megabyte))
})

test('all callers together have so many bytes waiting at most, and so many requests', () => {
  const queue = new Queue<Named>(() => 1000)
  const megabyte = 1024 * 1024
  for (let i = 0; i < 64; i++) queue.add(request('abcdefgh'[i % 8], megabyte))
  assert.throws(() => queue.add(request('z', megabyte)), isBusy)
  queue.clear()
  const names = Array.from({ length: 32 }, (_, i) => String.fromCharCode(97 + i))
  for (const name of names) for (let i = 0; i < 2048; i++) queue.add(request(name, 1))
  assert.throws(() => queue.add(request('Z', 1)), isBusy)
})
