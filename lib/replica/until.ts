import type { EventEmitter } from 'node:events'

/**
 * Waits until a condition holds; it is looked at now, and after each of the events.
 * @param look whether it holds; what it throws ends the wait
 * @param timeout ms
 * @returns whether it held in time
 */
export function until(
  target: EventEmitter,
  events: string[],
  look: () => boolean,
  timeout: number
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    if (look()) return resolve(true)
    const settle = (result: () => void) => {
      clearTimeout(timer)
      for (const event of events) target.off(event, onevent)
      result()
    }
    const onevent = () => {
      try {
        if (look()) settle(() => resolve(true))
      } catch (error) {
        settle(() => reject(error instanceof Error ? error : new Error(String(error))))
      }
    }
    const timer = setTimeout(() => settle(() => resolve(false)), timeout)
    for (const event of events) target.on(event, onevent)
  })
}
