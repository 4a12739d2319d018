import { Resolver } from 'node:dns/promises'
import { connect as connectTls, checkServerIdentity, type PeerCertificate } from 'node:tls'
import { domainToASCII } from 'node:url'
import { bad, good, type Finding } from './check-finding.ts'

export type DnsCheckOptions = {
  /** Where clients of the domain find Postern: https://mail.example.org; undefined where it is wherever they ask. */
  readonly url: string | undefined
  /** A DNS server, as `192.0.2.53` or `192.0.2.53:5353`; the system's where absent. */
  readonly resolver?: string
  /** Certificates of authorities to trust beside the system's, PEM; and the port of HTTPS. Both are for tests. */
  readonly ca?: string
  readonly port?: number
}

const patience = 8000

/**
 * What clients of a domain find when they look for their server by an address alone: records of the DNS, and certificates of the hosts they
 * lead to. Sentences with what to do. [MS-OXDISCO] Server Discovery, RFC 2782, draft-ietf-mailmaint-autoconfig.
 */
export async function checkDns(domain: string, options: DnsCheckOptions): Promise<Finding[]> {
  const name = domainToASCII(domain.replace(/\.$/, '')).toLowerCase()
  if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\.[a-z0-9-]+$/.test(name)) return [bad(`${domain} is no domain.`)]
  const dns = new Resolver({ timeout: 2000, tries: 2 })
  if (options.resolver !== undefined) dns.setServers([options.resolver])
  const told = options.url?.replaceAll('{domain}', name)
  const url = told === undefined ? undefined : new URL(told)

  const [prefixed, srv] = await Promise.all([hostAt(dns, `autodiscover.${name}`), serviceAt(dns, `_autodiscover._tcp.${name}`)])
  const findings = [...say(prefixed, url), ...sayService(name, srv, url)]
  const leads = prefixed.addresses.length > 0 || srv.records.length > 0
  if (prefixed.trouble ?? srv.trouble) findings.push(bad('The DNS does not answer as it should: try again, or look at its server.'))
  else if (!leads) findings.push(bad(`Nothing leads clients to the server. ${cure(name, url)}`))

  const hosts = new Set([
    ...(prefixed.addresses.length > 0 ? [prefixed.name] : []), ...srv.records.map(record => record.name), ...(url ? [url.hostname] : []),
  ])
  for (const host of hosts) {
    const port = host === url?.hostname && url.port !== '' ? Number(url.port) : options.port ?? 443
    findings.push(await checkHost(dns, host, port, options.ca))
  }
  findings.push(await sayAutoconfig(dns, name))
  return findings
}

type Host = { readonly name: string; readonly addresses: readonly string[]; readonly alias: string | undefined; readonly trouble: string | undefined }
type Service = { readonly records: readonly { readonly name: string; readonly port: number }[]; readonly trouble: string | undefined }

/** A, AAAA and CNAME. `trouble` is a code where the DNS fails, which is not the same as to have nothing. */
async function hostAt(dns: Resolver, name: string): Promise<Host> {
  const [four, six, alias] = await Promise.all([asked(dns.resolve4(name)), asked(dns.resolve6(name)), asked(dns.resolveCname(name))])
  return { name, addresses: [...four.found, ...six.found], alias: alias.found[0], trouble: four.trouble ?? six.trouble }
}

async function serviceAt(dns: Resolver, name: string): Promise<Service> {
  const { found, trouble } = await asked(dns.resolveSrv(name))
  // RFC 2782, Target: a single dot says that there is no such service.
  const records = found.sort((a, b) => a.priority - b.priority).filter(record => record.name !== '')
  return { records: records.map(({ name: target, port }) => ({ name: target.toLowerCase(), port })), trouble }
}

async function asked<T>(answer: Promise<T[]>): Promise<{ found: T[]; trouble: string | undefined }> {
  try {
    return { found: await answer, trouble: undefined }
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    return { found: [], trouble: code === 'ENODATA' || code === 'ENOTFOUND' ? undefined : code }
  }
}

function say({ name, addresses, alias, trouble }: Host, url: URL | undefined): Finding[] {
  if (trouble) return [bad(`${name} cannot be looked up (${trouble}).`)]
  if (addresses.length === 0) return alias === undefined
    ? [good(`${name} is not in the DNS.`)]
    : [bad(`${name} is an alias of ${alias}, which has no address: correct the CNAME record, or give ${alias} an A or AAAA record.`)]
  const way = alias === undefined ? addresses.join(', ') : `an alias of ${alias} (${addresses.join(', ')})`
  const other = url && alias !== url.hostname && name !== url.hostname ? `, and are told of ${url.host}` : ''
  return [good(`${name} is ${way}: phones and Outlook ask there${other}.`)]
}

function sayService(domain: string, { records, trouble }: Service, url: URL | undefined): Finding[] {
  const name = `_autodiscover._tcp.${domain}`
  if (trouble) return [bad(`${name} cannot be looked up (${trouble}).`)]
  if (records.length === 0) return [good(`${name} has no SRV record; only Outlook would ask for it.`)]
  return records.map(({ name: target, port }) => {
    if (port !== 443) return bad(`${name} names port ${port} of ${target}: clients ask at 443 only; correct the SRV record.`)
    const other = url && target !== url.hostname ? `, which is not ${url.hostname} of autodiscover.url: let it be the same host, or Postern too` : ''
    return good(`${name} leads Outlook to ${target}${other}.`)
  })
}

function cure(domain: string, url: URL | undefined): string {
  const target = url ? `${url.hostname}.` : '(the host where Postern is)'
  return `Add a record to the zone ${domain}: autodiscover CNAME ${target} and have its certificate name autodiscover.${domain} too; ` +
    `or, for Outlook alone, _autodiscover._tcp SRV 0 0 443 ${target}`
}

/** Whether clients can speak to a host as they do: TLS, a certificate that names it, of an authority they know. */
async function checkHost(dns: Resolver, host: string, port: number, ca: string | undefined): Promise<Finding> {
  const { addresses, trouble } = await hostAt(dns, host)
  if (addresses.length === 0) return bad(`${host} has no address${trouble ? ` (${trouble})` : ''}: add an A or AAAA record.`)
  const shown = await certificateAt(addresses[0]!, host, port, ca)
  if ('fault' in shown) return bad(`${host}:${port} at ${addresses[0]} ${shown.fault}: clients need HTTPS there.`)
  const { certificate, authorized } = shown
  const mismatch = checkServerIdentity(host, certificate)
  const names = certificate.subjectaltname?.replaceAll('DNS:', '') ?? 'no host'
  const which = `The certificate at ${host}:${port}`, until = new Date(certificate.valid_to), day = until.toISOString().slice(0, 10)
  if (mismatch) return bad(`${which} names ${names}, not ${host}: get one that names it too, or clients warn or go away.`)
  if (authorized === 'CERT_HAS_EXPIRED' || until.getTime() < Date.now()) return bad(`${which} has expired on ${day}: renew it.`)
  if (authorized !== '') {
    return bad(`${which} is of no authority that clients know (${authorized}): serve the whole chain, of an authority they trust.`)
  }
  return good(`${which} names it and is good until ${day}.`)
}

type Shown = { readonly certificate: PeerCertificate; readonly authorized: string } | { readonly fault: string }

const certificateAt = (address: string, host: string, port: number, ca: string | undefined): Promise<Shown> => new Promise(resolve => {
  const socket = connectTls({ host: address, port, servername: host, rejectUnauthorized: false, ...(ca === undefined ? {} : { ca }) })
  const end = (shown: Shown): void => {
    socket.destroy()
    resolve(shown)
  }
  socket.setTimeout(patience, () => end({ fault: 'does not answer' }))
  socket.once('error', (error: NodeJS.ErrnoException) => end({ fault: `does not speak TLS (${error.code ?? error.message})` }))
  socket.once('secureConnect', () => {
    const { authorizationError } = socket
    // Names are looked at here, in words of our own.
    const reason = (authorizationError as { code?: string } | null)?.code ?? String(authorizationError ?? '')
    end({ certificate: socket.getPeerCertificate(), authorized: reason === 'ERR_TLS_CERT_ALTNAME_INVALID' ? '' : reason })
  })
})

async function sayAutoconfig(dns: Resolver, domain: string): Promise<Finding> {
  const [own, root] = await Promise.all([hostAt(dns, `autoconfig.${domain}`), hostAt(dns, domain)])
  if (own.addresses.length > 0) return good(`Thunderbird asks at autoconfig.${domain} (${own.addresses.join(', ')}).`)
  const there = root.addresses.length > 0
    ? `, so it asks at ${domain} (${root.addresses.join(', ')}) under /.well-known/autoconfig/` : ' and the domain itself has no address'
  return good(`autoconfig.${domain} is not in the DNS${there}: add a record like that of autodiscover where Thunderbird should ask Postern.`)
}
