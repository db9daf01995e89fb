// Pools whose children are not what they should be, or do more slowly what they should do.

import { fileURLToPath } from 'node:url'
import type { HostFrame } from '../../lib/sandbox/frames.js'
import { isolation } from '../../lib/sandbox/isolation.js'
import { Pool } from '../../lib/sandbox/pool.js'
import { SandboxProcess } from '../../lib/sandbox/process.js'

/** A pool of children that are no such thing: those of fake.ts. */
export function fakes(mode: string): Pool {
  const fake = fileURLToPath(new URL('./fake.js', import.meta.url))
  const start = async () => new SandboxProcess(await isolation(), [process.execPath, fake, mode])
  return new Pool({ size: 1, extra: 0, start })
}

/** A pool of children that assume nothing. */
export function waiting(): Pool {
  return new Pool({ size: 1, extra: 0, start: async () => new WaitingProcess(await isolation()) })
}

class WaitingProcess extends SandboxProcess {
  override send(frame: HostFrame) {
    super.send(frame.type === 'run' ? { ...frame, assume: false } : frame)
  }
}
