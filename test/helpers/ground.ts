// What the tests of one file stand on: a local DHT and a folder, gone when the file is done.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after } from 'node:test'
import { audit, type AuditOptions } from '../../lib/audit/auditor.js'
import type { AuditResult } from '../../lib/audit/findings.js'
import { Host, type HostOptions } from '../../lib/host/host.js'
import type { ReplicaOptions } from '../../lib/replica/place.js'
import { Replica } from '../../lib/replica/replica.js'
import { Forger } from './forger.js'
import { makeTestnet } from './testnet.js'

/** Something that has to be closed in the end. */
interface Closable {
  close(): Promise<unknown>
}

export class Ground {
  private folders = 0
  private readonly opened: Closable[] = []

  private constructor(
    private readonly root: string,
    readonly bootstrap: string[],
    private readonly destroy: () => Promise<void>
  ) {}

  /** Call it at the top level of a test file: it cleans up after the last test. */
  static async open(): Promise<Ground> {
    const ground = await Ground.make()
    after(() => ground.close())
    return ground
  }

  /** One that has to be closed. */
  static async make(): Promise<Ground> {
    const testnet = await makeTestnet()
    const bootstrap = testnet.bootstrap.map(({ host, port }) => `${host}:${port}`)
    const root = await mkdtemp(path.join(tmpdir(), 'vms-audit-'))
    return new Ground(root, bootstrap, () => testnet.destroy())
  }

  /** A folder that nobody else has; it is made by whoever uses it. */
  folder(): string {
    return path.join(this.root, String(this.folders++))
  }

  keep<T extends Closable>(one: T): T {
    this.opened.push(one)
    return one
  }

  async forger(): Promise<Forger> {
    const forger = this.keep(new Forger(this.folder(), this.bootstrap))
    await forger.ready()
    return forger
  }

  /** An honest host; opened again, it resumes what the folder holds. */
  async host(storage: string, options: Partial<HostOptions> = {}): Promise<Host> {
    const { bootstrap } = this
    const host = this.keep(new Host({ storage, bootstrap, ...options }))
    await host.ready()
    return host
  }

  replica(key: Uint8Array, data = this.folder(), options: Partial<ReplicaOptions> = {}): Replica {
    return this.keep(new Replica(key, { bootstrap: this.bootstrap, data, ...options }))
  }

  /** Audits a VM as a stranger does. */
  async audit(key: Uint8Array, options: Partial<AuditOptions> = {}): Promise<AuditResult> {
    const replica = this.replica(key)
    try {
      return await this.auditCopy(replica, { timeout: 20_000, ...options })
    } finally {
      await replica.close()
    }
  }

  /** Audits with a copy whose host is there; `timeout` is for what its peers are asked, and not for finding them. */
  async auditCopy(replica: Replica, options: AuditOptions): Promise<AuditResult> {
    await replica.ready()
    // what contradicts itself is for the audit to tell
    await replica.until(() => replica.host !== null, 20_000).catch(() => {})
    return audit(replica, options)
  }

  async close(): Promise<void> {
    for (const one of this.opened.reverse()) await one.close()
    await this.destroy()
    await rm(this.root, { recursive: true, force: true })
  }
}
