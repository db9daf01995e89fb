// What all benchmarks of a run share: a folder, and a DHT on loopback.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import createTestnet, { type Testnet } from 'hyperdht/testnet.js'

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** The contract of all benchmarks. */
export const RSVP = path.join(ROOT, 'fixtures', 'contracts', 'rsvp.js')

/** A module of the benchmarks that is a program of its own. */
export function program(name: string): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url))
}

export class Ground {
  private constructor(
    readonly folder: string,
    readonly bootstrap: string,
    private readonly testnet: Testnet
  ) {}

  static async make(): Promise<Ground> {
    const folder = await mkdtemp(path.join(tmpdir(), 'vms-bench-'))
    // what clients and commands keep for a user, they keep here
    process.env.XDG_DATA_HOME = path.join(folder, 'data')
    process.env.XDG_CONFIG_HOME = path.join(folder, 'config')
    const testnet = await createTestnet(3, { host: '127.0.0.1' })
    return new Ground(folder, testnet.bootstrap.map(({ host, port }) => `${host}:${port}`).join(), testnet)
  }

  get nodes(): string[] {
    return this.bootstrap.split(',')
  }

  path(...names: string[]): string {
    return path.join(this.folder, ...names)
  }

  async close(): Promise<void> {
    await this.testnet.destroy()
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10 }) // a host may just be dying
  }
}
