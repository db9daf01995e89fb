// UDP ports for processes that are told theirs. Ports that the system chooses are no good: once free, whatever test comes
// next may be given the same one.

import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** Below the ports that systems give to whoever asks for any. */
const PORTS = [10_000, 32_000] as const

/** A UDP port that is in use until it is released, and that no system hands out by itself. */
export async function takePort(): Promise<{ port: number; release: () => Promise<void> }> {
  for (;;) {
    const socket = createSocket('udp4')
    const port = randomInt(...PORTS)
    try {
      await once(socket.bind(port, '127.0.0.1'), 'listening')
      return { port, release: () => new Promise(resolve => socket.close(() => resolve())) }
    } catch (error) {
      socket.close()
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    }
  }
}

/** A UDP port that is free, and that no system hands out by itself. */
export async function freePort(): Promise<number> {
  const { port, release } = await takePort()
  await release()
  return port
}
