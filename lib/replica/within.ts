/** The longest that a timer can wait, ms: to wait for as long as it takes. */
export const NEVER = 2 ** 31 - 1

/**
 * What a promise resolves with, or what `late` says if it takes longer.
 * @param timeout ms
 */
export async function within<T>(timeout: number, promise: Promise<T>, late: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const expired = new Promise<T>(resolve => {
    timer = setTimeout(() => resolve(late()), timeout)
  })
  try {
    return await Promise.race([promise, expired])
  } finally {
    clearTimeout(timer)
  }
}
