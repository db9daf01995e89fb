// What is known elsewhere and missed in a contract, with what to do instead.

const ABSENT = new Map<string, string>()

function add(names: string, remedy: string) {
  for (const name of names.split(' ')) ABSENT.set(name, remedy)
}

add(
  'setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate queueMicrotask',
  'it has no timers'
)
add(
  'fetch XMLHttpRequest WebSocket EventSource URL URLSearchParams AbortController Headers Request Response',
  'it has no network, take the data as an argument'
)
add('process Buffer global __dirname __filename Deno Bun', 'it has nothing of Node, bytes are a Uint8Array')
add('require', 'only what can be bundled, a text in quotes, can be required')
add('performance Temporal', 'it has no clock, take the time as an argument')
add('crypto', 'it has no randomness, take what is random as an argument')
add('Float16Array Float32Array Float64Array', 'the bits of NaN differ, take an array of numbers')
add('TextEncoder TextDecoder', "write text with System.files.writeFile and read it as 'utf8'")
add('BigInt BigInt64Array BigUint64Array', 'numbers are exact up to 2 ** 53')
add('Function Compartment WebAssembly', 'all of its code stands in its source')
add('localStorage sessionStorage', 'keep it in a file with System.files')
add('window self document navigator alert', 'it has nothing of a browser')
add(
  'Proxy WeakRef FinalizationRegistry SharedArrayBuffer Atomics Intl escape unescape structuredClone Worker EventTarget ' +
    'Event atob btoa Iterator lockdown harden',
  ''
)

/** @returns why the contract cannot have this name, which it does not declare */
export function absent(name: string): string {
  const remedy = ABSENT.get(name)
  if (remedy === undefined) return `${name} is not defined` // most likely a slip
  return `${name} is not there in a contract${remedy && `: ${remedy}`}`
}
