// The host that is measured: the real command line, in a process of its own.

import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { loadIdentity, type HostStatus } from '../../lib/index.js'
import { VMS } from '../helpers/cli.js'
import { RSVP, type Ground } from './ground.js'
import { memoryOf, memoryOfChildren } from './memory.js'

/** Room for what a command prints: a thousand VMs are a long line. */
const PRINTED_BYTES = 64 * 1024 * 1024

/** Hosts that run: none of them outlives the bench. */
const running = new Set<ChildProcess>()
process.on('exit', killAll)

export function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

export class HostProcess {
  /** from the start of the process to the last VM that is ready */
  seconds = 0
  /** MiB at most, up to then */
  peak = 0
  readonly keys: string[] = []
  private readonly ended: Promise<unknown>

  private constructor(
    private readonly ground: Ground,
    private readonly folder: string,
    private readonly child: ChildProcess
  ) {
    running.add(child)
    this.ended = once(child, 'exit').then(() => running.delete(child))
  }

  /** Serves a new VM of the RSVP contract. */
  static async deploy(ground: Ground, name: string): Promise<HostProcess> {
    await loadIdentity(ground.path(name, 'owner')) // or the host would say that it is a new one
    return HostProcess.start(ground, ground.path(name), [RSVP], 1)
  }

  /** Serves so many VMs that are in the storage already. */
  static resume(ground: Ground, name: string, vms = 1): Promise<HostProcess> {
    return HostProcess.start(ground, ground.path(name), [], vms)
  }

  private static async start(
    ground: Ground,
    folder: string,
    scripts: string[],
    vms: number
  ): Promise<HostProcess> {
    const flags = ['--json', '--storage', path.join(folder, 'host'), '--bootstrap', ground.bootstrap]
    const identity = ['--identity', path.join(folder, 'owner')]
    const begun = performance.now()
    const child = spawn(process.execPath, [VMS, 'serve', ...scripts, ...flags, ...identity], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    const host = new HostProcess(ground, folder, child)
    for await (const line of createInterface({ input: child.stdout })) {
      const { event, key } = JSON.parse(line) as { event: string; key: string }
      if (event !== 'ready') throw new Error(`the host says ${line}`)
      host.keys.push(key)
      if (host.keys.length === vms) break
    }
    if (host.keys.length < vms) throw new Error(`the host ended with ${child.exitCode} before it was ready`)
    host.seconds = (performance.now() - begun) / 1000
    host.peak = memoryOf(child.pid!, 'VmHWM')
    child.stdout.resume()
    return host
  }

  /** The VM, if it is the only one. */
  get key(): string {
    return this.keys[0]
  }

  /** MiB of its process now. */
  get memory(): number {
    return memoryOf(this.child.pid!)
  }

  /** MiB of its process at most, since it was started. */
  get mostMemory(): number {
    return memoryOf(this.child.pid!, 'VmHWM')
  }

  /** MiB of its sandboxes now. */
  get sandboxes(): number {
    return memoryOfChildren(this.child.pid!)
  }

  async status(): Promise<HostStatus> {
    const flags = ['--json', '--storage', path.join(this.folder, 'host'), '--timeout', '120']
    const { stdout } = await vms('status', ...flags)
    return JSON.parse(stdout) as HostStatus
  }

  /** Ends it as a power cut would: nothing is finished. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended
  }

  /** Ends it as its operator does. */
  async stop(): Promise<void> {
    this.child.kill('SIGTERM')
    await this.ended
  }

  /** Starts another on the same storage, after this one has ended. */
  again(): Promise<HostProcess> {
    return HostProcess.start(this.ground, this.folder, [], this.keys.length)
  }
}

/** Runs a command to its end. */
export function vms(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, [VMS, ...args], { maxBuffer: PRINTED_BYTES })
}
