// A connection opens before anything has come from the other side: where a peer has just lost its line, or its announcement
// is stale, it dies 13 s later. Everybody here says something at once, so silence means that there is no way.

import type { NoiseStream } from 'hyperswarm'

/** How long the first byte may take, ms. */
const FIRST_BYTE_MS = 3000

/** Ends a connection that stays silent: then the peer is looked for again. Call it after whatever reads the stream. */
export function requireFirstByte(stream: NoiseStream): void {
  const timer = setTimeout(() => stream.destroy(new Error('nothing came from the peer')), FIRST_BYTE_MS)
  const done = () => clearTimeout(timer)
  stream.once('data', done)
  stream.once('close', done)
}
