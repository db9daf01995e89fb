// The oracles that `serve` adds to what it deploys.

import path from 'node:path'
import { VMSError } from '../errors.js'
import { originOf, type OracleChoice } from '../oracles/index.js'
import { bundleModule } from '../sandbox/bundle.js'

export interface OracleFlags {
  /** names and files of modules; may be given several times */
  oracle?: string[]
  /** origins that `fetch` may ask */
  fetch?: string[]
}

/**
 * @param onfile told the files that modules are made of
 * @returns what the flags say
 * @throws VMSError USAGE; INVALID_CONTRACT if a module cannot be bundled
 */
export async function chooseOracles(
  { oracle = [], fetch = [] }: OracleFlags,
  onfile?: (path: string) => void
): Promise<OracleChoice[]> {
  const origins = [...new Set(fetch.map(originOf))].sort()
  const named = oracle.filter(one => one !== 'fetch')
  if (named.length < oracle.length && origins.length === 0)
    throw new VMSError(
      'USAGE',
      'the oracle fetch needs the origins that it may ask: --fetch https://example.com'
    )
  const choices: OracleChoice[] = origins.length > 0 ? [{ name: 'fetch', scope: origins }] : []
  for (const one of named) {
    if (!/[./\\]/.test(one)) choices.push({ name: one })
    else
      choices.push({ name: path.basename(one, path.extname(one)), source: await bundleModule(one, onfile) })
  }
  const twice = choices.find(({ name }, i) => choices.findIndex(other => other.name === name) !== i)
  if (twice) throw new VMSError('USAGE', `there are two oracles named ${twice.name}`)
  return choices
}
