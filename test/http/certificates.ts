import { execFileSync } from 'node:child_process'
import type { Certificate } from '../../src/http/server.ts'

/** A certificate that signs itself, with its key. */
export function certificate(name: string): Certificate {
  const pem = execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', `/CN=${name}`,
    '-keyout', '-',
  ], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  const block = (kind: string) => new RegExp(`-----BEGIN ${kind}-----[^]*?-----END ${kind}-----\n`).exec(pem)![0]
  return { cert: block('CERTIFICATE'), key: block('PRIVATE KEY') }
}
