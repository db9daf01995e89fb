// The command line as people run it: processes of their own, on a local DHT, each user with folders of their own.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestContext } from 'node:test'
import type { Testnet } from 'hyperdht/testnet.js'
import { makeTestnet } from './testnet.js'

/** The command line's file. */
export const VMS = fileURLToPath(new URL('../../bin/vms.js', import.meta.url))

/** What npm has fetched once is there for every user. */
const NPM_CACHE = process.env.npm_config_cache ?? path.join(homedir(), '.npm')

export type Line = Record<string, unknown>

export function fixture(name: string): string {
  return fileURLToPath(new URL(`../../../fixtures/contracts/${name}`, import.meta.url))
}

export interface Ended {
  status: number | null
  stdout: string
  stderr: string
  /** stdout as JSON lines */
  lines: Line[]
}

/** A process of the command line. */
export class Running {
  stdout = ''
  stderr = ''
  readonly ended: Promise<Ended>
  private readonly changed = new Set<() => void>()

  constructor(readonly child: ChildProcess) {
    const look = () => {
      for (const one of this.changed) one()
    }
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      look()
    })
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      look()
    })
    this.ended = once(child, 'close').then(([status]) => {
      const { stdout, stderr } = this
      return { status: status as number | null, stdout, stderr, lines: jsonLines(stdout) }
    })
  }

  /** Resolves once `condition` holds of what was printed; fails if the process ends before. */
  until(condition: (running: this) => boolean): Promise<void> {
    const held = new Promise<void>(resolve => {
      const look = () => {
        if (!condition(this)) return
        this.changed.delete(look)
        resolve()
      }
      this.changed.add(look)
      look()
    })
    const ended = this.ended.then(({ status, stdout, stderr }) => {
      if (!condition(this)) throw new Error(`ended with ${status}:\n${stdout}\n${stderr}`)
    })
    return Promise.race([held, ended])
  }

  /** The first `count` JSON lines. */
  async json(count = 1): Promise<Line[]> {
    await this.until(() => this.stdout.split('\n').length > count)
    return jsonLines(this.stdout).slice(0, count)
  }

  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.child.kill(signal)
    return this.ended
  }
}

/** People with folders of their own, who run commands in one network. */
export class Users {
  private readonly running = new Set<Running>()

  protected constructor(
    readonly folder: string,
    readonly bootstrap: string
  ) {}

  /** A folder for what a user does; commands run there. */
  async home(user: string): Promise<string> {
    const home = path.join(this.folder, user)
    await mkdir(home, { recursive: true })
    return home
  }

  /** Starts a command of a user. */
  start(user: string, ...args: string[]): Promise<Running> {
    return this.startIn(user, {}, ...args)
  }

  /** Starts a command of a user with more in its environment. */
  async startIn(user: string, env: NodeJS.ProcessEnv, ...args: string[]): Promise<Running> {
    const home = await this.home(user)
    const [program, ...before] = [...this.place(user), process.execPath, VMS]
    const child = spawn(program, [...before, ...args], {
      cwd: home,
      env: {
        PATH: process.env.PATH,
        HOME: home,
        XDG_DATA_HOME: path.join(home, 'data'),
        XDG_CONFIG_HOME: path.join(home, 'config'),
        VMS_BOOTSTRAP: this.bootstrap,
        npm_config_cache: NPM_CACHE,
        ...env
      }
    })
    const running = new Running(child)
    this.running.add(running)
    void running.ended.then(() => this.running.delete(running))
    return running
  }

  /** Runs a command of a user to its end. */
  async run(user: string, ...args: string[]): Promise<Ended> {
    const running = await this.start(user, ...args)
    running.child.stdin!.end()
    return running.ended
  }

  /** Runs a session that reads these lines. */
  async session(user: string, args: string[], input: string[]): Promise<Ended> {
    const running = await this.start(user, 'connect', ...args)
    running.child.stdin!.end(input.join('\n') + '\n')
    return running.ended
  }

  /** Starts a host; resolves once its VMs can be found. */
  async serve(scripts: string[], ...flags: string[]): Promise<Serving> {
    const running = await this.start('host', 'serve', ...scripts, '--json', ...flags)
    const ready = await running.json(scripts.length || 1) // without scripts it resumes one at least
    return { running, ready, key: String(ready[0].key) }
  }

  /** The command that a user's commands are started with. */
  protected place(_user: string): string[] {
    return []
  }

  /** Ends what still runs. */
  protected async kill(): Promise<void> {
    await Promise.all([...this.running].map(one => one.stop('SIGKILL')))
  }
}

/** A network and a folder of a test; everything in it is gone when the test ends. */
export class World extends Users {
  private readonly guests: { close(): Promise<void> }[] = []

  private constructor(
    folder: string,
    bootstrap: string,
    private testnet: Testnet | null
  ) {
    super(folder, bootstrap)
  }

  static async make(t: TestContext): Promise<World> {
    const folder = await mkdtemp(path.join(tmpdir(), 'vms-test-'))
    const testnet = await makeTestnet()
    const bootstrap = testnet.bootstrap.map(({ host, port }) => `${host}:${port}`).join()
    const world = new World(folder, bootstrap, testnet)
    t.after(async () => {
      await Promise.all(world.guests.map(one => one.close()))
      await world.kill()
      await world.darken()
      await rm(folder, { recursive: true, force: true })
    })
    return world
  }

  /** Closes something when the test ends, while the network is still there. */
  use<T extends { close(): Promise<void> }>(guest: T): T {
    this.guests.push(guest)
    return guest
  }

  /** Ends all nodes of the network. */
  async darken(): Promise<void> {
    const { testnet } = this
    this.testnet = null
    await testnet?.destroy()
  }
}

export interface Serving {
  running: Running
  ready: Line[]
  /** of the first VM */
  key: string
}

function jsonLines(text: string): Line[] {
  return text.split('\n').flatMap(line => {
    try {
      return line === '' ? [] : [JSON.parse(line) as Line]
    } catch {
      return []
    }
  })
}
