// One child process as its parent sees it: how it is started, its frames, and its certain end.

import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { decodeChildFrame, encodeHostFrame, FrameReader, type ChildFrame, type HostFrame } from './frames.js'

// what the child's modules import; their own dependencies follow from these
const PACKAGES = ['ses', 'acorn', 'eslint-scope', 'compact-encoding', 'b4a']
const HEAP = 256 // MiB
const START_TIMEOUT = 30_000
const MAX_QUEUED = 256
const MAX_STDERR = 4096

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

function childFlags(here: string): string[] {
  return (flags ??= [
    permissionFlag(),
    ...readable(here).map(folder => `--allow-fs-read=${folder}*`),
    '--allow-worker', // for the guard; contracts cannot reach it
    `--max-old-space-size=${HEAP}`,
    '--no-warnings'
  ])
}

export class SandboxProcess {
  /** Slots of the sources that the child has: slot by source. */
  readonly slots = new Map<string, number>()
  /** Resolves when the process has ended. */
  readonly exited: Promise<void>
  /** Whether it got as far as being able to run contracts. */
  ready = false
  /** The last of what it wrote to stderr. */
  stderr = ''

  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #frames: (ChildFrame | null)[] = []
  #received = 0
  #wake: (() => void) | null = null
  #ended = false

  constructor() {
    const here = dirname(fileURLToPath(import.meta.url))
    // pipe 3 says nothing: that it closes tells the child that we are gone
    this.#process = spawn(process.execPath, [...childFlags(here), join(here, 'child.js')], {
      cwd: '/',
      env: { TZ: 'UTC', LC_ALL: 'C' },
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      windowsHide: true
    })
    const { stdin, stdout, stderr } = this.#process
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
    const reader = new FrameReader()
    stdout.on('data', (chunk: Buffer) => {
      this.#received++
      try {
        for (const bytes of reader.push(chunk)) this.#push(decodeChildFrame(bytes))
      } catch {
        this.#end() // no honest child says that
      }
      if (this.#frames.length > MAX_QUEUED) stdout.pause()
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

  send(frame: HostFrame) {
    this.#process.stdin.write(encodeHostFrame(frame))
  }

  /**
   * Waits for the child's next frame.
   * @param budget what the contract may take; the time waited here, and no other, is taken off it
   * @returns null once the process has ended, or was ended because the budget is used up
   */
  async next(budget: { ms: number }): Promise<ChildFrame | null> {
    if (!this.ready) {
      await this.#wait({ ms: START_TIMEOUT })
      if (this.#frames[0]?.type === 'ready') this.#frames.shift()
      else this.#end()
      this.ready = this.alive
    }
    await this.#wait(budget)
    const frame = this.#frames.shift() ?? null
    if (this.#frames.length === 0) this.#process.stdout.resume()
    return frame
  }

  /** Ends the process, whatever it does; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#end()
    await this.exited
  }

  #push(frame: ChildFrame) {
    this.#frames.push(frame)
    this.#wake?.()
  }

  #end() {
    if (!this.#ended) {
      this.#ended = true
      this.#frames.push(null)
    }
    this.#process.kill('SIGKILL')
    this.#wake?.()
  }

  #wait(budget: { ms: number }): Promise<void> {
    if (this.#frames.length > 0) return Promise.resolve()
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
