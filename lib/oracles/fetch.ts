// The oracle `fetch`: HTTP from a contract, to the origins that genesis lists and to no other.
//
//   fetch.get(url, {headers, encoding})          encoding: 'utf8' (if not given) or 'binary'
//   fetch.post(url, body, {headers, encoding})   body: text or bytes
//
// Each gives {status, headers, body}. A redirect is followed if it leads to a listed origin. Before anything is sent, the
// address that a name leads to is looked at: one that is not public is asked only if the list names it, as a number or as
// localhost. What is looked at is what is dialled, so a name cannot lead elsewhere meanwhile.

import { lookup } from 'node:dns'
import http from 'node:http'
import https from 'node:https'
import type { LookupFunction } from 'node:net'
import { codeOf, messageOf, VMSError } from '../errors.js'
import type { Value } from '../ledger/values.js'
import { isPublic } from './addresses.js'
import { oracleOf, OracleError, type Oracle } from './oracle.js'

/** Bytes of a response's body. */
const MAX_BODY = 256 * 1024
const MAX_URL = 2048
const MAX_REDIRECTS = 5
const MAX_HEADERS = 32

/** What a contract cannot say: it belongs to the connection. */
const OURS = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade'
])

interface Exchange {
  method: 'GET' | 'POST'
  url: URL
  headers: { [name: string]: string }
  body: Uint8Array | null
  encoding: 'utf8' | 'binary'
}

/** @param scope the origins that may be asked, as `originOf` writes them */
export function fetchOracle(scope: string[]): Oracle {
  const allowed = new Set(scope)
  const run = (exchange: Exchange, signal: AbortSignal) => follow(allowed, exchange, signal)
  return oracleOf(
    'fetch',
    {
      get: ([url, options], signal) =>
        run({ method: 'GET', url: urlOf(url), body: null, ...optionsOf(options) }, signal),
      post: ([url, body, options], signal) =>
        run({ method: 'POST', url: urlOf(url), body: bodyOf(body), ...optionsOf(options) }, signal)
    },
    scope
  )
}

/**
 * The origin that an operator means.
 * @throws VMSError USAGE if it is none
 */
export function originOf(text: string): string {
  let url: URL | null = null
  try {
    url = new URL(text)
  } catch {}
  if (url === null || !isHTTP(url) || `${url.origin}/` !== url.href)
    throw new VMSError(
      'USAGE',
      `${text} is no origin: write it like https://example.com or http://10.0.0.1:8080`
    )
  return url.origin
}

function isHTTP({ protocol }: URL): boolean {
  return protocol === 'http:' || protocol === 'https:'
}

async function follow(allowed: Set<string>, first: Exchange, signal: AbortSignal): Promise<Value> {
  let exchange = first
  for (let redirects = 0; ; redirects++) {
    const { url } = exchange
    if (!allowed.has(url.origin))
      throw new OracleError(
        'FORBIDDEN_ORIGIN',
        `${redirects > 0 ? 'a redirect leads to' : 'this host does not allow'} ${url.origin}, which is not on its list`
      )
    const response = await send(exchange, signal)
    const { status, location } = response
    if (location === null || ![301, 302, 303, 307, 308].includes(status))
      return read(response, exchange, signal)
    response.message.destroy()
    if (redirects === MAX_REDIRECTS)
      throw new OracleError('TOO_MANY_REDIRECTS', `more than ${MAX_REDIRECTS} redirects`)
    exchange = redirected(exchange, status, location)
  }
}

// as browsers do: another origin gets no credentials, and 301 to 303 turn a POST into a GET
function redirected(exchange: Exchange, status: number, location: string): Exchange {
  let url
  try {
    url = new URL(location, exchange.url)
  } catch {
    throw new OracleError('BAD_RESPONSE', 'it redirects to what is no URL')
  }
  const headers = { ...exchange.headers }
  if (url.origin !== exchange.url.origin) {
    delete headers.authorization
    delete headers.cookie
  }
  if (status >= 307) return { ...exchange, url, headers }
  delete headers['content-type']
  return { ...exchange, url, headers, method: 'GET', body: null }
}

interface Response {
  message: http.IncomingMessage
  status: number
  location: string | null
}

function send({ method, url, headers, body }: Exchange, signal: AbortSignal): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? https : http).request(
      url,
      {
        method,
        signal,
        agent: false, // a connection of its own: nothing is shared between VMs
        lookup: lookupFor(url),
        headers: {
          'user-agent': 'vms',
          'accept-encoding': 'identity',
          ...headers,
          ...(body === null ? {} : { 'content-length': body.byteLength })
        }
      },
      message => {
        const { statusCode = 0, headers } = message
        message.on('error', () => {}) // who reads is told
        resolve({ message, status: statusCode, location: headers.location ?? null })
      }
    )
    request.on('error', error => reject(explain(error, url)))
    request.end(body ?? undefined)
  })
}

/** Looks names up, and gives only addresses that may be asked; a number that the list names is not looked up. */
function lookupFor(url: URL): LookupFunction {
  return (name, options, callback) => {
    lookup(name, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0)
      const good = addresses.filter(({ address }) => isPublic(address) || isMeant(url, address))
      if (good.length === 0) return callback(forbidden(url, addresses[0]?.address ?? 'nothing'), '', 0)
      if (options.all) callback(null, good)
      else callback(null, good[0].address, good[0].family)
    })
  }
}

function isMeant({ hostname }: URL, address: string): boolean {
  return hostname === 'localhost' && (address === '::1' || address.startsWith('127.'))
}

function forbidden({ origin }: URL, address: string): OracleError {
  return new OracleError(
    'FORBIDDEN_ADDRESS',
    `${origin} leads to ${address}, an address of a private network that the host's list does not name`
  )
}

async function read(
  { message, status }: Response,
  { url, encoding }: Exchange,
  signal: AbortSignal
): Promise<Value> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      size += chunk.byteLength
      if (size > MAX_BODY) {
        message.destroy()
        throw new OracleError('RESPONSE_TOO_LARGE', `the response has more than ${MAX_BODY / 1024} KiB`)
      }
      chunks.push(chunk)
    }
  } catch (error) {
    throw error instanceof OracleError || signal.aborted ? error : explain(error, url)
  }
  const bytes = new Uint8Array(Buffer.concat(chunks))
  return { status, headers: headersOf(message), body: encoding === 'binary' ? bytes : textOf(bytes) }
}

function headersOf({ headers }: http.IncomingMessage): { [name: string]: string } {
  const entries = Object.entries(headers).filter(([name]) => name !== 'set-cookie')
  return Object.fromEntries(
    entries.map(([name, value]) => [name, textOf(Buffer.from(String(value), 'latin1'))])
  )
}

// replaces what is no UTF-8, so that the text is a value
function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

function explain(error: unknown, { origin }: URL): OracleError {
  if (error instanceof OracleError) return error
  return new OracleError(codeOf(error) ?? 'BAD_RESPONSE', `${origin} could not be asked: ${messageOf(error)}`)
}

function urlOf(input: Value | undefined): URL {
  if (typeof input === 'string' && input.length <= MAX_URL) {
    try {
      const url = new URL(input)
      if (isHTTP(url) && url.username === '' && url.password === '') return url
    } catch {}
  }
  throw new OracleError(
    'EINVAL',
    `a URL is a text of at most ${MAX_URL} characters that begins with http or https`
  )
}

function bodyOf(input: Value | undefined): Uint8Array {
  if (typeof input === 'string') return Buffer.from(input)
  if (input instanceof Uint8Array) return input
  throw new OracleError('EINVAL', 'a body is text or bytes')
}

function optionsOf(input: Value | undefined): Pick<Exchange, 'headers' | 'encoding'> {
  const { headers = null, encoding = null } = isObject(input) ? input : {}
  if (encoding !== null && encoding !== 'utf8' && encoding !== 'binary')
    throw new OracleError('EINVAL', "an encoding is 'utf8' or 'binary'")
  const given = isObject(headers) ? Object.entries(headers) : []
  if (given.length > MAX_HEADERS) throw new OracleError('EINVAL', `more than ${MAX_HEADERS} headers`)
  const checked = given.map(([name, value]) => {
    const lower = name.toLowerCase()
    if (OURS.has(lower)) throw new OracleError('EINVAL', `the header ${lower} is not the contract's to set`)
    if (typeof value !== 'string') throw new OracleError('EINVAL', `the header ${lower} is no text`)
    try {
      http.validateHeaderName(lower)
      http.validateHeaderValue(lower, value)
    } catch (error) {
      throw new OracleError('EINVAL', messageOf(error))
    }
    return [lower, value] as const
  })
  return { headers: Object.fromEntries(checked), encoding: encoding ?? 'utf8' }
}

function isObject(input: Value | undefined): input is { [key: string]: Value } {
  return (
    typeof input === 'object' && input !== null && !Array.isArray(input) && !(input instanceof Uint8Array)
  )
}
