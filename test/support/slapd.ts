import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Certificate } from './certificate.ts'
import type { Ground, Service } from './house.ts'
import { freePorts, HOST, openFolder, service } from './house.ts'

export const BASE = 'dc=postern,dc=test'
/** Reads everything; nobody else reads more than names. */
export const READER = { dn: `cn=reader,${BASE}`, password: 'reader-secret' } as const

/** A person or a group: attributes by name, octets in base64. */
export interface LdapPerson {
  readonly uid: string
  /** Where it is not one of `ou=people`. */
  readonly dn?: string
  readonly attributes: Readonly<Record<string, string | readonly (string | Uint8Array)[]>>
}

export interface SlapdOptions {
  /** What anonymous readers may see. Default: all. */
  readonly closed?: boolean
  /** Entries the server itself shows at most. */
  readonly sizeLimit?: number
  /** Seconds after which it closes unused connections. */
  readonly idleSeconds?: number
}

export interface Slapd extends Service {
  readonly url: string
  readonly secureUrl: string
}

/** OpenLDAP's slapd with a database below the ground: plain, STARTTLS and TLS. */
export async function startSlapd(ground: Ground, people: readonly LdapPerson[], certificate: Certificate, options: SlapdOptions = {}): Promise<Slapd> {
  const [port = 0, tlsPort = 0] = await freePorts(2)
  const dir = openFolder(ground, `slapd-${port}`)
  const data = openFolder(ground, `slapd-${port}/data`)
  const config = join(dir, 'slapd.conf'), ldif = join(dir, 'people.ldif')
  writeFileSync(config, configuration({ dir, data, ...certificate }, options))
  writeFileSync(ldif, [root, ...people.map(entry)].join('\n'))
  execFileSync('slapadd', ['-q', '-f', config, '-l', ldif], { stdio: 'pipe', env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` } })
  const url = `ldap://${HOST}:${port}`, secureUrl = `ldaps://localhost:${tlsPort}`
  const self = service(ground, { name: `slapd-${port}`, command: 'slapd', args: ['-d', '0', '-f', config, '-h', `${url}/ ldaps://${HOST}:${tlsPort}/`], port })
  await self.start()
  return { ...self, url, secureUrl }
}

interface Place extends Certificate {
  readonly dir: string
  readonly data: string
}

const configuration = ({ dir, data, cert, key }: Place, { closed, sizeLimit = 2000, idleSeconds = 0 }: SlapdOptions): string => `
${['core', 'cosine', 'nis', 'inetorgperson', 'misc'].map(name => `include /etc/ldap/schema/${name}.schema`).join('\n')}
modulepath /usr/lib/ldap
moduleload back_mdb.la
moduleload memberof.la
pidfile ${dir}/pid
argsfile ${dir}/args
TLSCertificateFile ${cert}
TLSCertificateKeyFile ${key}
sizelimit ${sizeLimit}
idletimeout ${idleSeconds}
access to attrs=userPassword by anonymous auth by * none
access to * ${closed ? 'by dn.exact="' + READER.dn + '" read by users read by anonymous auth by * none' : 'by * read'}
database mdb
maxsize 268435456
dbnosync
suffix "${BASE}"
rootdn "cn=admin,${BASE}"
rootpw admin-secret
directory ${data}
index objectClass,uid,mail eq
index cn,sn,givenName eq,sub
overlay memberof
`

const root = `dn: ${BASE}
objectClass: dcObject
objectClass: organization
dc: postern
o: Postern Test

dn: ou=people,${BASE}
objectClass: organizationalUnit
ou: people

dn: ou=groups,${BASE}
objectClass: organizationalUnit
ou: groups

dn: ${READER.dn}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: ${READER.password}
`

export const dnOf = (uid: string): string => `uid=${uid},ou=people,${BASE}`

function entry({ uid, dn = dnOf(uid), attributes }: LdapPerson): string {
  const lines = Object.entries(attributes).flatMap(([name, values]) => (typeof values === 'string' ? [values] : values)
    .map(value => `${name}:: ${Buffer.from(value as string).toString('base64')}`))
  return `dn:: ${Buffer.from(dn).toString('base64')}\n${lines.join('\n')}\n`
}
