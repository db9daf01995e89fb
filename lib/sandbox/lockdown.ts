// How SES locks down a realm: the contract's, and in the same process the one that drives it.

import type {} from 'ses'

/** Tames the intrinsics of the realm in which it runs; `hardenIntrinsics` has to follow. SES must have been loaded there. */
export function repair(): void {
  // all options, since SES takes the ones that are missing from the environment
  repairIntrinsics({
    errorTaming: 'safe',
    stackFiltering: 'omit-frames',
    overrideTaming: 'severe', // under 'moderate', assigning m['constructor'] on a plain object throws
    overrideDebug: [],
    localeTaming: 'safe',
    consoleTaming: 'safe',
    regExpTaming: 'safe',
    domainTaming: 'safe',
    evalTaming: 'safe-eval',
    errorTrapping: 'none',
    unhandledRejectionTrapping: 'none',
    legacyRegeneratorRuntimeTaming: 'safe',
    __hardenTaming__: 'safe',
    reporting: 'none'
  })
}
