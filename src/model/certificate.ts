/** What is to be said of a certificate that came with a message. `chain-` is about one of those above it. */
export type Verdict =
  | 'valid'
  | 'malformed'
  | 'chain-malformed'
  | 'signature'           // of the certificate or of one above it
  | 'untrusted'           // no way up to an authority that is trusted here
  | 'usage'               // not for mail
  | 'chain-usage'         // the authority may not speak for mail, or not for this address
  | 'role'                // no authority used as one, or the other way round
  | 'expired'             // or not valid yet
  | 'chain-expired'
  | 'revoked'
  | 'chain-revoked'
  | 'revocation-offline'  // who keeps the revocation list cannot be reached
  | 'revocation-unknown'
