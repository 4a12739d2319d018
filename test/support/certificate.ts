import { execFileSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import type { Ground } from './house.ts'

/** Files of a certificate for 127.0.0.1 and localhost that signs itself; `cert` is what a client must trust. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

export function makeCertificate(ground: Ground): Certificate {
  const [cert, key] = [join(ground.dir, 'cert.pem'), join(ground.dir, 'key.pem')]
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync('openssl', ['req', '-x509', '-days', '2', ...curve, ...names, '-keyout', key, '-out', cert], { stdio: 'pipe' })
  chmodSync(key, 0o644)
  return { cert, key }
}
