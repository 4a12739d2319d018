import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** RFC 7914 in the way the PHC string format writes it: `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`, both base64 without padding. */
const form = /^\$scrypt\$ln=(1[4-9]|20),r=(8|16),p=([1-8])\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/
/** A third of a second and 32 MiB for each guess. */
const usual = { ln: 15, r: 8, p: 3, salt: 16, octets: 32 }

/** Of no password: what is tried for a name nobody has takes as long. */
export const unknowable = `$scrypt$ln=${usual.ln},r=${usual.r},p=${usual.p}$${'A'.repeat(22)}$${'A'.repeat(43)}`

export const isPasswordHash = (text: string): boolean => form.test(text)

export async function hashPassword(password: string): Promise<string> {
  const { ln, r, p, octets } = usual, salt = randomBytes(usual.salt)
  const hash = await derive(password, salt, { ln, r, p, octets })
  return `$scrypt$ln=${ln},r=${r},p=${p}$${unpadded(salt)}$${unpadded(hash)}`
}

/** Takes as long for a wrong password as for a right one. */
export async function isPassword(password: string, hash: string): Promise<boolean> {
  const [, ln, r, p, salt = '', known = ''] = form.exec(hash) ?? []
  const wanted = Buffer.from(known, 'base64')
  return timingSafeEqual(await derive(password, Buffer.from(salt, 'base64'), { ln: Number(ln), r: Number(r), p: Number(p), octets: wanted.length }), wanted)
}

type Cost = { readonly ln: number; readonly r: number; readonly p: number; readonly octets: number }

/** The password as Unicode means it: what is typed on one keyboard is what was typed on another. */
const derive = (password: string, salt: Buffer, { ln, r, p, octets }: Cost): Promise<Buffer> => new Promise((resolve, reject) => {
  scrypt(password.normalize('NFKC'), salt, octets, { N: 2 ** ln, r, p, maxmem: 2 ** ln * r * 256 + 1024 ** 2 }, (error, derived) => error ? reject(error) : resolve(derived))
})

const unpadded = (octets: Buffer): string => octets.toString('base64').replace(/=+$/, '')
