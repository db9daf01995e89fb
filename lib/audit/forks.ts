// Contradictions of the host with itself that an audit sees: two histories, or one that was cut.

import b4a from 'b4a'
import type Hypercore from 'hypercore'
import { VMSError } from '../errors.js'
import type { Replica } from '../replica/replica.js'
import type { Findings } from './findings.js'

/** Whether the host has contradicted what it had signed; `Forks.check` reports it. */
export function isContradiction(error: unknown): error is VMSError {
  return error instanceof VMSError && (error.code === 'FRAUD' || error.code === 'REWOUND')
}

/** Two histories of one VM: contradicting heads, contradicting cores, and truncations, which give a core a fork number. */
export class Forks {
  /** whether a core was closed because a peer holds another signed history of it */
  conflict = false
  /** blocks that the copy had then */
  private known = 0
  readonly conflicted: Promise<void>
  private readonly cores: Hypercore[] = []
  private found!: () => void

  constructor(
    private readonly replica: Replica,
    private readonly findings: Findings
  ) {
    this.conflicted = new Promise(resolve => (this.found = resolve))
  }

  async watch(...cores: Hypercore[]): Promise<void> {
    for (const core of cores) {
      this.cores.push(core)
      core.once('conflict', () => {
        this.conflict = true
        this.known = this.replica.log.length
        this.found()
      })
      await core.ready()
    }
  }

  /** Whether the host itself shows a core that was truncated; of others the copy has nothing. */
  shown(core: Hypercore): boolean {
    const { links } = this.replica
    return core.peers.some(
      ({ remoteFork, remotePublicKey }) =>
        remoteFork > core.fork &&
        [...links].some(link => link.isHost && b4a.equals(link.peer, remotePublicKey))
    )
  }

  async check(length: number): Promise<void> {
    const { replica, findings } = this
    // what the copy holds contradicts what others hold, if it holds anything
    const block = (Math.max(this.known, length) || (replica.head?.length ?? 1)) - 1
    const forked = this.cores.find(core => core.fork > 0 || this.shown(core))
    if (this.conflict)
      findings.add('forked', block, null, 'peers hold two histories that the host has signed')
    else if (forked) findings.add('forked', block, null, 'the host has truncated what it had signed')
    else {
      await replica
        .until(() => true, 0)
        .catch((error: unknown) => {
          if (isContradiction(error)) findings.add('forked', block, null, error.message)
        })
    }
  }
}
