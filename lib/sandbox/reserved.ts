// Names that a contract cannot export, because the client that has the contract's methods as its own needs them.

/** Members of the client, of every object, and of the protocol of promises. */
export const RESERVED: ReadonlySet<string> = new Set([
  // promises: a client with a method `then` could not be awaited
  'then',
  'catch',
  'finally',
  // every object
  'constructor',
  'prototype',
  'toString',
  'toJSON',
  'valueOf',
  'hasOwnProperty',
  'isPrototypeOf',
  'propertyIsEnumerable',
  'toLocaleString',
  'inspect',
  '__proto__',
  // the client
  'call',
  'files',
  'close',
  'ready',
  'opened',
  'closed',
  'closing',
  'opening',
  'key',
  'id',
  'info',
  'log',
  'local',
  'methods',
  'receipts',
  'head',
  'update',
  'request',
  // events
  'on',
  'once',
  'off',
  'emit',
  'addListener',
  'removeListener',
  'removeAllListeners',
  'listeners'
])
