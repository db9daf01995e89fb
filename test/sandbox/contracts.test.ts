// The contracts that people read first: each can be deployed and does what its header says.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import { bundle } from '../../lib/sandbox/bundle.js'
import { Executor } from '../../lib/sandbox/executor.js'
import { ALICE, BOB, fixture, World } from './helper.js'

const executor = new Executor()
after(() => executor.close())

async function world(name: string): Promise<World> {
  const { source } = await bundle(fixture(name))
  const { problems } = await executor.inspect(source)
  assert.deepEqual(problems, [])
  return new World(executor, source)
}

test('rsvp.js', async () => {
  const rsvp = await world('rsvp.js')
  assert.equal(rsvp.source, await readFile(fixture('rsvp.js'), 'utf8'))
  assert.deepEqual(await rsvp.call('init'), { value: null })
  assert.deepEqual(await rsvp.call('RSVP', true, 'I like it'), { value: null })
  const file = rsvp.files.get(`/rsvps/${ALICE}.json`)
  assert.equal(file, JSON.stringify({ who: ALICE, isAttending: true, reason: 'I like it' }))
})

test('hello.js', async () => {
  assert.deepEqual(await (await world('hello.js')).call('hello', 'world'), { value: 'hello, world' })
})

test('counter.js', async () => {
  const counter = await world('counter.js')
  assert.deepEqual(await counter.call('get'), { value: 0 })
  assert.deepEqual(await counter.call('increment'), { value: 1 })
  assert.deepEqual(await counter.call('increment', 5), { value: 6 })
  assert.deepEqual(await counter.call('get'), { value: 6 })
  assert.deepEqual(await counter.call('increment', 'x'), {
    name: 'TypeError',
    message: 'increment takes a whole number',
    code: null
  })
})

test('keyserver.js', async () => {
  const server = await world('keyserver.js')
  await server.call('init')
  assert.deepEqual(await server.call('setKey', 'alice', '4f2c'), { value: null })
  assert.deepEqual(await server.callAs(BOB, 'getKey', 'alice'), { value: '4f2c' })
  assert.deepEqual(await server.callAs(BOB, 'listKeys'), { value: ['alice'] })
  const forbidden = { name: 'Error', message: 'only admins can do this', code: 'FORBIDDEN' }
  assert.deepEqual(await server.callAs(BOB, 'deleteKey', 'alice'), forbidden)
  assert.deepEqual(await server.callAs(BOB, 'addAdmin', BOB), forbidden)
  assert.deepEqual(await server.call('addAdmin', BOB), { value: null })
  assert.deepEqual(await server.callAs(BOB, 'deleteKey', 'alice'), { value: null })
  assert.deepEqual(await server.call('getKey', 'alice'), { value: null })
  assert.deepEqual(await server.callAs(BOB, 'removeAdmin', ALICE), { value: null })
  assert.deepEqual(await server.call('setKey', 'eve', '00'), forbidden)
  assert.deepEqual(await server.callAs(BOB, 'removeAdmin', BOB), {
    name: 'Error',
    message: 'the last admin cannot be removed',
    code: 'LAST_ADMIN'
  })
})

test('archive.js', async () => {
  const archive = await world('archive.js')
  assert.deepEqual(await archive.call('put', 'notes.txt', 'text'), { value: null })
  assert.deepEqual(await archive.call('put', 'logo.png', new Uint8Array([1, 2])), { value: null })
  assert.deepEqual(await archive.callAs(BOB, 'get', 'notes.txt'), {
    value: new Uint8Array(Buffer.from('text'))
  })
  const forbidden = { name: 'Error', message: 'notes.txt belongs to somebody else', code: 'FORBIDDEN' }
  assert.deepEqual(await archive.callAs(BOB, 'put', 'notes.txt', 'mine'), forbidden)
  assert.deepEqual(await archive.callAs(BOB, 'remove', 'notes.txt'), forbidden)
  assert.deepEqual(await archive.call('list'), {
    value: [
      { name: 'logo.png', owner: ALICE, size: 2 },
      { name: 'notes.txt', owner: ALICE, size: 4 }
    ]
  })
  await archive.call('remove', 'notes.txt')
  assert.deepEqual(await archive.callAs(BOB, 'put', 'notes.txt', 'mine now'), { value: null })
  assert.deepEqual(await archive.call('get', '../x'), {
    name: 'Error',
    message: 'a name has 1 to 200 characters and no slash',
    code: 'INVALID_NAME'
  })
})

test('poll.js', async () => {
  const poll = await world('poll.js')
  assert.deepEqual(await poll.call('create', 'Where?', ['park', 'beach']), { value: '1' })
  assert.deepEqual(await poll.call('vote', 1, 'beach'), { value: null })
  assert.deepEqual(await poll.call('vote', 1, 'park'), {
    name: 'Error',
    message: 'you have voted already',
    code: 'ALREADY_VOTED'
  })
  await poll.callAs(BOB, 'vote', '1', 'beach')
  const value = { question: 'Where?', votes: { beach: 2, park: 0 }, total: 2 }
  assert.deepEqual(await poll.call('results', '1'), { value })
  assert.deepEqual(await poll.call('results', 2), {
    name: 'Error',
    message: 'there is no poll 2',
    code: 'NO_SUCH_POLL'
  })
})

test('guestbook', async () => {
  const book = await world('guestbook/guestbook.ts')
  assert.deepEqual((await executor.inspect(book.source)).methods, ['entries', 'sign'])
  assert.deepEqual(await book.call('sign', 'nice', 'Ada'), { value: 1 })
  assert.deepEqual(await book.callAs(BOB, 'sign', 'well'), { value: 2 })
  assert.deepEqual(await book.call('entries', 2), {
    value: [{ number: 2, name: 'somebody', text: 'well', by: BOB }]
  })
})
