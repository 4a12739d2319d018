import { baseOf, domainOf, easPath, isAddress, notAllowed, poxPath, uncached, type Ask } from './house.ts'

const protocols: Readonly<Record<string, readonly [name: string, path: string]>> = {
  activesync: ['ActiveSync', easPath], autodiscoverv1: ['AutodiscoverV1', poxPath],
}

/**
 * Autodiscover V2, which is in no document: as Exchange 2016 answers, and mailcow and others after it. It needs no credentials, so it says
 * nothing that depends on the user: a rule about a single user is heard of from EAS.
 */
export function answerJson(ask: Ask): Response {
  const { request: { method, url }, visit, house } = ask
  if (method !== 'GET' && method !== 'HEAD') return notAllowed('GET, HEAD')
  const query = new Map([...url.searchParams].slice(0, 32).map(([key, value]) => [key.toLowerCase(), value.trim()]))
  const address = inPath(url.pathname) ?? query.get('email') ?? ''
  const wanted = query.get('protocol') ?? ''
  visit.facts['protocol'] = wanted.slice(0, 32)
  if (!isAddress(address)) return refused(400, address ? 'InvalidEmail' : 'MandatoryParameterMissing', 'A valid Email is wanted.')
  if (wanted === '') return refused(400, 'MandatoryParameterMissing', 'A valid Protocol is wanted.')
  visit.facts['user'] = address
  const protocol = Object.hasOwn(protocols, wanted.toLowerCase()) ? protocols[wanted.toLowerCase()] : undefined
  if (!protocol) return refused(400, 'InvalidProtocol', `There is no protocol '${wanted.slice(0, 64)}' here, but ActiveSync,AutodiscoverV1.`)
  const domain = domainOf(address)
  const elsewhere = house.elsewhere([`@${domain}`])
  if (!elsewhere && !house.serversOf(address)) return refused(404, 'UserNotFound', 'The domain is not served here.')
  const [name, path] = protocol
  const there = elsewhere && (path === easPath ? elsewhere.url : `${new URL(elsewhere.url).origin}${path}`)
  return told(200, { Protocol: name, Url: there ?? `${baseOf(ask, domain)}${path}` })
}

/** `/autodiscover/autodiscover.json/v1.0/ann@example.org` */
function inPath(path: string): string | undefined {
  const [, , , version, last] = path.split('/')
  if (version === undefined || last === undefined) return undefined
  try {
    return decodeURIComponent(last)
  } catch {
    return last
  }
}

function refused(status: number, code: string, message: string): Response {
  return told(status, { ErrorCode: code, ErrorMessage: message })
}

const told = (status: number, body: object): Response =>
  new Response(JSON.stringify(body), { status, headers: { ...uncached, 'content-type': 'application/json; charset=utf-8' } })
