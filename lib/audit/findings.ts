// What an audit can find, and how it ends.

export const KINDS = [
  'bad-genesis',
  'bad-record',
  'bad-signature',
  'bad-freshness',
  'replayed-request',
  'wrong-outcome',
  'wrong-gas',
  'wrong-writes',
  'wrong-state',
  'unlogged-write',
  'forked',
  'answer-not-logged',
  'wrong-oracle-call'
] as const

export type Kind = (typeof KINDS)[number]

/** Something that an honest host does not do. */
export interface Finding {
  kind: Kind
  block: number
  /** of the call, where the finding is about one */
  index: number | null
  detail: string
  /** other blocks that it takes to see it */
  related?: number[]
  /** a proof of it, where it takes more than the log's blocks and the files */
  proof?: Uint8Array
}

/** Something that could not be checked here, and says nothing against the host. */
export interface Doubt {
  block: number
  reason: string
  /** `missing`: nobody sends it; `runtime`: this one is another; `stopped`: a call did not end here */
  cause: Cause
}

export type Cause = 'missing' | 'runtime' | 'stopped'

export type Verdict = 'verified' | 'fraud' | 'inconclusive'

export interface AuditResult {
  verdict: Verdict
  /** blocks of the log */
  length: number
  /** tree hash of the log at that length, hex */
  hash: string
  /** first of the blocks that were audited, or that a sample was drawn from */
  from: number
  /** the share of the blocks that was audited, and what it was drawn with */
  sample?: number
  seed?: string
  /** records that the log holds */
  calls: number
  /** records that were executed again */
  checked: number
  findings: Finding[]
  /** why the audit is inconclusive; empty if it is not */
  doubts: Doubt[]
}

export interface Found {
  findings: Finding[]
  doubts: Doubt[]
}

/** Gathers what an audit finds; anything found is fraud, any doubt left is inconclusive. */
export class Findings {
  readonly findings: Finding[] = []
  readonly doubts: Doubt[] = []

  add(
    kind: Kind,
    block: number,
    index: number | null,
    detail: string,
    more: Pick<Finding, 'related' | 'proof'> = {}
  ): void {
    this.findings.push({ kind, block, index, detail, ...more })
  }

  doubt(block: number, reason: string, cause: Cause = 'missing'): void {
    if (!this.doubts.some(doubt => doubt.reason === reason)) this.doubts.push({ block, reason, cause })
  }

  get found(): Found {
    return { findings: this.findings, doubts: this.doubts }
  }

  /** Takes over what another part of the audit has found in blocks from `from` on, and all that it could not check. */
  take({ findings, doubts }: Found, from: number): void {
    this.findings.push(...findings.filter(({ block }) => block >= from))
    for (const { block, reason, cause } of doubts) this.doubt(block, reason, cause)
  }

  /** Gives away what was found so far. */
  drain(): Found {
    return { findings: this.findings.splice(0), doubts: this.doubts.splice(0) }
  }
}

export function verdictOf({ findings, doubts }: Found): Verdict {
  if (findings.length > 0) return 'fraud'
  return doubts.length > 0 ? 'inconclusive' : 'verified'
}

/** Whether what the log says of the files is known to be false, so that nothing more follows from it. */
export function doubtsState({ kind }: Finding): boolean {
  return kind === 'wrong-state' || kind === 'forked'
}
