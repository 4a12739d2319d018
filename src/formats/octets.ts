/** The same octets as node's kind, without a copy. */
export const buffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)

/** Octets as characters, one each. */
export const latin1 = (bytes: Uint8Array): string => buffer(bytes).toString('latin1')
