// A local DHT and a temporary folder for one test file, with everything that was opened on them.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Client, VMSClient, type AnyContract, type ClientOptions } from '../../lib/client/client.js'
import { Host, type HostOptions } from '../../lib/host/host.js'
import type { Limits } from '../../lib/ledger/blocks.js'
import crypto from '../../lib/ledger/crypto.js'
import type { Service } from '../../lib/host/service.js'
import { makeTestnet } from './testnet.js'

export interface Local {
  folder: string
  bootstrap: string[]
  /** a host on a storage of the given name */
  host(name?: string, options?: Partial<HostOptions>): Promise<Host>
  /** deploys a script on a host */
  deploy(host: Host, source: string, limits?: Partial<Limits>): Promise<Service>
  /** a client with an identity and a storage of its own */
  client<Contract = AnyContract>(key: Uint8Array, options?: ClientOptions): VMSClient<Contract>
  /** the same without the contract's methods as its own: a test can look into it */
  plain(key: Uint8Array, options?: ClientOptions): Client
  /** closes everything, the newest first */
  close(): Promise<void>
}

export async function local(): Promise<Local> {
  const folder = await mkdtemp(path.join(tmpdir(), 'vms-test-'))
  process.env.XDG_DATA_HOME = path.join(folder, 'data') // not the user's own
  const testnet = await makeTestnet()
  const bootstrap = testnet.bootstrap.map(({ host, port }) => `${host}:${port}`)
  const open: { close(): Promise<void> }[] = []
  let clients = 0
  const withDefaults = (options: ClientOptions): ClientOptions => ({
    bootstrap,
    storage: path.join(folder, `client-${clients++}`),
    identity: crypto.keyPair(),
    ...options
  })
  return {
    folder,
    bootstrap,
    async host(name = 'host', options = {}) {
      const host = new Host({ storage: path.join(folder, name), bootstrap, ...options })
      open.push(host)
      await host.ready()
      return host
    },
    deploy(host, source, limits) {
      return host.deploy({ source, title: 'test', owner: crypto.keyPair(), limits })
    },
    client<Contract>(key: Uint8Array, options: ClientOptions = {}) {
      const client = new VMSClient<Contract>(key, withDefaults(options))
      open.push(client)
      return client
    },
    plain(key, options = {}) {
      const client = new Client(key, withDefaults(options))
      open.push(client)
      return client
    },
    async close() {
      for (const one of open.reverse()) await one.close()
      await testnet.destroy()
      await rm(folder, { recursive: true, force: true })
    }
  }
}
