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
  'forked',
  'answer-not-logged'
] as const

export type Kind = (typeof KINDS)[number]

/** Something that an honest host does not do. */
export interface Finding {
  kind: Kind
  block: number
  /** of the call, where the finding is about one */
  index: number | null
  detail: string
}

/** Something that could not be checked here, and says nothing against the host. */
export interface Doubt {
  block: number
  reason: string
}

export type Verdict = 'verified' | 'fraud' | 'inconclusive'

export interface AuditResult {
  verdict: Verdict
  /** blocks of the log */
  length: number
  /** tree hash of the log at that length, hex */
  hash: string
  /** first block that was audited */
  from: number
  /** records that the log holds */
  calls: number
  /** records that were executed again */
  checked: number
  findings: Finding[]
  /** why the audit is inconclusive; empty if it is not */
  doubts: Doubt[]
}

/** Gathers what an audit finds; anything found is fraud, any doubt left is inconclusive. */
export class Findings {
  readonly findings: Finding[] = []
  readonly doubts: Doubt[] = []

  add(kind: Kind, block: number, index: number | null, detail: string): void {
    this.findings.push({ kind, block, index, detail })
  }

  doubt(block: number, reason: string): void {
    if (!this.doubts.some(doubt => doubt.reason === reason)) this.doubts.push({ block, reason })
  }

  has(kind: Kind): boolean {
    return this.findings.some(finding => finding.kind === kind)
  }

  get verdict(): Verdict {
    if (this.findings.length > 0) return 'fraud'
    return this.doubts.length > 0 ? 'inconclusive' : 'verified'
  }
}
