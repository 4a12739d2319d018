export const DOMAIN = 'postern.test'

/** Whom the servers know. `login` and the bare local part both work at IMAP and SMTP. */
export interface User {
  readonly name: string
  readonly login: string
  readonly password: string
  readonly address: string
  /** A second address that is also the user's own. */
  readonly alias: string
}

const NAMES = ['anna', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'ivan', 'judy', 'karl', 'lena']

/** `count` users: twelve with names, then user13, user14 and so on; `full` comes on top and has a tiny quota. */
export function makeUsers(count: number): User[] {
  return [...Array.from({ length: count }, (_, n) => makeUser(NAMES[n] ?? `user${n + 1}`)), makeUser('full')]
}

function makeUser(name: string): User {
  const address = `${name}@${DOMAIN}`
  return { name, login: address, password: 'secret', address, alias: `${name}.alias@${DOMAIN}` }
}

/** May log in as anybody, with the name `user*master`. */
export const MASTER = { name: 'master', password: 'master-secret' } as const
