import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expiryOf, History, nameOf } from '../../lib/ledger/history.js'
import type { Request } from '../../lib/ledger/request.js'
import { hashOf } from './helper.js'
import { REQUEST } from './samples.js'

const WINDOW = 8

function ask(id: number, seen: number, caller = 'alice'): Request {
  return {
    ...REQUEST,
    caller: hashOf(caller),
    id: new Uint8Array(16).fill(id),
    seen: { length: seen, hash: hashOf(`log at ${seen}`) }
  }
}

test('a request is the same if caller and id are', () => {
  assert.equal(nameOf(ask(1, 1)), nameOf({ ...ask(1, 5), method: 'other', args: new Uint8Array(1) }))
  assert.notEqual(nameOf(ask(1, 1)), nameOf(ask(2, 1)))
  assert.notEqual(nameOf(ask(1, 1)), nameOf(ask(1, 1, 'bob')))
})

test('a request signed again is found where it stands, from its seen on', () => {
  const history = new History(WINDOW, 1)
  history.add(ask(1, 1), { block: 5, index: 9 })
  assert.deepEqual(history.find(ask(1, 1)), { block: 5, index: 9 })
  assert.deepEqual(history.find(ask(1, 5)), { block: 5, index: 9 })
  assert.equal(history.find(ask(1, 6)), null) // its caller knows that it is not in blocks up to 5
  assert.equal(history.find(ask(2, 1)), null)
  assert.equal(history.find(ask(1, 1, 'bob')), null)
})

test('a request is valid in exactly a window of blocks', () => {
  assert.equal(expiryOf(ask(1, 1), WINDOW), 1 + WINDOW)
  assert.equal(expiryOf(ask(1, 300), 1024), 1324)
})

test('what could still be repeated is never forgotten', () => {
  const history = new History(WINDOW, 1)
  for (let block = 1; block <= 100; block++) {
    history.add(ask(block, block), { block, index: block })
    // the next block takes requests with seen.length > block + 1 - WINDOW
    for (let seen = Math.max(1, block + 2 - WINDOW); seen <= block; seen++) {
      assert.deepEqual(history.find(ask(seen, seen)), { block: seen, index: seen }, `${seen} at ${block}`)
    }
  }
})

test('a block exactly a window old is forgotten, the one after it is not', () => {
  const history = new History(WINDOW, 1)
  history.add(ask(1, 1), { block: 1, index: 0 })
  history.add(ask(2, 1), { block: 2, index: 1 })
  history.add(ask(3, 3), { block: WINDOW, index: 2 })
  assert.ok(history.find(ask(1, 1)))
  history.add(ask(4, 4), { block: 1 + WINDOW, index: 3 })
  assert.equal(history.find(ask(1, 1)), null)
  assert.ok(history.find(ask(2, 1)))
})

test('blocks without calls between count too', () => {
  const history = new History(WINDOW, 1)
  history.add(ask(1, 1), { block: 1, index: 0 })
  history.add(ask(2, 50), { block: 50, index: 1 })
  assert.equal(history.find(ask(1, 1)), null)
})

test('a request that was logged again after it had been valid stands where it stands last', () => {
  const history = new History(WINDOW, 1)
  history.add(ask(1, 1), { block: 1, index: 0 })
  history.add(ask(1, 2), { block: 5, index: 4 })
  history.add(ask(2, 2), { block: 1 + WINDOW, index: 8 })
  assert.deepEqual(history.find(ask(1, 2)), { block: 5, index: 4 })
  history.add(ask(3, 9), { block: 5 + WINDOW, index: 12 })
  assert.equal(history.find(ask(1, 2)), null)
})

test('a host that logs a request twice in one block does not crash who reads its log', () => {
  const history = new History(WINDOW, 1)
  history.add(ask(1, 1), { block: 1, index: 0 })
  history.add(ask(1, 1), { block: 1, index: 1 })
  history.add(ask(2, 9), { block: 1 + WINDOW, index: 2 })
  assert.equal(history.find(ask(1, 1)), null)
})

test('a window of one block', () => {
  const history = new History(1, 1)
  history.add(ask(1, 1), { block: 1, index: 0 })
  assert.ok(history.find(ask(1, 1)))
  history.add(ask(2, 2), { block: 2, index: 1 })
  assert.equal(history.find(ask(1, 1)), null)
})

test('what was logged before is taken in later, as if it had been there from the start', () => {
  const later = new History(WINDOW, 6)
  later.add(ask(2, 1), { block: 6, index: 6 })
  later.add(ask(3, 1), { block: 7, index: 7 })
  const older = new History(WINDOW, 2)
  older.add(ask(1, 1), { block: 5, index: 5 })
  older.append(later)
  for (const n of [1, 2, 3]) assert.deepEqual(older.find(ask(n, 1)), { block: n + 4, index: n + 4 })
  older.add(ask(4, WINDOW), { block: 5 + WINDOW, index: 8 })
  assert.equal(older.find(ask(1, 1)), null)
  assert.ok(older.find(ask(2, 1)))
  assert.equal(older.from, 2)
})
