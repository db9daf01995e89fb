// Hardhat's network in this process: a Solidity contract that keeps an answer a caller, a block a transaction. Prints its rows.
// Argument: the job as JSON.

import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { rate, row, type Row } from '../measure.js'
import type { Job } from './index.js'
import { Packages } from './install.js'

/** The parts of the packages that are used. */
interface Hardhat {
  default: { network: { provider: Provider } }
}
interface Provider {
  request(call: { method: string; params?: unknown[] }): Promise<unknown>
}
interface Solc {
  default: { compile(input: string): string }
}
interface Compiled {
  evm: { bytecode: { object: string }; methodIdentifiers: { [signature: string]: string } }
}

const WORD_BYTES = 32
const GAS = '0x7a120'

const { seconds, packages } = JSON.parse(process.argv[2]) as Job
const installed = new Packages(packages)
// it compiles nothing: it would look for a compiler on the internet
await writeFile(path.join(packages, 'hardhat.config.js'), "module.exports = { solidity: '0.8.26' }\n")
process.chdir(packages)
const { evm } = await compile()
const { provider } = (await installed.import<Hardhat>('hardhat')).default.network
const accounts = (await provider.request({ method: 'eth_accounts' })) as string[]
const [from] = accounts
const deployed = await send({ from, data: `0x${evm.bytecode.object}` })
const { contractAddress: to } = await receiptOf(deployed)
const rows: Row[] = []
for (const inFlight of [1, 64]) {
  const { perSecond, latency } = await rate(seconds, inFlight, async n => {
    const data = `0x${evm.methodIdentifiers['RSVP(bool,string)']}${argumentsOf(n % 2 === 0, `reason ${n}`)}`
    const hash = await send({ from: accounts[n % accounts.length], to, gas: GAS, data })
    if ((await receiptOf(hash)).status !== '0x1') throw new Error('the transaction was reverted')
  })
  rows.push(
    row(
      `Hardhat transactions, ${inFlight} in flight`,
      perSecond,
      'calls/s',
      `in memory, in the same process, no network; ${accounts.length} accounts whose keys the node has, a block each, receipt read; nothing is stored`,
      latency
    )
  )
}
process.stdout.write(JSON.stringify(rows), () => process.exit(0))

function send(transaction: object): Promise<string> {
  return provider.request({ method: 'eth_sendTransaction', params: [transaction] }) as Promise<string>
}

async function receiptOf(hash: string): Promise<{ contractAddress: string; status: string }> {
  const receipt = await provider.request({ method: 'eth_getTransactionReceipt', params: [hash] })
  if (receipt === null) throw new Error('the transaction is in no block')
  return receipt as { contractAddress: string; status: string }
}

async function compile(): Promise<Compiled> {
  const content = await readFile(path.join(packages, 'Rsvps.sol'), 'utf8')
  const { default: solc } = await installed.import<Solc>('solc')
  const input = {
    language: 'Solidity',
    sources: { 'Rsvps.sol': { content } },
    settings: {
      optimizer: { enabled: true },
      outputSelection: { '*': { '*': ['evm.bytecode.object', 'evm.methodIdentifiers'] } }
    }
  }
  const { contracts, errors } = JSON.parse(solc.compile(JSON.stringify(input))) as {
    contracts?: { [file: string]: { [name: string]: Compiled } }
    errors?: unknown
  }
  if (!contracts) throw new Error(`the contract does not compile: ${JSON.stringify(errors)}`)
  return contracts['Rsvps.sol'].Rsvps
}

/** The arguments as Ethereum encodes them: the text comes after the words, and its place and length before it. */
function argumentsOf(isAttending: boolean, reason: string): string {
  const bytes = Buffer.from(reason)
  const text = Buffer.alloc(Math.ceil(bytes.byteLength / WORD_BYTES) * WORD_BYTES)
  bytes.copy(text)
  const words = [isAttending ? 1 : 0, 2 * WORD_BYTES, bytes.byteLength]
  return words.map(word => word.toString(16).padStart(2 * WORD_BYTES, '0')).join('') + text.toString('hex')
}
