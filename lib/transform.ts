// The transform alone, to be looked at and tried outside of the sandbox.

export { meterSource } from './sandbox/meter.js'
export { plainHooks } from './sandbox/realm/plain.js'
export type { Hooks } from './sandbox/realm/hooks.js'
