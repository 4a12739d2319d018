import { readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { Certificate } from './certificate.ts'
import type { Ground, Service } from './house.ts'
import { freePorts, HOST, isRoot, openFolder, service } from './house.ts'
import type { User } from './users.ts'
import { MASTER } from './users.ts'

export interface DovecotOptions {
  /** `plain`: no prefix, separator `/`. `inbox-prefix`: all below `INBOX.`, separator `.`, as Courier and many hosts have it. */
  readonly layout?: 'plain' | 'inbox-prefix'
  /**
   * `stock`: Drafts, Sent, Trash and Junk carry their SPECIAL-USE mark once somebody creates them. `created`: they are
   * there. `localized`: there, with German names. `none`: nothing is ever marked.
   */
  readonly specialUse?: 'stock' | 'created' | 'localized' | 'none'
  readonly storage?: 'sdbox' | 'maildir'
  /** Capabilities to keep silent about, as an older or other server would. */
  readonly without?: readonly string[]
  /** Access control lists; all users then share one user id. */
  readonly acl?: boolean
  /** ManageSieve, and Sieve scripts run as LMTP delivers; their answers go to the SMTP server on this port. */
  readonly sieve?: { readonly smtpPort: number }
  /** What IDLE polls by when the machine's inotify instances are used up, and how long news is held back. */
  readonly idleSeconds?: number
  /** Seconds after which a connection in IDLE is put to sleep: its process ends, and another watches for it. Never where absent. */
  readonly hibernateSeconds?: number
  /** Further configuration lines. */
  readonly extra?: string
}

export interface Dovecot extends Service {
  readonly tlsPort: number
  readonly lmtpPort: number
  readonly sievePort: number
}

/** What stock Dovecot 2.3 announces after login; `without` takes from it. */
export const CAPABILITIES = ['IMAP4rev1', 'SASL-IR', 'LOGIN-REFERRALS', 'ID', 'ENABLE', 'IDLE', 'SORT', 'SORT=DISPLAY',
  'THREAD=REFERENCES', 'THREAD=REFS', 'THREAD=ORDEREDSUBJECT', 'MULTIAPPEND', 'URL-PARTIAL', 'CATENATE', 'UNSELECT',
  'CHILDREN', 'NAMESPACE', 'UIDPLUS', 'LIST-EXTENDED', 'I18NLEVEL=1', 'CONDSTORE', 'QRESYNC', 'ESEARCH', 'ESORT',
  'SEARCHRES', 'WITHIN', 'CONTEXT=SEARCH', 'LIST-STATUS', 'BINARY', 'MOVE', 'SNIPPET=FUZZY', 'PREVIEW=FUZZY', 'PREVIEW',
  'STATUS=SIZE', 'SAVEDATE', 'LITERAL+', 'NOTIFY', 'SPECIAL-USE', 'QUOTA'] as const

const SPECIAL = [['Drafts', 'Entwürfe'], ['Sent', 'Gesendete Elemente'], ['Trash', 'Papierkorb'], ['Junk', 'Spam']] as const

/** Dovecot 2.3 with IMAP (plain, STARTTLS, TLS) and LMTP, as one unprivileged process tree. */
export async function startDovecot(ground: Ground, users: readonly User[], certificate: Certificate,
  options: DovecotOptions = {}): Promise<Dovecot> {
  const [port = 0, tlsPort = 0, lmtpPort = 0, sievePort = 0] = await freePorts(4)
  const dir = openFolder(ground, 'dovecot')
  const mail = openFolder(ground, 'dovecot/mail')
  writeFileSync(join(dir, 'users'), users.map((user, n) => passwdLine(user, n, mail, options)).join(''))
  writeFileSync(join(dir, 'masters'), `${MASTER.name}:{PLAIN}${MASTER.password}\n`)
  const config = join(dir, 'dovecot.conf')
  writeFileSync(config, configuration({ dir, port, tlsPort, lmtpPort, sievePort, ...certificate }, options))
  const self = service(ground, { name: 'dovecot', command: 'dovecot', args: ['-F', '-c', config], port, greets: true })
  await self.start()
  return { ...self, tlsPort, lmtpPort, sievePort }
}

// As root every user gets an own user id: the kernel allows only 128 inotify instances for each, and IDLE takes one.
const FIRST_UID = 20_000 + Math.floor(Math.random() * 20_000)

function passwdLine(user: User, n: number, mail: string, { acl }: DovecotOptions): string {
  const { uid, gid } = isRoot ? { uid: FIRST_UID + (acl ? 0 : n % 20_000), gid: FIRST_UID } : userInfo()
  const quota = user.name === 'full' ? 'userdb_quota_rule=*:storage=20K' : ''
  return `${user.name}:{PLAIN}${user.password}:${uid}:${gid}::${mail}/${user.name}::${quota}\n`
}

interface Place extends Certificate {
  readonly dir: string
  readonly port: number
  readonly tlsPort: number
  readonly lmtpPort: number
  readonly sievePort: number
}

function configuration({ dir, port, tlsPort, lmtpPort, sievePort, cert, key }: Place, options: DovecotOptions): string {
  const { layout = 'plain', storage = 'sdbox', without = [], acl = false, sieve, idleSeconds = 5, hibernateSeconds, extra = '' } = options
  const [user, group] = isRoot ? ['nobody', 'nogroup'] : [userInfo().username, '']
  const plugins = acl ? 'quota acl' : 'quota'
  const announced = [...CAPABILITIES, ...(acl ? ['ACL', 'RIGHTS=texk'] : [])].filter(name => !without.includes(name))
  return `
protocols = imap lmtp ${sieve ? 'sieve' : ''}
listen = ${HOST}
base_dir = ${dir}/run
state_dir = ${dir}/state
instance_name = ${dir}
log_path = /dev/stderr
default_internal_user = ${user}
default_internal_group = ${group || user}
default_login_user = ${user}
default_process_limit = 50
default_client_limit = 5000
default_vsz_limit = 0

ssl = yes
ssl_cert = <${cert}
ssl_key = <${key}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
auth_username_format = %Ln
auth_master_user_separator = *
passdb {
  driver = passwd-file
  args = ${dir}/masters
  master = yes
}
passdb {
  driver = passwd-file
  args = ${dir}/users
}
userdb {
  driver = passwd-file
  args = ${dir}/users
}

mail_location = ${storage}:~/mail
first_valid_uid = 1
mail_fsync = never
mail_max_userip_connections = 10000
mailbox_list_index = yes
mailbox_idle_check_interval = ${idleSeconds} secs
mail_plugins = ${plugins}
namespace inbox {
  inbox = yes
  ${layout === 'plain' ? 'prefix =\n  separator = /' : 'prefix = INBOX.\n  separator = .'}
${specialMailboxes(options.specialUse ?? 'stock')}}
plugin {
  quota = count:User quota
  quota_vsizes = yes
  quota_grace = 0
  ${acl ? 'acl = vfile\n  acl_user = %u' : ''}
  ${sieve ? 'sieve = file:~/sieve;active=~/.dovecot.sieve' : ''}
}
protocol imap {
  mail_plugins = ${plugins} imap_quota ${acl ? 'imap_acl' : ''}
  ${without.length > 0 ? `imap_capability = ${announced.join(' ')}` : ''}
}
protocol lmtp {
  postmaster_address = postmaster@postern.test
  ${sieve ? `mail_plugins = ${plugins} sieve` : ''}
}
${sieve ? managesieve(sieve.smtpPort, sievePort) : ''}

service imap-login {
  service_count = 0
  process_limit = 4
  chroot =
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = ${tlsPort}
  }
}
service imap {
  process_limit = 4000
}
service imap-urlauth-login {
  process_limit = 1
}
service lmtp {
  inet_listener lmtp {
    port = ${lmtpPort}
  }
}
service auth {
  client_limit = 20000
  unix_listener auth-userdb {
    mode = 0666
  }
}
service anvil {
  client_limit = 20000
  chroot =
}
service stats {
  chroot =
  unix_listener stats-writer {
    mode = 0666
  }
}
${hibernateSeconds === undefined ? '' : hibernation(hibernateSeconds)}
${extra}
`
}

/** The lines of examples/dovecot, for another time. */
const hibernation = (seconds: number): string =>
  readFileSync(new URL('../../examples/dovecot/postern-sleep.conf', import.meta.url), 'utf8').replace(/(?<=imap_hibernate_timeout = ).*/, `${seconds}s`)

const managesieve = (smtpPort: number, sievePort: number): string => `
submission_host = ${HOST}:${smtpPort}
service managesieve-login {
  service_count = 0
  chroot =
  inet_listener sieve {
    port = ${sievePort}
  }
}
`

function specialMailboxes(kind: 'stock' | 'created' | 'localized' | 'none'): string {
  if (kind === 'none') return ''
  return SPECIAL.map(([use, local]) => `  mailbox "${kind === 'localized' ? local : use}" {
    special_use = \\${use}
    auto = ${kind === 'stock' ? 'no' : 'subscribe'}
  }
`).join('')
}
