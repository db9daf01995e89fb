// A core that is closed while blocks of a peer are being written ends quietly.

import { once } from 'node:events'
import { test } from 'node:test'
import b4a from 'b4a'
import Corestore from 'corestore'
import { openLog, openOwnCores } from '../../lib/machine/cores.js'
import { keyPairOf, temporary } from '../ledger/helper.js'
import { until } from '../helpers/until.js'

/** The private part that writes to the disk; `index` is -1 once it was closed. */
interface Written {
  state: { flush(): Promise<boolean>; index: number }
}

test('a core is closed while it becomes longer', async t => {
  const [ours, theirs] = [new Corestore(await temporary(t)), new Corestore(await temporary(t))]
  t.after(() => ours.close())
  const { log } = await openOwnCores(ours, keyPairOf(1))
  await log.append(['genesis', 'init'].map(text => b4a.from(text)))
  const copy = await openLog(theirs, log.key)
  const [a, b] = [ours.replicate(true), theirs.replicate(false)]
  a.on('error', () => {})
  b.on('error', () => {})
  a.pipe(b).pipe(a)
  await copy.download({ start: 0, end: 2 }).done()
  // it outlives its session, as a block does that a download has asked a peer for
  void copy.get(99, { activeRequests: [] } as object).catch(() => {})

  const { state } = copy.core as unknown as Written
  const flush = state.flush.bind(state)
  let proceed!: () => void
  const gate = new Promise<void>(resolve => (proceed = resolve))
  const written = new Promise<void>(resolve => {
    state.flush = async () => {
      const done = await flush()
      resolve()
      await gate
      return done
    }
  })
  copy.download({ start: 0, end: -1 })
  await log.append(b4a.from('one'))
  await written
  b.destroy() // whoever is connected is waited for
  await once(b, 'close')
  await copy.close()
  const closing = theirs.close()
  await until(
    () => state.index === -1,
    () => 'the core is still open'
  )
  proceed()
  await new Promise(resolve => setImmediate(resolve)) // until what is thrown, unhandled, would have failed this test
  await new Promise(resolve => setImmediate(resolve))
  await closing
})
