// One child process as its parent sees it: how it is started, its frames, and its certain end.

import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import {
  decodeChildFrame,
  encodeHostFrame,
  FrameReader,
  MAX_CHILD_FRAME,
  type ChildFrame,
  type HostFrame
} from './frames.js'
import { locate, type Isolation } from './isolation.js'
import { boundData } from './memory.js'
import { Sources } from './slots.js'

// what the child's modules import; their own dependencies follow from these
const PACKAGES = [
  'ses',
  'acorn',
  'magic-string',
  'eslint-scope',
  '@eslint-community/regexpp',
  'compact-encoding',
  'b4a'
]
const START_TIMEOUT = 30_000
const MAX_QUEUED = 1024
const MAX_QUEUED_BYTES = 4 * 1024 * 1024
const MAX_STDERR = 4096

const here = dirname(fileURLToPath(import.meta.url))

// Folders that the child must be able to read: its code, and the packages that it loads, wherever they lie and
// whatever links lead to them. Whole node_modules folders rather than single packages, since Node 20 aborts on some
// sets of paths that begin alike.
function readable(here: string): string[] {
  const folders = new Set([join(here, '..')])
  const seen = new Set<string>()
  const add = (from: string, name: string) => {
    for (let at = from; ; at = dirname(at)) {
      const link = join(at, 'node_modules', name)
      if (existsSync(link)) {
        const real = realpathSync(link)
        folders.add(join(at, 'node_modules')).add(real)
        if (seen.has(real)) return
        seen.add(real)
        for (const dependency of dependencies(real)) add(real, dependency)
        return
      }
      if (at === dirname(at)) return // the child will say what is missing
    }
  }
  for (const name of PACKAGES) add(here, name)
  const all = [...folders].map(folder => folder + sep)
  return all.filter(folder => !all.some(other => other !== folder && folder.startsWith(other)))
}

function dependencies(folder: string): string[] {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { dependencies?: object }
  return Object.keys(manifest.dependencies ?? {})
}

function permissionFlag(): string {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const stable = major > 23 || (major === 23 && minor >= 5) || (major === 22 && minor >= 13)
  return stable ? '--permission' : '--experimental-permission'
}

let flags: string[] | null = null
let prlimit: string | null | undefined

/** Flags of V8 that a child has from its parent: they change how fast it is, and nothing else. */
const INHERITED = ['--jitless', '--max-lazy', '--no-opt', '--always-sparkplug']

/** What Node is started with: it may read its own code, start the one thread of the runner, and nothing else. */
export function childFlags(): string[] {
  return (flags ??= [
    permissionFlag(),
    ...readable(here).map(folder => `--allow-fs-read=${folder}*`),
    '--allow-worker', // for the guard; the runner gives it away before it reads its first contract
    '--no-addons',
    '--v8-pool-size=1', // as fast, and 25 MiB less of data
    '--disallow-code-generation-from-strings', // in our own realm; the contract's is told otherwise
    '--no-warnings',
    ...process.execArgv.filter(flag => INHERITED.includes(flag))
  ])
}

/** All that a child has of its environment. */
export const ENVIRONMENT = { TZ: 'UTC', LC_ALL: 'C' }

export class SandboxProcess {
  /** The sources that the child has. */
  readonly sources = new Sources()
  /** Resolves when the process can run contracts, or is found to be unable to: `ready` tells. */
  readonly started: Promise<void>
  /** Resolves when the process has ended. */
  readonly exited: Promise<void>
  /** Whether it got as far as being able to run contracts. */
  ready = false
  /** The last of what it wrote to stderr. */
  stderr = ''

  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>
  #frames: (ChildFrame | null)[] = [] // null: there will be no more
  #taken = 0 // of them
  #bytes = 0 // of them
  #received = 0
  #wake: (() => void) | null = null
  #start: () => void = () => {}
  #ended = false

  /** @param command what is started: the child, unless a test has other plans */
  constructor(isolation: Isolation, command = [process.execPath, ...childFlags(), join(here, 'child.js')]) {
    const [file, ...args] = isolation.wrap(command)
    // pipe 3 says nothing: that it closes tells the child that we are gone
    this.#process = spawn(file, args, {
      cwd: '/',
      env: ENVIRONMENT,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      windowsHide: true
    })
    const { stdin, stdout, stderr } = this.#process
    this.started = new Promise(resolve => (this.#start = resolve))
    const startTimer = setTimeout(() => this.#end(), START_TIMEOUT)
    void this.started.then(() => clearTimeout(startTimer))
    this.exited = new Promise<void>(resolve => {
      this.#process.once('exit', () => resolve())
      this.#process.once('error', error => {
        this.stderr += error.message
        if (this.#process.pid === undefined) resolve()
      })
    }).then(() => this.#end())
    for (const stream of this.#process.stdio) stream?.on('error', () => {}) // the exit says it all
    stdin.on('error', () => {})
    stderr.on('data', (chunk: Buffer) => {
      this.stderr = (this.stderr + chunk.toString()).slice(-MAX_STDERR)
    })
    const reader = new FrameReader(MAX_CHILD_FRAME)
    stdout.on('data', (chunk: Buffer) => {
      this.#received++
      try {
        for (const bytes of reader.push(chunk)) this.#push(decodeChildFrame(bytes), bytes.byteLength)
      } catch {
        this.#end() // no honest child says that
      }
      if (this.#frames.length > MAX_QUEUED || this.#bytes > MAX_QUEUED_BYTES) stdout.pause()
    })
    stdout.on('end', () => this.#end())
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  /** Whether it can still be used. */
  get alive(): boolean {
    return !this.#ended
  }

  /** Whether it has said nothing that was not listened to. */
  get silent(): boolean {
    return this.#frames.length === 0
  }

  /** Whether this process waits for the child before it ends by itself; it does unless told otherwise. */
  hold(held: boolean) {
    const handles = [this.#process, ...this.#process.stdio] as { ref?(): void; unref?(): void }[]
    for (const handle of handles) {
      if (held) handle.ref?.()
      else handle.unref?.()
    }
  }

  send(frame: HostFrame) {
    this.#process.stdin.write(encodeHostFrame(frame))
  }

  /** @returns the slot in which the child has the source, from now on at least */
  slotOf(source: string): number {
    const known = this.sources.find(source)
    if (known !== null) return known
    const { slot, dropped } = this.sources.add(source)
    for (const slot of dropped) this.send({ type: 'source', slot, source: '' })
    this.send({ type: 'source', slot, source })
    return slot
  }

  /**
   * The child's next frame, as soon as there is one.
   * @param budget what the contract may take; the time waited here, and no other, is taken off it
   * @returns null once the process has ended, or was ended because the budget is used up
   */
  next(budget: { ms: number }): ChildFrame | null | Promise<ChildFrame | null> {
    return this.silent ? this.#wait(budget) : this.#take()
  }

  /** Ends the process, whatever it does; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#end()
    this.hold(true)
    await this.exited
  }

  #push(frame: ChildFrame, bytes: number) {
    if (this.#ended) return
    if (!this.ready) {
      if (frame.type !== 'ready') return this.#end()
      this.ready = true
      return void boundData(this.pid, (prlimit ??= locate('prlimit'))).then(this.#start)
    }
    this.#frames.push(frame)
    this.#bytes += bytes
    this.#wake?.()
  }

  #end() {
    if (!this.#ended) {
      this.#ended = true
      this.#frames.push(null)
      this.#process.kill('SIGKILL')
    }
    this.#start()
    this.#wake?.()
  }

  #take(): ChildFrame | null {
    const frame = this.#frames[this.#taken]
    if (frame === null) return null
    if (++this.#taken === this.#frames.length) {
      this.#frames = []
      this.#taken = this.#bytes = 0
      this.#process.stdout.resume()
    }
    return frame
  }

  async #wait(budget: { ms: number }): Promise<ChildFrame | null> {
    await this.started
    if (this.silent) await this.#arrival(budget)
    return this.#take()
  }

  #arrival(budget: { ms: number }): Promise<void> {
    return new Promise(resolve => {
      const start = performance.now()
      let timer: NodeJS.Timeout
      const arm = () => {
        const received = this.#received
        timer = setTimeout(
          () => {
            // if it was us who were busy, the frame is there already: let the event loop have a look first
            setImmediate(() => {
              if (this.#wake === null) return
              if (this.#received !== received) arm()
              else this.#end()
            })
          },
          Math.max(0, budget.ms)
        )
      }
      arm()
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = null
        budget.ms -= performance.now() - start
        resolve()
      }
    })
  }
}
