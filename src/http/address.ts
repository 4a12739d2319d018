import type { IncomingHttpHeaders } from 'node:http'
import { BlockList, isIP } from 'node:net'
import type { Origin } from '../base/front.ts'

/**
 * Tells the client's address from the socket's and from X-Forwarded-For, which is believed only as far as `trusted` proxies
 * (addresses or CIDR ranges) wrote it: the last hop that is not one of them is the client.
 */
export function addressReader(trusted: readonly string[]): (socket: string | undefined, forwarded: string | undefined) => string {
  const isProxy = proxiesOf(trusted)
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

/** Tells where a client means to be. X-Forwarded-Host and X-Forwarded-Proto are believed of `trusted` proxies only. */
export function originReader(trusted: readonly string[]): (socket: string | undefined, tls: boolean, headers: IncomingHttpHeaders) => Origin {
  const isProxy = proxiesOf(trusted)
  return (socket, tls, headers) => {
    const believed = isProxy(plain(socket ?? ''))
    const said = (name: string): string => believed ? String(headers[name] ?? '').split(',', 1)[0]!.trim().toLowerCase() : ''
    const host = [said('x-forwarded-host'), headers.host?.toLowerCase()].find(one => one !== undefined && isHost(one))
    const proto = said('x-forwarded-proto')
    return { host: host ?? 'localhost', secure: proto === '' ? tls : proto === 'https' }
  }
}

/** A host that can stand in a URL, with or without a port. */
const isHost = (text: string): boolean => text.length <= 255 && /^([a-z0-9][a-z0-9._-]*|\[[0-9a-f:.]+\])(:\d{1,5})?$/.test(text)

function proxiesOf(trusted: readonly string[]): (address: string) => boolean {
  const proxies = new BlockList()
  for (const range of trusted) {
    const [address = '', bits] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    proxies.addSubnet(address, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family)
  }
  return address => isIP(address) > 0 && proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** An IPv4 client of an IPv6 socket is written `::ffff:192.0.2.1`. */
const plain = (address: string): string => address.startsWith('::ffff:') ? address.slice(7) : address
