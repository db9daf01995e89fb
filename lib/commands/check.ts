// vms check: says whether a contract can be deployed, and why not; what it exports, and what it takes to load it.

import type { OracleSpec } from '../ledger/oracles.js'
import { describeOracles } from '../oracles/index.js'
import { bundle } from '../sandbox/bundle.js'
import { Executor } from '../sandbox/executor.js'
import { describeProblem, describeWarning, findingsOf, inspect, type Findings } from '../sandbox/findings.js'
import type { Context } from './context.js'
import { EXIT } from './exit.js'
import { chooseOracles, type OracleFlags } from './oracles.js'
import { print, printJSON } from './output.js'

export async function check(context: Context, script: string, options: OracleFlags): Promise<number> {
  const oracles = await describeOracles(await chooseOracles(options))
  const findings = await find(context, script, oracles)
  const { methods, signatures, problems, warnings, load } = findings
  const ok = problems.length === 0
  if (context.json) {
    printJSON({ ok, methods, problems, warnings, load })
    return ok ? EXIT.ok : EXIT.failed
  }
  if (ok) print(`${script} can be deployed. Its methods: ${signatures.join(', ') || 'none'}`)
  print(...problems.map(describeProblem), ...warnings.map(describeWarning))
  if (ok) {
    const { DEFAULT_LIMITS } = await import('../machine/genesis.js')
    print(`loading it costs ${numberOf(load)} gas of the ${numberOf(DEFAULT_LIMITS.gas)} that a call has`)
  }
  return ok ? EXIT.ok : EXIT.failed
}

async function find(context: Context, script: string, oracles: OracleSpec[]): Promise<Findings> {
  try {
    return await inspect(context.use(new Executor()), await bundle(script), script, { oracles })
  } catch (error) {
    return findingsOf(error, script)
  }
}

function numberOf(count: number): string {
  return count.toLocaleString('en-US')
}
