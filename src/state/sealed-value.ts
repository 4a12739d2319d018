import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

/** Of the names and of what is kept: another version neither finds nor reads what this one wrote. */
const version = 1
const nonceSize = 12, tagSize = 16

/** How a site keeps things where others may look and write: names say nothing but their kind, values open under their own name only. */
export type Sealing = {
  /** `<version>:<kind>:<HMAC of the name>`; the kind is what stands before the first colon of the name. */
  name(name: string): string
  /** AES-256-GCM of the value as JSON, bound to the name as it is kept. */
  seal(name: string, value: unknown): Buffer
  /** Undefined for anything this site did not seal for this name. */
  open(name: string, octets: Uint8Array): unknown
}

/** Keys made of the site's `secret` by HKDF (RFC 5869), others for each use: processes that share it understand each other. */
export function sealing(secret: Uint8Array, use: 'shared' | 'session' = 'shared'): Sealing {
  const derive = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', `postern ${use} ${version} ${purpose}`, 32))
  const naming = derive('names'), sealed = derive('values')
  return {
    name(name) {
      const mac = createHmac('sha256', naming).update(name).digest().subarray(0, 18).toString('base64url')
      return `${version}:${name.slice(0, name.indexOf(':'))}:${mac}`
    },
    seal(name, value) {
      const nonce = randomBytes(nonceSize)
      const cipher = createCipheriv('aes-256-gcm', sealed, nonce).setAAD(Buffer.from(name))
      return Buffer.concat([nonce, cipher.update(JSON.stringify(value), 'utf8'), cipher.final(), cipher.getAuthTag()])
    },
    open(name, octets) {
      if (octets.length <= nonceSize + tagSize) return undefined
      try {
        const decipher = createDecipheriv('aes-256-gcm', sealed, octets.subarray(0, nonceSize), { authTagLength: tagSize })
          .setAAD(Buffer.from(name)).setAuthTag(octets.subarray(-tagSize))
        return JSON.parse(Buffer.concat([decipher.update(octets.subarray(nonceSize, -tagSize)), decipher.final()]).toString()) as unknown
      } catch {
        return undefined // somebody else's, or damaged: as good as nothing
      }
    },
  }
}
