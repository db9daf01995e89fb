// The thread of an operator's module (module.ts).

import { parentPort, workerData } from 'node:worker_threads'
import { codeOf, messageOf } from '../errors.js'
import { decodeValue, encodeValue, type Value } from '../ledger/values.js'

export interface ToModule {
  method: string
  /** a list, encoded */
  inputs: Uint8Array
}

export type FromModule =
  | { type: 'loaded'; methods: string[] }
  | { type: 'value'; value: Uint8Array }
  | { type: 'failed'; message: string; code: string }

type Method = (...inputs: Value[]) => unknown

const port = parentPort!
const tell = (message: FromModule) => port.postMessage(message)
const fail = (error: unknown) =>
  tell({ type: 'failed', message: messageOf(error), code: codeOf(error) ?? 'ORACLE_FAILED' })

try {
  const source = Buffer.from(workerData as string).toString('base64')
  const module = (await import(`data:text/javascript;base64,${source}`)) as { [name: string]: unknown }
  const methods = new Map<string, Method>()
  for (const [name, value] of Object.entries(module))
    if (typeof value === 'function' && name !== 'default') methods.set(name, value as Method)
  port.on('message', ({ method, inputs }: ToModule) => {
    void answer(methods.get(method)!, decodeValue(inputs) as Value[]).catch(fail)
  })
  tell({ type: 'loaded', methods: [...methods.keys()].sort() })
} catch (error) {
  fail(error)
}

async function answer(method: Method, inputs: Value[]): Promise<void> {
  tell({ type: 'value', value: encodeValue(await method(...inputs)) })
}
