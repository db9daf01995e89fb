// vms identity: who the caller is. Loads nothing of the network: it is what people run first.

import path from 'node:path'
import { encode } from 'hypercore-id-encoding'
import { defaultIdentityFile } from '../user/identity.js'
import type { Context } from './context.js'
import { EXIT } from './exit.js'
import { print, printJSON } from './output.js'

export async function identity(context: Context): Promise<number> {
  const { publicKey } = await context.identity()
  const id = encode(publicKey)
  const file = path.resolve(context.flags.identity ?? defaultIdentityFile())
  if (context.json) printJSON({ id, file })
  else print(id, file)
  return EXIT.ok
}
