// How the benchmarks measure, and how a row of their result looks.

export interface Row {
  /** what was done */
  work: string
  /** null if it could not be measured: see `error` */
  value: number | null
  unit: string
  /** what is included, and how it was done */
  conditions: string
  /** ms, where calls were timed one by one */
  latency?: Latency
  /** why there is no figure */
  error?: string
}

export interface Latency {
  p50: number
  p99: number
}

export interface Rate {
  perSecond: number
  count: number
  latency: Latency
}

/** Runs `task` until `seconds` have passed, `concurrency` at a time. */
export function rate(
  seconds: number,
  concurrency: number,
  task: (n: number) => Promise<unknown>
): Promise<Rate> {
  const end = performance.now() + seconds * 1000
  return rateWhile(() => performance.now() < end, concurrency, task)
}

/** Runs `task` so many times, `concurrency` at a time. */
export function rateOf(
  count: number,
  concurrency: number,
  task: (n: number) => Promise<unknown>
): Promise<Rate> {
  return rateWhile(n => n < count, concurrency, task)
}

/** Runs `task` as long as `more` says so of the next one's number. */
export async function rateWhile(
  more: (n: number) => boolean,
  concurrency: number,
  task: (n: number) => Promise<unknown>
): Promise<Rate> {
  const times: number[] = []
  const start = performance.now()
  let n = 0
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (more(n)) {
        const begun = performance.now()
        await task(n++)
        times.push(performance.now() - begun)
      }
    })
  )
  const elapsed = performance.now() - start
  return { perSecond: (times.length * 1000) / elapsed, count: times.length, latency: latencyOf(times) }
}

export function latencyOf(times: number[]): Latency {
  if (times.length === 0) throw new Error('nothing was timed')
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))])
  return { p50: at(0.5), p99: at(0.99) }
}

export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

/** A row; figures below 100 have two digits behind the point. */
export function row(work: string, value: number, unit: string, conditions: string, latency?: Latency): Row {
  return {
    work,
    value: round(value, Math.abs(value) < 100 ? 2 : 0),
    unit,
    conditions,
    ...(latency && { latency })
  }
}

/** The row of what could not be measured. */
export function failed(work: string, conditions: string, error: unknown): Row {
  const text = error instanceof Error ? error.message : String(error)
  return { work, value: null, unit: '', conditions, error: text.trim().slice(0, 500) }
}

export function round(n: number, digits = 2): number {
  return Number(n.toFixed(digits))
}

export function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}
