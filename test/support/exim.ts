import { chmodSync, copyFileSync, existsSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Certificate } from './certificate.ts'
import type { Ground, Service } from './house.ts'
import { freePorts, HOST, NOBODY, openFolder, service } from './house.ts'
import type { User } from './users.ts'
import { DOMAIN } from './users.ts'

export interface EximOptions {
  /** Largest message in bytes; announced with SIZE. */
  readonly sizeLimit?: number
  readonly port?: number
  /** Mail that cannot be delivered waits and is tried again each so many seconds, in place of coming back. */
  readonly retrySeconds?: number
}

/** Another organization whose users are the same people: where answers to strangers can be looked for. */
export const NEIGHBOUR = 'neighbour.test'

/**
 * Exim 4 as a submission server: AUTH PLAIN and LOGIN, STARTTLS. A sender must be the user's own address or alias (else
 * 550), or nobody (automatic replies); a recipient must exist here (unknown 550, `tempfail` 451, other domains 550). Delivers to LMTP at once.
 */
export async function startExim(ground: Ground, users: readonly User[], certificate: Certificate, lmtpPort: number,
  { sizeLimit = 50_000_000, retrySeconds, ...given }: EximOptions = {}): Promise<Service> {
  const [port = 0] = given.port ? [given.port] : await freePorts(1)
  const dir = openFolder(ground, 'exim')
  writeFileSync(join(dir, 'users'), users.map(user => `${user.name}: ${user.password}\n`).join(''))
  const [command, config] = [binary(dir), join(dir, 'exim.conf')]
  writeFileSync(config, `exim_path = ${command}\n${configuration(dir, certificate, lmtpPort, sizeLimit)}${retrySeconds ? retry(retrySeconds) : ''}`)
  // Exim is setuid root, but becomes the user who starts it with an own configuration; that user must then be `exim_user`.
  const args = ['-C', config, '-bdf', '-oX', String(port), ...(retrySeconds ? [`-q${retrySeconds}s`] : [])]
  const self = service(ground, { name: 'exim', command, args, port, as: NOBODY, greets: true })
  await self.start()
  return self
}

function binary(dir: string): string {
  const installed = '/usr/sbin/exim4'
  if (existsSync(installed)) return installed
  // test/setup.sh has unpacked one, in a place where NOBODY may not go.
  const copy = join(dir, 'exim4')
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  copyFileSync(join(cache, 'postern-servers/usr/sbin/exim4'), copy)
  chmodSync(copy, 0o755)
  return copy
}

const configuration = (dir: string, certificate: Certificate, lmtpPort: number, sizeLimit: number): string => `
primary_hostname = mx.${DOMAIN}
qualify_domain = ${DOMAIN}
domainlist local_domains = ${DOMAIN} : ${NEIGHBOUR}
local_interfaces = ${HOST}
spool_directory = ${dir}/spool
log_file_path = ${dir}/%slog
pid_file_path = ${dir}/exim.pid
keep_environment =
deliver_drop_privilege
exim_user = ${NOBODY.uid ?? process.getuid?.()}
exim_group = ${NOBODY.gid ?? process.getgid?.()}
smtp_accept_max = 200
smtp_accept_queue_per_connection = 0
rfc1413_query_timeout = 0s
message_size_limit = ${sizeLimit}
tls_advertise_hosts = *
tls_certificate = ${certificate.cert}
tls_privatekey = ${certificate.key}
auth_advertise_hosts = *
acl_smtp_mail = check_mail
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept

begin acl
check_mail:
  accept senders = :
  deny !authenticated = *
       message = 5.7.0 Authentication required
  deny !condition = \${if inlisti{$sender_address}{$authenticated_id@${DOMAIN} : $authenticated_id.alias@${DOMAIN}}}
       message = 5.7.1 $sender_address is not an address of $authenticated_id
  accept
check_rcpt:
  deny !domains = +local_domains
       message = 5.7.1 Relaying denied
  defer local_parts = tempfail
       message = 4.2.1 Try again later
  require verify = recipient
  accept

begin routers
users:
  driver = accept
  domains = +local_domains
  local_parts = lsearch;${dir}/users
  local_part_suffix = .alias
  local_part_suffix_optional
  transport = lmtp

begin transports
lmtp:
  driver = smtp
  protocol = lmtp
  hosts = ${HOST}
  port = ${lmtpPort}
  allow_localhost
  hosts_override

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if eq{$auth3}{\${lookup{\${extract{1}{@}{$auth2}}}lsearch{${dir}/users}{$value}fail}}}
  server_set_id = \${extract{1}{@}{$auth2}}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username: : Password:
  server_condition = \${if eq{$auth2}{\${lookup{\${extract{1}{@}{$auth1}}}lsearch{${dir}/users}{$value}fail}}}
  server_set_id = \${extract{1}{@}{$auth1}}
`

const retry = (seconds: number): string => `
begin retry
* * F,1d,${seconds}s
`
