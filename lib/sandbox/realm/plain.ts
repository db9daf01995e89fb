// The hooks of the transform where no sandbox is around it: what it adds is counted, and the builtins are those that are there.

import { hooksWith, type Hooks } from './hooks.js'

const makeHooks = hooksWith({ RegExp, pow: Math.pow })

/**
 * @param gas what an instance of a contract may use
 * @returns the last argument of what `meterSource` makes, for one instance
 */
export function plainHooks(gas = 2 ** 31 - 1): Hooks {
  return makeHooks(gas)
}
