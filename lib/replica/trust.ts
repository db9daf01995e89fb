// Which of the connected hosts are called: those that stand by the newest head that is known.
//
// A host that shows a shorter log is asked which one it stands by now. Its older head may have been on its way since before it
// signed the newer one: then it confirms the newer one. If it confirms a shorter one, that contradicts what it has signed. If
// it says nothing it is not called. Heads that peers pass on may be of any age, and say nothing about the host.

import { VMSError } from '../errors.js'
import { challengeOf } from '../ledger/claims.js'
import { encodeKey } from '../ledger/keys.js'
import { SILENT_MS } from '../swarm/swarm.js'
import type { Link } from './link.js'
import { within } from './within.js'
import { statedByConfirmation, type Stated, type Witness } from './witness.js'

/**
 * How long a host that shows a shorter log has to say which one it stands by, ms. The connection of one that went away
 * meanwhile has ended by then: only who is there and says nothing is doubted.
 */
const CONFIRM_MS = SILENT_MS + 3000

/** How often a host is asked, at most. */
const ASK_INTERVAL_MS = 500

export class Trust {
  /** what is wrong with a host that is there */
  rewound: VMSError | null = null
  /** blocks that trusted hosts have shown when they connected */
  shown = 0
  /** the hosts that are asked now, with the newest length that each has shown meanwhile */
  private readonly asked = new Map<Link, number>()
  private readonly askedAt = new WeakMap<Link, number>()
  private readonly doubted = new Set<Link>()

  /** @param onchange is called with the link that is trusted from here on, or with null if one is no longer */
  constructor(
    private readonly key: Uint8Array,
    private readonly witness: Witness,
    private readonly onchange: (trusted: Link | null) => void
  ) {}

  /**
   * The host has shown its head on its own link.
   * @param known the newest that was known before
   */
  onhead(link: Link, length: number, known: Stated | null): void {
    if (this.asked.has(link)) this.asked.set(link, length)
    else if (known !== null && length < known.length) void this.ask(link, length, known)
    else this.trust(link, length)
  }

  onclose(link: Link): void {
    this.asked.delete(link)
    this.settle(link)
  }

  private async ask(link: Link, length: number, known: Stated): Promise<void> {
    this.asked.set(link, length)
    // a host that answers gives up on who asks too often
    const early = ASK_INTERVAL_MS - (performance.now() - (this.askedAt.get(link) ?? -Infinity))
    if (early > 0) await new Promise(resolve => setTimeout(resolve, early))
    const caughtUp = (this.asked.get(link) ?? 0) >= known.length
    this.askedAt.set(link, performance.now())
    const answered = caughtUp ? null : link.confirm(challengeOf(known.claim))
    const answer =
      answered && ((await within(CONFIRM_MS, answered, () => this.doubt(link, known))) ?? (await answered))
    if (!this.asked.delete(link)) return // it has gone
    if (caughtUp) return this.trust(link, known.length)
    if (answer === null) return
    const stated = statedByConfirmation(answer)
    if (stated.length < known.length) return this.witness.report([known.claim, stated.claim])
    this.witness.hear(link, stated)
    this.trust(link, stated.length)
  }

  private doubt(link: Link, { length }: Stated): null {
    if (!this.asked.has(link)) return null
    link.trusted = false
    this.doubted.add(link)
    this.rewound = new VMSError(
      'REWOUND',
      `the host of ${encodeKey(this.key)} shows an older log than the ${length} blocks that it has signed before, ` +
        'and does not answer which it stands by: try again later, or ask its operator whether a backup was restored'
    )
    this.onchange(null)
    return null
  }

  private trust(link: Link, length: number): void {
    this.settle(link)
    if (link.trusted) return
    link.trusted = true
    this.shown = Math.max(this.shown, length)
    this.onchange(link)
  }

  private settle(link: Link): void {
    this.doubted.delete(link)
    if (this.doubted.size === 0) this.rewound = null
  }
}
