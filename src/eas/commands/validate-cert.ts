import { Failure } from '../../base/failure.ts'
import type { Verdict } from '../../model/certificate.ts'
import { child, children, el, octets, text, type Element } from '../../wire/wbxml.ts'
import { wbxml, type Command } from '../command.ts'

/** [MS-ASCMD] Status (ValidateCert): of the command, and of a certificate. */
const success = '1', protocolError = '2', unknownError = '17'
const statuses: Readonly<Record<Verdict, string>> = {
  valid: '1', signature: '3', untrusted: '4', 'chain-malformed': '5', usage: '6', expired: '7', 'chain-expired': '8', 'chain-usage': '9',
  malformed: '10', role: '11', revoked: '13', 'revocation-offline': '14', 'chain-revoked': '15', 'revocation-unknown': '16',
}

/** [MS-ASCMD] Limiting Size of Command Requests: Certificate elements. */
const most = 100

// [MS-ASCMD] ValidateCert
export const validateCert: Command = {
  async run({ body, stores, facts }) {
    const certificates = readCertificates(body && child(body, 'ValidateCert:Certificates'))
    const chain = readCertificates(body && child(body, 'ValidateCert:CertificateChain'))
    if (certificates.length === 0 || certificates.length + chain.length > most) throw new Failure('malformed', `${certificates.length} certificates`)
    const verdicts = await stores.certificates.verify(certificates, chain, readCheck(body!))
    Object.assign(facts, { items: verdicts.length, valid: verdicts.filter(one => one === 'valid').length })
    return wbxml(el('ValidateCert:ValidateCert', [
      el('ValidateCert:Status', success),
      ...verdicts.map(verdict => el('ValidateCert:Certificate', [el('ValidateCert:Status', statuses[verdict])])),
    ]))
  },

  refuse: kind => el('ValidateCert:ValidateCert', [
    el('ValidateCert:Status', kind === 'malformed' || kind === 'too-large' ? protocolError : unknownError),
  ]),
}

/** In base64, or as octets where a client writes them so. */
const readCertificates = (list: Element | undefined): Uint8Array[] => list
  ? children(list, 'ValidateCert:Certificate').map(one => one.opaque?.[0] === sequence ? octets(one) : Buffer.from(one.text, 'base64'))
  : []

/** What a certificate begins with in DER; in base64 it is an M. */
const sequence = 0x30

/** [MS-ASCMD] CheckCRL: whether it matters that nothing is known of a revocation. */
function readCheck(body: Element): boolean {
  const said = text(body, 'ValidateCert:CheckCRL') ?? '0'
  if (!/^[01]?$/.test(said)) throw new Failure('malformed', 'a CheckCRL that is none')
  return said !== '0'
}
