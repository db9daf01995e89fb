// How another process of the same user learns what a host is doing: it connects to a socket in the host's storage, and is sent
// the status as one JSON object. Nothing is read from the socket.
//
// The path of a socket is short on every system. Where that of the storage is longer, the socket lies in a folder of its own
// for temporary files, and the storage holds a link to it.

import { createHash } from 'node:crypto'
import { chmod, mkdtemp, readlink, realpath, rm, rmdir, symlink } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { codeOf, messageOf, VMSError } from '../errors.js'

const NAME = 'status.sock'

/** Bytes of a socket's path that every system takes. */
const MAX_PATH_BYTES = 100

/** ms that somebody may let the host wait who asks and does not read */
const IDLE_MS = 5000

const MAX_SOCKETS = 16

/** Longer answers are not read. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024

/** Codes of what is there when no host is: nothing, or what one that was killed has left. */
const NOBODY = ['ENOENT', 'ENOTDIR', 'ECONNREFUSED', 'ENOTSOCK', 'EINVAL']

export class StatusSocket {
  private readonly server: Server
  private readonly sockets = new Set<Socket>()
  /** where the link in the storage leads, if there is one */
  private linked: string | null = null

  private constructor(
    private readonly storage: string,
    status: () => Promise<object>
  ) {
    this.server = createServer({ pauseOnConnect: true }, socket => {
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
      socket.on('error', () => {}) // who asked is gone
      socket.setTimeout(IDLE_MS, () => socket.destroy())
      status().then(
        answer => socket.end(JSON.stringify(answer) + '\n', () => socket.destroy()),
        () => socket.destroy()
      )
    })
    this.server.maxConnections = MAX_SOCKETS
    this.server.unref()
  }

  /**
   * Answers for the host of a storage, which no other process has.
   * @param status what to answer
   * @param onproblem is told why, if there is no place for a socket: a host serves all the same
   */
  static async open(
    storage: string,
    status: () => Promise<object>,
    onproblem: (problem: string) => void = () => {}
  ): Promise<StatusSocket> {
    const socket = new StatusSocket(path.resolve(storage), status)
    try {
      await socket.listen()
    } catch (error) {
      onproblem(`"vms status" cannot ask this host: ${messageOf(error)}`)
    }
    return socket
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    if (!this.server.listening) return
    await new Promise(resolve => this.server.close(resolve))
    await clean(this.storage, this.linked).catch(() => {}) // who asks finds that nobody is there
  }

  private async listen(): Promise<void> {
    const { server, storage } = this
    await clean(storage, await linkedPlace(storage)) // what a host has left that was killed
    const place = await makePlace(storage)
    this.linked = await linkedPlace(storage)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(place, resolve)
    })
    server.on('error', () => {}) // one that could not be accepted
    if (!isPipe(place)) await chmod(place, 0o600)
  }
}

/**
 * Asks the host that runs in a storage.
 * @param timeout ms
 * @returns JSON
 * @throws VMSError UNREACHABLE if none runs, TIMEOUT
 */
export async function askStatus(storage: string, timeout: number): Promise<string> {
  const folder = path.resolve(storage)
  try {
    return await readAll(await placeOf(folder), timeout)
  } catch (error) {
    if (error instanceof VMSError) throw error
    const code = codeOf(error) ?? ''
    if (NOBODY.includes(code))
      throw new VMSError(
        'UNREACHABLE',
        `no host runs on the storage ${folder}: "vms serve" starts one, --storage names another`
      )
    throw new VMSError('UNREACHABLE', `the host of ${folder} cannot be asked: ${messageOf(error)}`)
  }
}

function readAll(place: string, timeout: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const socket = connect(place)
    const timer = setTimeout(() => {
      socket.destroy(new VMSError('TIMEOUT', `the host does not say what it does within ${timeout / 1000} s`))
    }, timeout)
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      bytes += chunk.byteLength
      if (bytes > MAX_ANSWER_BYTES) socket.destroy(new Error('its answer is too long'))
    })
    socket.on('error', reject)
    socket.on('close', () => {
      clearTimeout(timer)
      const text = Buffer.concat(chunks).toString()
      if (text.endsWith('\n')) resolve(text)
      else reject(new Error('it hung up, and may be about to end: try again'))
    })
  })
}

function isPipe(place: string): boolean {
  return place.startsWith('\\\\')
}

/** Where the host of a storage answers. */
async function placeOf(storage: string): Promise<string> {
  if (process.platform === 'win32') return `\\\\.\\pipe\\vms-${hashOf(storage)}`
  const own = path.join(storage, NAME)
  const linked = await linkedPlace(storage)
  if (linked === null && isLong(own)) throw Object.assign(new Error('there is no socket'), { code: 'ENOENT' })
  return linked ?? own
}

async function makePlace(storage: string): Promise<string> {
  const own = path.join(storage, NAME)
  if (process.platform === 'win32' || !isLong(own)) return placeOf(storage)
  const prefix = path.join(tmpdir(), await folderName(storage))
  const place = path.join(await mkdtemp(prefix), NAME) // nobody else may enter the folder
  await symlink(place, own)
  return place
}

/** Where the link in a storage leads; one that was copied with its storage leads to the socket of another host. */
async function linkedPlace(storage: string): Promise<string | null> {
  const linked = await readlink(path.join(storage, NAME)).catch(() => null)
  if (linked === null || path.basename(linked) !== NAME) return null
  const folder = path.basename(path.dirname(linked))
  return folder.startsWith(await folderName(storage)) ? linked : null
}

async function folderName(storage: string): Promise<string> {
  return `vms-${hashOf(await realpath(storage))}-`
}

function hashOf(storage: string): string {
  return createHash('sha256').update(storage).digest('hex').slice(0, 16)
}

function isLong(place: string): boolean {
  return Buffer.byteLength(place) > MAX_PATH_BYTES
}

async function clean(storage: string, linked: string | null): Promise<void> {
  if (linked !== null) {
    await rm(linked, { force: true }).catch(() => {})
    await rmdir(path.dirname(linked)).catch(() => {})
  }
  await rm(path.join(storage, NAME), { force: true })
}
