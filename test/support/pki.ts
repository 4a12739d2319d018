import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Issued {
  readonly pem: string
  readonly der: Buffer
}

export interface Wish {
  /** Lines of an OpenSSL extension section. */
  readonly extensions?: readonly string[]
  /** `YYYYMMDDHHMMSSZ` */
  readonly from?: string
  readonly to?: string
}

const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' })

const derOf = (pem: string): Buffer => Buffer.from(/-----BEGIN [A-Z0-9 ]+-----([^-]+)-----END/.exec(pem)![1]!, 'base64')

export const forMail = (address: string): string[] => [
  'basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature,keyEncipherment', 'extendedKeyUsage=emailProtection',
  `subjectAltName=email:${address}`,
]
export const forAuthority = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign']

/** An authority made by OpenSSL below `ground`; without an issuer it signs itself. */
export class Authority implements Issued {
  readonly pem: string
  readonly der: Buffer
  readonly #dir: string
  readonly #name: string
  #count = 0

  constructor(ground: string, name: string, { issuer, ...wish }: Wish & { issuer?: Authority } = {}) {
    this.#name = name
    this.#dir = join(ground, name.replaceAll(' ', '-'))
    mkdirSync(this.#dir, { recursive: true })
    this.#write('ca.cnf', `
[ca]
default_ca = this
[this]
database = ${this.#path('index.txt')}
new_certs_dir = ${this.#dir}
serial = ${this.#path('serial')}
crlnumber = ${this.#path('crlnumber')}
certificate = ${this.#path('cert.pem')}
private_key = ${this.#path('key.pem')}
default_md = sha256
default_days = 300
default_crl_days = 30
unique_subject = no
policy = any
[any]
organizationName = optional
commonName = supplied
emailAddress = optional
`)
    this.#write('index.txt', '')
    this.#write('serial', '0abc01')
    this.#write('crlnumber', '01')
    this.#request(name, this.#path('key.pem'))
    const self: Wish = { extensions: forAuthority, ...wish }
    this.pem = issuer ? issuer.#sign(this.#path('request.pem'), self) : this.#sign(this.#path('request.pem'), self, '-selfsign')
    this.#write('cert.pem', this.pem)
    this.der = derOf(this.pem)
  }

  issue(name: string, wish: Wish): Issued {
    this.#request(name, this.#path(`key-${++this.#count}.pem`))
    const pem = this.#sign(this.#path('request.pem'), wish)
    return { pem, der: derOf(pem) }
  }

  /** Another certificate of its own, for the same key. */
  renew(): Issued {
    openssl('req', '-new', '-key', this.#path('key.pem'), '-subj', `/O=Postern Test/CN=${this.#name}`, '-out', this.#path('request.pem'))
    const pem = this.#sign(this.#path('request.pem'), { extensions: forAuthority }, '-selfsign')
    return { pem, der: derOf(pem) }
  }

  revoke({ pem }: Issued): void {
    this.#write('revoked.pem', pem)
    this.#ca('-revoke', this.#path('revoked.pem'))
  }

  /** A revocation list of what was revoked so far. */
  crl({ extensions = [], days = '30' }: { extensions?: readonly string[]; days?: string } = {}): Issued {
    if (extensions.length > 0) this.#write('crl.cnf', `${readFileSync(this.#path('ca.cnf'), 'utf8')}\n[list]\n${extensions.join('\n')}\n`)
    const config = this.#path(extensions.length > 0 ? 'crl.cnf' : 'ca.cnf')
    openssl('ca', '-config', config, '-gencrl', ...(days.startsWith('-') ? ['-crlsec', '1'] : ['-crldays', days]),
      ...(extensions.length > 0 ? ['-crlexts', 'list'] : []), '-out', this.#path('crl.pem'))
    const pem = readFileSync(this.#path('crl.pem'), 'utf8')
    return { pem, der: derOf(pem) }
  }

  #path(name: string): string {
    return join(this.#dir, name)
  }

  #write(name: string, text: string): void {
    writeFileSync(this.#path(name), text)
  }

  #ca(...args: string[]): void {
    openssl('ca', '-batch', '-config', this.#path('ca.cnf'), ...args)
  }

  #request(name: string, key: string): void {
    const subject = name.includes('=') ? name : `/O=Postern Test/CN=${name}`
    openssl('req', '-new', '-utf8', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key,
      '-subj', subject, '-out', this.#path('request.pem'))
  }

  #sign(request: string, { extensions = [], from, to }: Wish, ...more: string[]): string {
    this.#write('extensions.cnf', `[this]\n${extensions.join('\n')}\n`)
    const out = this.#path('issued.pem')
    this.#ca('-notext', '-in', request, '-out', out, '-extfile', this.#path('extensions.cnf'), '-extensions', 'this',
      ...(from ? ['-startdate', from] : []), ...(to ? ['-enddate', to] : []), ...more)
    return readFileSync(out, 'utf8')
  }
}
