// Deploys a contract in memory: bundled, checked and run as a host does it, without log, disk and network.

import type { AnyContract } from '../client/client.js'
import type { Limits } from '../ledger/blocks.js'
import { UPGRADE_OWNER } from '../ledger/contract.js'
import { genesisOf } from '../machine/genesis.js'
import { LiveOracles, type Oracle } from '../oracles/index.js'
import type { Bundle } from '../sandbox/bundle.js'
import { inspect, refuse, type Findings } from '../sandbox/findings.js'
import { keyPairOf } from './caller.js'
import type { Sandbox } from './sandbox.js'
import { TestVM, type Ended } from './vm.js'

/** Files in memory have no key. */
const NO_FILES = new Uint8Array(32)

export interface DeployOptions {
  /** The contract's file: so the places in it are given. */
  file: string
  limits?: Partial<Limits>
  /** The name of who deploys. */
  owner: string
  /** APIs below `System.oracles`, by the UTF-8 bytes of their names; the VM closes them. */
  oracles: Oracle[]
  /** Told what is to be said about the contract, before it is refused. */
  onfindings?: (findings: Findings) => void
  /** Told of each call that ends, `init` among them. */
  onended?: (ended: Ended) => void
}

/**
 * @param sandbox a new one; the VM closes it
 * @throws VMSError INVALID_CONTRACT if a host would not deploy it
 */
export async function deployInMemory<Contract = AnyContract>(
  sandbox: Sandbox,
  bundled: Bundle,
  { file, limits, owner, oracles, onfindings, onended }: DeployOptions
): Promise<TestVM<Contract>> {
  const live = new LiveOracles(oracles)
  try {
    const { source, title } = bundled
    const specs = oracles.map(({ spec }) => spec)
    const findings = await inspect(sandbox.executor, bundled, file, { gas: limits?.gas, oracles: specs })
    onfindings?.(findings)
    refuse(findings)
    const { methods } = findings
    // a test may upgrade it: migrate is no method to call
    const deployment = { source, title, methods, limits, oracles: specs, upgrade: UPGRADE_OWNER }
    const genesis = genesisOf(deployment, NO_FILES, keyPairOf(owner).publicKey)
    const vm = new TestVM<Contract>(sandbox, genesis, live, owner, onended)
    await vm.initialize()
    return vm
  } catch (error) {
    await Promise.all([sandbox.executor.close(), live.close()])
    throw error
  }
}
