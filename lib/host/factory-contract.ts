// The contract of a host's factory: it deploys VMs for others, and its log says which, for whom and when.

/** Where the files of a factory tell of a VM. @param key as printed */
export function placeOf(key: string): string {
  return `/vms/${key}.json`
}

/**
 *   prepare(source, {title, limits, oracles})   what the genesis of a new VM holds, for its owner to sign
 *   start(key, request, signature)              begins it with the owner's signed init
 *   stop(key), resume(key), remove(key)         for its owner, and for the operator: who has deployed the factory
 *   list()                                      the VMs that there are
 */
export const FACTORY_SOURCE = `// The factory of a host: the VMs that it deploys for others. See lib/host/factory-contract.ts.

exports.init = async () => {
  await System.files.writeFile('/operator', System.caller.id)
}

exports.prepare = async (source, options) => System.oracles.vms.prepare(System.caller.id, source, options ?? {})

exports.start = async (key, request, signature) => {
  const started = await System.oracles.vms.start(System.caller.id, key, request, signature)
  await write(key, { owner: System.caller.id, ...started })
  return key
}

exports.stop = async key => {
  const vm = await ownVM(key)
  await System.oracles.vms.stop(key)
  await write(key, { ...vm, state: 'stopped' })
}

exports.resume = async key => {
  const vm = await ownVM(key)
  await System.oracles.vms.resume(key)
  await write(key, { ...vm, state: 'running' })
}

exports.remove = async key => {
  await ownVM(key)
  await System.oracles.vms.remove(key)
  await System.files.unlink(placeOf(key))
}

exports.list = async () => {
  const vms = []
  for (const name of await System.files.readdir('/vms')) {
    const key = name.slice(0, -5)
    vms.push({ key, ...JSON.parse(await System.files.readFile(placeOf(key))) })
  }
  return vms
}

function placeOf(key) {
  return '/vms/' + key + '.json'
}

async function write(key, vm) {
  await System.files.writeFile(placeOf(key), JSON.stringify(vm))
}

async function ownVM(key) {
  if (!/^[a-z0-9]{52}$/.test(key)) throw failure('NO_SUCH_VM', 'a VM is named by its key, 52 letters and digits')
  let text
  try {
    text = await System.files.readFile(placeOf(key))
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    throw failure('NO_SUCH_VM', 'this host has not deployed ' + key + ' for anybody, or it was removed')
  }
  const vm = JSON.parse(text)
  const { id } = System.caller
  if (id !== vm.owner && id !== (await System.files.readFile('/operator'))) {
    throw failure('FORBIDDEN', 'only the owner of ' + key + ' and the operator of the host can do that')
  }
  return vm
}

function failure(code, message) {
  return Object.assign(new Error(message), { code })
}
`
