import * as z from 'zod'

// What several settings are made of.

export const text = z.string().min(1)
export const seconds = z.int().min(1)
export const count = z.int().min(1)
export const pem = z.string().startsWith('-----BEGIN ', {
  error: 'must be PEM text; write ${file:PATH} to read it from a file', abort: true,
})
export const range = z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()], { error: 'must be an address or a range like 10.0.0.0/8' })
export const domain = text.toLowerCase()
