// Keeps a peer from ending the process. Protomux and hypercore hand what goes wrong with a message to safety-catch, which
// throws a TypeError or RangeError again where nobody can catch it: right for bugs of one's own, a gift to a peer that can
// cause one. Here it closes the connection. Rests on private parts of protomux, which is pinned for that.

import type { NoiseStream } from 'hyperswarm'
import Protomux from 'protomux'

/** Guards a connection; call it before anything else is opened on it. */
export function guard(stream: NoiseStream): void {
  const mux = Protomux.from(stream)
  const destroy = (error: unknown) => {
    mux._destroying = true
    stream.destroy(new Error(error instanceof Error ? error.message : 'malformed message'))
  }
  mux._safeDestroy = destroy
  mux._safeDestroyBound = destroy
  mux._warn = () => {}

  // a batch of messages has no reason to hold another, and thousands inside each other exhaust the stack
  const onbatch = mux._onbatch.bind(mux)
  let inside = false
  mux._onbatch = state => {
    if (inside) throw new Error('a batch in a batch')
    inside = true
    try {
      onbatch(state)
    } finally {
      inside = false
    }
  }
}
