// The oracle `fetch`: what it asks, what it gives, and whom it never dials.

import assert from 'node:assert/strict'
import dns from 'node:dns'
import { once } from 'node:events'
import http from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import net, { type AddressInfo } from 'node:net'
import { after, afterEach, mock, test } from 'node:test'
import type { Value } from '../../lib/ledger/values.js'
import { fetchOracle, originOf } from '../../lib/oracles/fetch.js'
import { OracleError } from '../../lib/oracles/oracle.js'

type Looked = (error: null, addresses: dns.LookupAddress[]) => void

interface Answer {
  status: number
  headers: { [name: string]: string }
  body: string | Uint8Array
}

type Handler = (request: http.IncomingMessage, response: http.ServerResponse, body: string) => void

const servers: http.Server[] = []

async function server(handle: Handler): Promise<string> {
  const one = http.createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => (body += chunk))
    request.on('end', () => handle(request, response, body))
  })
  servers.push(one)
  await once(one.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(one.address() as AddressInfo).port}`
}

after(() => {
  for (const one of servers) {
    one.closeAllConnections()
    one.close()
  }
})

afterEach(() => {
  mock.restoreAll()
  syncBuiltinESMExports()
})

const ask = async (scope: string[], method: 'get' | 'post', ...inputs: Value[]) =>
  (await fetchOracle(scope).call(method, inputs, AbortSignal.timeout(10_000))) as unknown as Answer

const fails = (code: string) => (error: unknown) => {
  assert.ok(error instanceof OracleError, String(error))
  assert.equal(error.code, code, error.message)
  return true
}

/** Counts the connections that are tried, from here on. */
function dialled(): () => number {
  const emit = mock.method(net.Socket.prototype, 'emit')
  return () =>
    emit.mock.calls.filter(({ arguments: [event] }) => String(event) === 'connectionAttempt').length
}

const echo: Handler = ({ method, headers, url }, response, body) => {
  const { 'x-name': name, accept } = headers
  response.setHeader('set-cookie', 'secret=1')
  response.end(JSON.stringify({ method, url, name, accept, body }))
}

test('get: status, headers and text', async () => {
  const origin = await server(echo)
  const { status, headers, body } = await ask([origin], 'get', `${origin}/a?b=c`, {
    headers: { 'X-Name': 'é', accept: 'text/plain' }
  })
  assert.equal(status, 200)
  assert.equal(headers['set-cookie'], undefined)
  assert.equal(Number(headers['content-length']), Buffer.byteLength(body as string))
  assert.deepEqual(JSON.parse(body as string), {
    method: 'GET',
    url: '/a?b=c',
    name: 'é',
    accept: 'text/plain',
    body: ''
  })
})

test('get: bytes, and text that is none', async () => {
  const bytes = Buffer.from([0, 255, 254, 65])
  const origin = await server((_, response) => void response.writeHead(404).end(bytes))
  const binary = await ask([origin], 'get', origin, { encoding: 'binary' })
  assert.deepEqual([binary.status, binary.body], [404, new Uint8Array(bytes)])
  assert.equal((await ask([origin], 'get', origin)).body, '\0\ufffd\ufffdA')
})

test('post: text and bytes', async () => {
  const origin = await server(echo)
  for (const body of ['hällo', Buffer.from('hällo')]) {
    const { body: said } = await ask([origin], 'post', `${origin}/`, body)
    const { method, body: got } = JSON.parse(said as string) as { method: string; body: string }
    assert.deepEqual([method, got], ['POST', 'hällo'])
  }
})

test('an origin that is not on the list is not dialled', async () => {
  const origin = await server(echo)
  const { port } = new URL(origin)
  const count = dialled()
  for (const url of [
    origin,
    `http://localhost:${port}`,
    `http://127.1:${port}`,
    `http://0x7f000001:${port}`,
    `http://2130706433:${port}`,
    `http://[::ffff:127.0.0.1]:${port}`,
    'http://169.254.169.254/latest/meta-data',
    'http://[fe80::1]/',
    'http://10.0.0.1/'
  ])
    await assert.rejects(ask(['https://example.com'], 'get', url), fails('FORBIDDEN_ORIGIN'), url)
  assert.equal(count(), 0)
})

test('a listed name that leads to an address of a private network is not dialled', async () => {
  for (const address of [
    '127.0.0.1',
    '10.1.2.3',
    '169.254.169.254',
    '192.168.0.1',
    '::1',
    'fe80::1',
    'fd00::1'
  ]) {
    const family = address.includes(':') ? 6 : 4
    mock.method(dns, 'lookup', (_name: string, options: dns.LookupAllOptions, callback: Looked) => {
      assert.equal(options.all, true)
      process.nextTick(callback, null, [{ address, family }])
    })
    syncBuiltinESMExports()
    const count = dialled()
    await assert.rejects(
      ask(['http://inside.example'], 'get', 'http://inside.example/'),
      fails('FORBIDDEN_ADDRESS')
    )
    assert.equal(count(), 0, address)
    mock.restoreAll()
  }
})

test('of several addresses only those are dialled that may be', async () => {
  const origin = await server(echo)
  const { port } = new URL(origin)
  mock.method(dns, 'lookup', (_name: string, _options: dns.LookupAllOptions, callback: Looked) =>
    process.nextTick(callback, null, [
      { address: '10.0.0.1', family: 4 },
      { address: '127.0.0.1', family: 4 }
    ])
  )
  syncBuiltinESMExports()
  const { status } = await ask([`http://localhost:${port}`], 'get', `http://localhost:${port}/`)
  assert.equal(status, 200)
})

test('a number or localhost that the list names is asked', async () => {
  const origin = await server(echo)
  const local = origin.replace('127.0.0.1', 'localhost')
  const count = dialled()
  assert.equal((await ask([origin, local], 'get', `${local}/`)).status, 200)
  assert.ok(count() >= 1)
  assert.equal((await ask([origin], 'get', origin)).status, 200)
})

test('redirects within the list are followed, and no others', async () => {
  let asked = 0
  const other = await server((_, response) => {
    asked++
    response.end('reached')
  })
  const origin = await server(({ url, headers, method }, response, body) => {
    const to = (location: string, status = 302) => response.writeHead(status, { location }).end()
    if (url === '/out') return to(other)
    if (url === '/kept') return to('/end', 307)
    if (url === '/turned') return to('/end', 303)
    if (url === '/nowhere') return to('http://')
    if (url === '/end') return response.end(JSON.stringify({ method, body, key: headers.authorization }))
    to(url!)
  })
  await assert.rejects(ask([origin], 'get', `${origin}/out`), fails('FORBIDDEN_ORIGIN'))
  assert.equal(asked, 0)
  assert.equal((await ask([origin, other], 'get', `${origin}/out`)).body, 'reached')
  await assert.rejects(ask([origin], 'get', `${origin}/loop`), fails('TOO_MANY_REDIRECTS'))
  await assert.rejects(ask([origin], 'get', `${origin}/nowhere`), fails('BAD_RESPONSE'))
  const headers = { authorization: 'a key' }
  const kept = await ask([origin], 'post', `${origin}/kept`, 'body', { headers })
  assert.deepEqual(JSON.parse(kept.body as string), { method: 'POST', body: 'body', key: 'a key' })
  const turned = await ask([origin], 'post', `${origin}/turned`, 'body', { headers })
  assert.deepEqual(JSON.parse(turned.body as string), { method: 'GET', body: '', key: 'a key' })
})

test('another origin gets no credentials', async () => {
  const other = await server(({ headers }, response) =>
    response.end(JSON.stringify([headers.authorization, headers.cookie]))
  )
  const origin = await server((_, response) => void response.writeHead(307, { location: other }).end())
  const headers = { Authorization: 'a key', Cookie: 'a=b' }
  assert.equal((await ask([origin, other], 'get', origin, { headers })).body, '[null,null]')
})

test('a body without end', async () => {
  let sent = 0
  const origin = await server((_, response) => {
    const chunk = Buffer.alloc(64 * 1024)
    const more = () => {
      while (sent < 2 ** 30 && !response.destroyed) {
        sent += chunk.byteLength
        if (!response.write(chunk)) return void response.once('drain', more)
      }
      response.end()
    }
    more()
  })
  await assert.rejects(ask([origin], 'get', origin), fails('RESPONSE_TOO_LARGE'))
  assert.ok(sent < 2 ** 27)
})

test('a server that is not there, breaks off, or speaks something else', async () => {
  const closed = await server(() => {})
  const [gone] = servers.splice(-1)
  gone.close()
  await assert.rejects(ask([closed], 'get', closed), fails('ECONNREFUSED'))
  const breaking = await server((request, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('half')
    setImmediate(() => request.socket.destroy())
  })
  await assert.rejects(ask([breaking], 'get', breaking), (error: unknown) => error instanceof OracleError)
  const raw = net.createServer(socket => socket.end('garbage\r\n\r\n')).listen(0, '127.0.0.1')
  await once(raw, 'listening')
  const origin = `http://127.0.0.1:${(raw.address() as AddressInfo).port}`
  await assert.rejects(ask([origin], 'get', origin), fails('HPE_INVALID_CONSTANT'))
  raw.close()
})

test('a server that never answers', async () => {
  const origin = await server(() => {})
  const call = fetchOracle([origin]).call('get', [origin], AbortSignal.timeout(50))
  await assert.rejects(call)
})

for (const [what, ...inputs] of [
  ['no URL'],
  ['a number', 5],
  ['a path', '/a'],
  ['a file', 'file:///etc/passwd'],
  ['a password', 'http://a:b@example.com'],
  ['a long URL', `http://example.com/${'a'.repeat(3000)}`],
  ['an encoding', 'http://example.com', { encoding: 'latin1' }],
  ['a header of ours', 'http://example.com', { headers: { Host: 'a' } }],
  ['a header that is no text', 'http://example.com', { headers: { a: 1 } }],
  ['a header with lines', 'http://example.com', { headers: { a: 'b\r\nc: d' } }],
  ['a header with a name that is none', 'http://example.com', { headers: { 'a b': 'c' } }],
  [
    'many headers',
    'http://example.com',
    { headers: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`h${i}`, 'x'])) }
  ]
] as [string, ...Value[]][]) {
  test(`what cannot be asked for: ${what}`, async () => {
    const count = dialled()
    await assert.rejects(ask(['http://example.com'], 'get', ...inputs), fails('EINVAL'))
    assert.equal(count(), 0)
  })
}

test('what cannot be sent', async () => {
  await assert.rejects(ask(['http://example.com'], 'post', 'http://example.com', 5), fails('EINVAL'))
})

test('origins', () => {
  assert.equal(originOf('https://example.com'), 'https://example.com')
  assert.equal(originOf('https://EXAMPLE.com:443/'), 'https://example.com')
  assert.equal(originOf('http://127.1:8080'), 'http://127.0.0.1:8080')
  for (const text of [
    'example.com',
    'ftp://example.com',
    'https://example.com/path',
    'https://a:b@example.com',
    ''
  ])
    assert.throws(() => originOf(text), { code: 'USAGE' })
})
