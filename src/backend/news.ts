/** Is told of the path of a mailbox in which something happened. */
export type Look = (mailbox: string) => void

/** Those who wait for what happens in mailboxes, to be found by whatever a mail server calls their user. */
export type News = {
  /** From now on this user's `look` is told, until what is answered is called. */
  hear(login: string, look: Look): () => void
  /** Taking somebody else for the user costs a look at a mailbox. */
  tell(user: string, mailbox: string): void
}

export function news(): News {
  /** By the local part: a server may call its users by that alone. */
  const byName = new Map<string, Set<{ readonly login: string; readonly look: Look }>>()
  return {
    hear(login, look) {
      const name = localPart(login), named = byName.get(name) ?? new Set(), one = { login: login.toLowerCase(), look }
      byName.set(name, named.add(one))
      return () => {
        if (named.delete(one) && named.size === 0 && byName.get(name) === named) byName.delete(name)
      }
    },
    tell(user, mailbox) {
      for (const { login, look } of byName.get(localPart(user)) ?? []) if (mayBe(user.toLowerCase(), login)) look(mailbox)
    },
  }
}

/** Of two names with a domain both have to be the same. */
const mayBe = (user: string, login: string): boolean => user === login || user.includes('@') !== login.includes('@')

const localPart = (name: string): string => name.replace(/@.*/s, '').toLowerCase()
