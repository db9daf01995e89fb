// How much is measured, from the environment.

export const settings = {
  /** how long each rate is measured */
  seconds: number('BENCH_SECONDS', 5),
  /** calls in the log that is audited and started from */
  calls: number('BENCH_CALLS', 20_000),
  /** files in the folder while calls are timed, each of a caller of its own */
  files: number('BENCH_FILES', 10_000),
  /** VMs of the host that has many */
  vms: number('BENCH_VMS', 1000),
  /** the greatest size of each kind that `scale` goes up to */
  max: number('BENCH_MAX', 1_000_000),
  /** what grows in `scale` */
  series: (process.env.BENCH_SERIES ?? 'calls,files,vms,callers').split(','),
  /** lengths of the logs that a watch is resumed on */
  blocks: (process.env.BENCH_BLOCKS ?? '1000,100000').split(',').map(Number)
}

export type Settings = typeof settings

function number(name: string, otherwise: number): number {
  const value = Number(process.env[name] ?? otherwise)
  if (!(value > 0)) throw new Error(`${name} takes a number above 0, not "${process.env[name]}"`)
  return value
}
