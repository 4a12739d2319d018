import { createPrivateKey, hash, sign, X509Certificate } from 'node:crypto'
import { Failure } from '../base/failure.ts'
import { readCertificate } from './certificate.ts'
import { tags } from './der.ts'
import { writeDer, writeOid, writeSetOf, writeUtcTime } from './der-write.ts'

const oids = {
  data: '1.2.840.113549.1.7.1', signedData: '1.2.840.113549.1.7.2', contentType: '1.2.840.113549.1.9.3', messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5', sha256: '2.16.840.1.101.3.4.2.1', rsa: '1.2.840.113549.1.1.1', ecdsaWithSha256: '1.2.840.10045.4.3.2',
}

/** PEM: the signer's certificate, those above it, and its key, of RSA or of an elliptic curve. */
export type Signer = { readonly cert: string; readonly key: string }

/** RFC 5652, Signed-data Content Type: the content with a signature around it, in DER. Throws `unsupported` for another kind of key. */
export function signCms(content: Uint8Array, { cert, key }: Signer, time: Date): Buffer {
  const chain = certificatesIn(cert)
  const { issuer, serial } = readCertificate(chain[0]!)
  const privateKey = createPrivateKey(key)
  const algorithm = signatures[privateKey.asymmetricKeyType ?? '']
  if (!algorithm) throw new Failure('unsupported', 'a key that is neither RSA nor of an elliptic curve')
  const attributes = [
    attribute(oids.contentType, writeOid(oids.data)), attribute(oids.signingTime, writeUtcTime(time)),
    attribute(oids.messageDigest, writeDer(tags.octetString, hash('sha256', content, 'buffer'))),
  ]
  const signerInfo = writeDer(tags.sequence,
    version1, writeDer(tags.sequence, issuer, writeDer(tags.integer, serial)), sha256, writeSetOf(0xa0, attributes), algorithm,
    // Signed as the SET they are, stored with the tag of their place.
    writeDer(tags.octetString, sign('sha256', writeSetOf(tags.set, attributes), privateKey)))
  return writeDer(tags.sequence, writeOid(oids.signedData), writeDer(0xa0, writeDer(tags.sequence,
    version1, writeDer(tags.set, sha256),
    writeDer(tags.sequence, writeOid(oids.data), writeDer(0xa0, writeDer(tags.octetString, content))),
    writeSetOf(0xa0, chain), writeDer(tags.set, signerInfo))))
}

/** DER of each certificate in PEM text, in its order. Throws what `X509Certificate` throws. */
export const certificatesIn = (pem: string): Buffer[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(block => new X509Certificate(block).raw)

const version1 = writeDer(tags.integer, Buffer.from([1]))
const sha256 = writeDer(tags.sequence, writeOid(oids.sha256))
const attribute = (oid: string, value: Uint8Array): Buffer => writeDer(tags.sequence, writeOid(oid), writeDer(tags.set, value))

/** RFC 3370, RSA Signature Algorithm; RFC 5754, ECDSA. */
const signatures: Readonly<Record<string, Buffer>> = {
  rsa: writeDer(tags.sequence, writeOid(oids.rsa), Buffer.from([0x05, 0x00])), ec: writeDer(tags.sequence, writeOid(oids.ecdsaWithSha256)),
}
