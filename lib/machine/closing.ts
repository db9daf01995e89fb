// A core that is closed while blocks of a peer are being written goes on once they are: it looks in the background whether
// somebody waits for them, in storage that is gone by then, and what Hypercore throws there ends the process. Rests on private
// parts of hypercore, which is pinned for that.

import type Hypercore from 'hypercore'

/** Lets a core be closed at any time; call it once the core is ready. */
export function guardClosing(core: Hypercore): void {
  const { replicator } = core.core
  if (guarded.has(replicator)) return
  guarded.add(replicator)
  const resolve = replicator._resolveBlocksLocally.bind(replicator)
  // whoever waits is told when the session is closed
  replicator._resolveBlocksLocally = () => resolve().catch(() => {})
}

/** Sessions share what they are of. */
const guarded = new WeakSet<object>()
