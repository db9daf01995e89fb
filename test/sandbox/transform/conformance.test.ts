// The syntax of JavaScript, as the test262-parser-tests have it, through the transform.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { test } from 'node:test'
import vm from 'node:vm'
import { parse as acorn } from 'acorn'
import { meter } from '../../../lib/sandbox/meter.js'
import { parse } from '../../../lib/sandbox/parse.js'

const root = path.dirname(createRequire(import.meta.url).resolve('test262-parser-tests/package.json'))

const REST = 'the rest of a pattern is a pattern, or a nested rest is a property: its size cannot be charged'

/** What the transform refuses. */
const EXCEPTIONS: { [file: string]: string } = {
  '00c79d09c52df3ec.js': REST,
  '098e1fe1335e222b.js': REST,
  '4bffa044ecd9d841.js': REST,
  '937059a5e53177e5.js': REST,
  'a2781f8227f7f1e6.js': REST,
  'b29070859dbeaf08.js': REST,
  'c98889d7d94a0a63.js': REST,
  'e1820bdb79ebe44b.js': REST,
  'e1939e7cb50f65b4.js': REST
}

/** What parse() takes in spite of the tests. */
const ACCEPTED: { [file: string]: string } = {
  '647e21f8f157c338.js': 'line separators are allowed in strings since ES2019',
  '8af69d8f15295ed2.js': 'line separators are allowed in strings since ES2019',
  '98204d734f8c72b3.js': 'fields are there since ES2022',
  'ef81b93cf9bdb4ec.js': 'fields are there since ES2022',
  'c060a3014ad24dfd.js': 'the letter is one in a later Unicode',
  '987442878ab414e7.js': 'acorn takes a class named arguments: V8 refuses it when it compiles',
  '0f5f47108da5c34e.js': 'V8 takes it, too: the variable of a catch, and of a loop in it'
}

function sources(folder: string): [name: string, source: string][] {
  return readdirSync(path.join(root, folder)).map(name => [
    name,
    readFileSync(path.join(root, folder, name), 'utf8')
  ])
}

/** Why a program that is right is no contract, or null. */
function refusal(name: string, source: string): string | null {
  if (name.endsWith('.module.js')) return 'a module'
  const { problems } = parse(source)
  if (problems.length === 0) return null
  try {
    acorn(source, { ecmaVersion: 2022, sourceType: 'script', strict: true })
  } catch {
    return 'not strict'
  }
  return 'refused on purpose'
}

// of 1981 files each; all but those in EXCEPTIONS are right with their meter
const COUNTS = {
  pass: { metered: 1699, 'a module': 76, 'not strict': 178, 'refused on purpose': 28 },
  'pass-explicit': { metered: 1737, 'a module': 76, 'not strict': 157, 'refused on purpose': 11 }
}

for (const [folder, counts] of Object.entries(COUNTS)) {
  test(`${folder}: what is right stays right`, () => {
    const reasons: { [reason: string]: number } = {}
    let metered = 0
    const failed: string[] = []
    for (const [name, source] of sources(folder)) {
      const reason = refusal(name, source)
      if (reason !== null) {
        reasons[reason] = (reasons[reason] ?? 0) + 1
        continue
      }
      metered++
      try {
        const code = meter(source, parse(source))
        acorn(code, { ecmaVersion: 2022, sourceType: 'script' })
        new vm.Script(code)
        assert.equal(lines(code), lines(`${source}\n`))
        assert.equal(EXCEPTIONS[name], undefined)
      } catch (error) {
        if (!(error instanceof SyntaxError && name in EXCEPTIONS)) failed.push(`${name}: ${String(error)}`)
      }
    }
    assert.deepEqual(failed, [])
    assert.deepEqual({ metered, ...reasons }, counts)
    assert.ok(Object.keys(EXCEPTIONS).length < metered * 0.02)
  })
}

function lines(code: string): number {
  return code.split(/\r\n|[\n\r\u2028\u2029]/).length
}

for (const folder of ['fail', 'early']) {
  test(`${folder}: what is wrong is refused`, () => {
    const passed = sources(folder).filter(
      ([name, source]) => !name.endsWith('.module.js') && parse(source).problems.length === 0
    )
    const unknown = passed.filter(([name]) => !(name in ACCEPTED))
    assert.deepEqual(unknown, [])
    for (const [name, source] of passed) {
      if (ACCEPTED[name].startsWith('acorn')) assert.throws(() => new vm.Script(meter(source, parse(source))))
    }
  })
}
