// Which addresses of the Internet Protocol are everybody's: those that a host asks without having been told to. The ranges are
// those of the IANA special-purpose address registries (RFC 6890 and its successors).

import { BlockList, isIP } from 'node:net'

const PRIVATE4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4'
]

/** What is public is within this, and not within the others. */
const GLOBAL6 = '2000::/3'

const PRIVATE6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

/** Addresses of version 4 in those of version 6, as translators and sockets write them. */
const EMBEDDED = ['::ffff:0:0/96', '64:ff9b::/96']

function listOf(ranges: string[], type: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address, prefix] = range.split('/')
    list.addSubnet(address, Number(prefix), type)
  }
  return list
}

const private4 = listOf(PRIVATE4, 'ipv4')
const global6 = listOf([GLOBAL6], 'ipv6')
const private6 = listOf(PRIVATE6, 'ipv6')
const embedded = listOf(EMBEDDED, 'ipv6')

/** Whether an address is one of the public Internet, and not of this machine, its network, or nobody. */
export function isPublic(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !private4.check(address, 'ipv4')
    case 6:
      // what is embedded may be any address of version 4: none is asked that way
      if (address.includes('%') || embedded.check(address, 'ipv6')) return false
      return global6.check(address, 'ipv6') && !private6.check(address, 'ipv6')
    default:
      return false
  }
}
