import { Failure } from '../base/failure.ts'
import type { ObjectContent } from '../model/folder.ts'
import type { Person } from '../model/ports.ts'
import { bad, complaint, good, type Finding } from './check-finding.ts'
import { davOf, type Backend } from './connect.ts'
import { isRefusal, type DavClient, type DavServer } from './dav-client.ts'
import { listCollections, type DavCollection } from './dav-collections.ts'
import { findOutbox } from './dav-free-busy.ts'
import { davHomes, type DavHomes } from './dav-homes.ts'
import type { Login } from './imap-connection.ts'

/** What one of each kind is called, and many. */
const words: Readonly<Record<ObjectContent, readonly [one: string, many: string]>> = {
  calendar: ['calendar', 'calendars'], contacts: ['address book', 'address books'], tasks: ['task list', 'task lists'], notes: ['journal', 'journals'],
}
const patience = 20

export async function checkDav(backend: Backend, person: Person, own: Login): Promise<Finding[]> {
  const { dav: server } = backend
  if (!server) return [good('No CalDAV or CardDAV server is configured: phones see mail alone.')]
  const name = `CalDAV and CardDAV at ${server.url}`
  const { client, user } = davOf(server, person, own, patience)
  try {
    const homes = await davHomes(client, server, user)
    const all = await listCollections(client, homes)
    const how = server.url.startsWith('http:') ? 'without encryption' : `over TLS${server.rejectUnauthorized === false ? ' whose certificate nobody checks' : ''}`
    return [
      good(`${name} answers ${how} and accepts the user ${client.user}.`),
      ...homesOf(homes), count(all), ...missing(all, server.create !== false), ...syncs(all, server.pollSeconds ?? 20),
      await others(client, server, homes),
    ]
  } catch (error) {
    if (error instanceof Failure && isRefusal(error)) return [bad(`${name} answers and refuses the user ${client.user}.`)]
    return [bad(`${name} ${complaint(error, 'the user')}.`)]
  } finally {
    await client.close()
  }
}

function homesOf({ calendars, contacts }: DavHomes): Finding[] {
  return [
    calendars ? good(`Calendars, task lists and journals are below ${calendars}.`) : good('No home for calendars is there: phones see no calendar, task or note.'),
    contacts ? good(`Address books are below ${contacts}.`) : good('No home for address books is there: phones see no contact.'),
  ]
}

const ofKind = (all: readonly DavCollection[], content: ObjectContent): readonly DavCollection[] => all.filter(one => one.content === content)

function count(all: readonly DavCollection[]): Finding {
  const told = (Object.keys(words) as ObjectContent[]).map(content => {
    const { length } = ofKind(all, content)
    return `${length} ${words[content][length === 1 ? 0 : 1]}`
  })
  const closed = all.filter(({ readOnly }) => readOnly).length
  return good(`The user has ${told.slice(0, -1).join(', ')} and ${told.at(-1)}${closed ? `; ${closed} of them cannot be changed` : ''}.`)
}

function missing(all: readonly DavCollection[], makes: boolean): Finding[] {
  return (Object.keys(words) as ObjectContent[]).filter(content => ofKind(all, content).length === 0).map(content => good(
    makes ? `There is no ${words[content][0]}: one is made when a phone comes.` : `There is no ${words[content][0]}, and none is made (create: false): phones have none.`,
  ))
}

async function others(client: DavClient, { freeBusy }: DavServer, homes: DavHomes): Promise<Finding> {
  if (freeBusy !== undefined) return good(`When others have time is read at ${freeBusy}, as far as the server lets the user.`)
  return good(await findOutbox(client, homes) ? "When others have time is asked of the server's outbox (RFC 6638)."
    : 'When others have time is not known: the server has no outbox (RFC 6638), and dav.freeBusy is not set.')
}

/** By address: a collection may be a folder of several kinds. */
function syncs(all: readonly DavCollection[], pollSeconds: number): Finding[] {
  const collections = [...new Map(all.map(one => [one.path, one])).values()]
  const without = collections.filter(one => !one.syncs), blind = collections.filter(({ state }) => state.token === undefined && state.ctag === undefined)
  return [
    without.length === 0 ? good('sync-collection is there: changes are told in one answer.')
      : good(`sync-collection is missing in ${without.length} of ${collections.length} collections: all versions are compared to find what changed.`),
    blind.length === 0 ? good(`sync-token or CTag is there: one request every ${pollSeconds} seconds tells a waiting phone of all collections.`)
      : bad(`${blind.length} of ${collections.length} collections have neither a sync-token nor a CTag: each is listed every ${pollSeconds} seconds while a phone waits.`),
  ]
}
