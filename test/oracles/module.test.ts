// Oracles that an operator has written, by themselves.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadModule } from '../../lib/oracles/module.js'

test('who is asked right after a call that was given up is a new thread, not the one that ends', async t => {
  const source = `
    let calls = 0
    export const count = () => ++calls
    export const hang = () => { for (;;); }`
  const timer = setInterval(() => {}, 1000) // an oracle does not keep a process from ending
  t.after(() => clearInterval(timer))
  const oracle = await loadModule('own', source)
  t.after(() => oracle.close())
  const never = new AbortController().signal
  assert.equal(await oracle.call('count', [], never), 1)
  for (let i = 0; i < 3; i++) {
    const controller = new AbortController()
    const hanging = oracle.call('hang', [], controller.signal)
    controller.abort()
    const next = oracle.call('count', [], never)
    await assert.rejects(hanging, { code: 'ORACLE_FAILED' })
    assert.equal(await next, 1)
  }
})
