import { BlockList, isIP } from 'node:net'

/**
 * Tells the client's address from the socket's and from X-Forwarded-For, which is believed only as far as `trusted` proxies
 * (addresses or CIDR ranges) wrote it: the last hop that is not one of them is the client.
 */
export function addressReader(trusted: readonly string[]): (socket: string | undefined, forwarded: string | undefined) => string {
  const isProxy = proxyCheck(trusted)
  return (socket, forwarded) => {
    let address = plain(socket ?? '')
    const hops = forwarded?.split(',').slice(-16) ?? []
    while (isProxy(address)) {
      const hop = plain(hops.pop()?.trim() ?? '')
      if (!isIP(hop)) break
      address = hop
    }
    return address
  }
}

/** Whether an address is one of these addresses or CIDR ranges. */
export function proxyCheck(trusted: readonly string[]): (address: string) => boolean {
  const proxies = new BlockList()
  for (const range of trusted) {
    const [address = '', bits] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    proxies.addSubnet(address, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family)
  }
  return written => {
    const address = plain(written)
    return isIP(address) > 0 && proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
}

/** An IPv4 client of an IPv6 socket is written `::ffff:192.0.2.1`. */
const plain = (address: string): string => address.startsWith('::ffff:') ? address.slice(7) : address
