// How the benchmarks measure, and how a row of their result looks.

export interface Row {
  /** what was done */
  work: string
  value: number
  unit: string
  /** what is included, and how it was done */
  conditions: string
  /** ms, where calls were timed one by one */
  latency?: { p50: number; p99: number }
}

/**
 * Runs `task` until `seconds` have passed, `concurrency` at a time.
 * @returns how many a second, and the latency of one
 */
export async function rate(
  seconds: number,
  concurrency: number,
  task: (n: number) => Promise<unknown>
): Promise<{ perSecond: number; count: number; latency: { p50: number; p99: number } }> {
  const times: number[] = []
  const start = performance.now()
  const end = start + seconds * 1000
  let n = 0
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (performance.now() < end) {
        const begun = performance.now()
        await task(n++)
        times.push(performance.now() - begun)
      }
    })
  )
  const elapsed = performance.now() - start
  times.sort((a, b) => a - b)
  const at = (share: number) => round(times[Math.min(times.length - 1, Math.floor(times.length * share))])
  return {
    perSecond: (times.length * 1000) / elapsed,
    count: times.length,
    latency: { p50: at(0.5), p99: at(0.99) }
  }
}

export function round(n: number, digits = 2): number {
  return Number(n.toFixed(digits))
}

export function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}
