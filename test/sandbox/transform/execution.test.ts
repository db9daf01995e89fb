// Programs do the same with their meter as without it, in the same order.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import vm from 'node:vm'
import { asContract, callMetered } from './helper.js'
import { PROGRAMS } from './programs.js'

type Run = (log: unknown, out: unknown) => Promise<unknown>

function plain(source: string): Run {
  const module = { exports: {} as { run: Run } }
  const wrapper = new vm.Script(`(function(exports){'use strict';${source}\n})`).runInThisContext() as (
    exports: object
  ) => void
  wrapper(module.exports)
  return module.exports.run
}

const show = (value: unknown) => inspect(value, { depth: 8, showHidden: false, getters: false })

function logging(lines: string[]) {
  return (...values: unknown[]) => {
    lines.push(values.map(show).join())
    return values[0]
  }
}

async function bare(source: string): Promise<string[]> {
  const lines: string[] = []
  try {
    lines.push(`returned ${show(await plain(source)(logging(lines), {}))}`)
  } catch (error) {
    lines.push(`threw ${thrown(error)}`)
  }
  return lines
}

async function metered(source: string): Promise<string[]> {
  const lines: string[] = []
  const { value, error, fault, depth, threw } = await callMetered(source, [logging(lines), {}])
  assert.equal(fault, null)
  assert.equal(depth, 0)
  lines.push(threw ? `threw ${thrown(error)}` : `returned ${show(value)}`)
  return lines
}

function thrown(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : show(error)
}

for (const [group, programs] of Object.entries(PROGRAMS)) {
  test(`${group}: the same result in the same order`, async () => {
    for (const program of programs) {
      const source = asContract(program)
      assert.deepEqual(await metered(source), await bare(source), program)
    }
  })
}
