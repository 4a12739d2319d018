import { Failure } from '../base/failure.ts'
import type { Credentials } from '../base/front.ts'
import { bad, complaint, good, type Finding } from './check-finding.ts'
import { checkDav } from './check-dav.ts'
import { checkDirectory } from './check-directory.ts'
import { davMemory, loginOf, masterOf, type Backend, type BackendsConfig, type Endpoint } from './connect.ts'
import { identities } from './identity.ts'
import { ImapConnection, type Login } from './imap-connection.ts'
import { list, text } from './imap-response.ts'
import { ManageSieve } from './managesieve.ts'
import { parseScript } from './sieve-script.ts'
import { verifySubmission } from './smtp.ts'

/** Each capability by one of its names, what it is good for, and what is done without it. */
const abilities: readonly [names: readonly string[], use: string, without: string][] = [
  [['QRESYNC'], 'expunged messages are told in one answer', 'all UIDs of a folder are compared to find what was expunged'],
  [['CONDSTORE'], 'changed flags are told by MODSEQ', 'the flags of a whole folder are read to find changes, and Ping hears of new mail only'],
  [['NOTIFY'], 'one connection a user hears of all folders', 'IDLE hears of one folder, and the others are looked at every 30 seconds'],
  [['IDLE'], 'news of a folder come at once', 'without NOTIFY too, folders are looked at every 30 seconds'],
  [['LIST-STATUS'], 'folders and their ids come in one round trip', 'each folder is asked for its id'],
  [['SPECIAL-USE'], 'Drafts, Sent, Trash and Junk are known by their marks', 'special folders are known by their names'],
  [['MOVE'], 'messages are moved in one step', 'messages are copied, then the originals expunged'],
  [['UIDPLUS'], 'moved and stored messages are known by their new UIDs, and nothing else is expunged', 'moved messages are looked for, and deleted ones only marked'],
  [['ESEARCH'], 'search results come as ranges', 'search results come one by one'],
  [['LITERAL+'], 'messages are stored without waiting', 'each message stored costs one more round trip'],
  [['SASL-IR'], 'logging in takes one round trip', 'logging in takes two round trips'],
]

/** Tries each server behind a user's name. Throws `auth` only for a name that no backend serves. */
export async function check(config: BackendsConfig, credentials: Credentials): Promise<Finding[]> {
  const { backend, person } = identities(config.backends)(credentials.user)
  const own = loginOf(person.login, credentials)
  return [
    good(`${credentials.user} is ${person.login} at ${backend.imap.host} and sends as ${person.addresses.join(', ')}.`),
    ...await checkImap(backend.imap, own, `the user ${person.login}`),
    ...(backend.master ? await checkMaster(backend, person.login) : []),
    ...await checkSubmission(backend, own),
    ...await checkDav(backend, person, own),
    ...await checkDirectory(backend, person, own, davMemory()),
    ...await (backend.master
      ? checkSieve(backend, masterOf(person.login, backend.master), `the master user ${backend.master.user} for ${person.login}`)
      : checkSieve(backend, own, `the user ${person.login}`)),
  ]
}

const patience = 20_000

async function checkImap(endpoint: Endpoint, login: Login, who: string): Promise<Finding[]> {
  const name = `IMAP at ${endpoint.host}:${endpoint.port}`
  let connection: ImapConnection
  try {
    connection = await ImapConnection.open(endpoint, login, patience)
  } catch (error) {
    return [bad(`${name} ${complaint(error, who)}.`)]
  }
  try {
    const names = connection.capabilities.map(each => each.toUpperCase())
    const told = abilities.map(([any, use, without]) =>
      good(any.some(each => names.includes(each)) ? `${any[0]} is there: ${use}.` : `${any[0]} is missing: ${without}.`))
    return [good(`${name} answers ${how(endpoint)} and accepts ${who}.`), ...told, good(await identity(connection)), await inbox(connection)]
  } catch (error) {
    return [bad(`${name} ${complaint(error, who)}.`)]
  } finally {
    connection.close()
  }
}

async function checkMaster(backend: Backend, login: string): Promise<Finding[]> {
  const [first] = await checkImap(backend.imap, masterOf(login, backend.master!), `the master user ${backend.master!.user} for ${login}`)
  return first ? [first] : []
}

async function checkSubmission({ smtp }: Backend, login: Login): Promise<Finding[]> {
  const name = `Submission at ${smtp.host}:${smtp.port}`
  try {
    await verifySubmission(smtp, login)
    const filed = smtp.keepsSent ? 'the server files sent mail' : 'Postern files sent mail'
    return [good(`${name} answers ${how(smtp)}${smtp.auth ? ' and accepts the user' : ' and asks for no login'}; ${filed}.`)]
  } catch (error) {
    return [bad(`${name} ${complaint(error, 'the user')}.`)]
  }
}

/** Sieve extensions, what Postern does with each, and what is not done without it. */
const extensions: readonly [name: string, use: string, without: string][] = [
  ['include', "the user's own script goes on running beside Postern's", 'who has an active script cannot set anything on the phone'],
  ['vacation', 'automatic replies can be set', 'automatic replies cannot be set'],
  ['envelope', 'colleagues and strangers can get different replies', 'replies to colleagues only, or different ones for them, are refused'],
  ['date', 'replies can have a beginning and an end', 'replies with a beginning and an end are refused'],
  ['relational', 'times can be compared', 'replies with a beginning and an end are refused'],
  ['fileinto', 'conversations are filed as they come', 'conversations that are always moved are moved when a phone looks'],
  ['mailbox', 'a folder that is gone is noticed', 'mail for a folder that is gone is an error in the log of the mail server'],
]

async function checkSieve({ sieve: endpoint }: Backend, login: Login, who: string): Promise<Finding[]> {
  if (!endpoint) return [good('No ManageSieve is configured: phones cannot set automatic replies, and conversations that are always moved are moved when a phone looks.')]
  const name = `ManageSieve at ${endpoint.host}:${endpoint.port}`
  try {
    const sieve = await ManageSieve.open(endpoint, login, patience)
    try {
      const told = extensions.map(([extension, use, without]) =>
        good(`Sieve's ${extension} is ${sieve.extensions.has(extension) ? `there: ${use}` : `missing: ${without}`}.`))
      return [good(`${name} (${sieve.implementation}) answers ${how(endpoint)} and accepts ${who}.`), ...told, await ownScript(sieve, endpoint.script)]
    } finally {
      sieve.close()
    }
  } catch (error) {
    return [bad(`${name} ${complaint(error, who)}.`)]
  }
}

/** Whether the name of Postern's script is free, or what has it is Postern's and still understood by the server. */
async function ownScript(sieve: ManageSieve, name: string): Promise<Finding> {
  const scripts = await sieve.list()
  const active = scripts.find(script => script.active)?.name
  const now = active === undefined ? 'none is active' : `${active} is active`
  if (!scripts.some(script => script.name === name)) return good(`The user has ${scripts.length} scripts, ${now}; the name ${name} is free for Postern's.`)
  const script = await sieve.get(name)
  try {
    parseScript(script)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return bad(`The user has a script called ${name} that is not Postern's: nothing can be set on the phone until it has another name, or sieve.script does.`)
  }
  await sieve.check(script)
  return good(`Postern's script ${name} is there and understood; of the user's ${scripts.length}, ${now}.`)
}

const how = ({ security, rejectUnauthorized = true }: Endpoint): string => security === 'none'
  ? 'without encryption'
  : `over ${security === 'tls' ? 'TLS' : 'STARTTLS'}${rejectUnauthorized ? '' : ' whose certificate nobody checks'}`

/** Whether folders can be renamed elsewhere without phones fetching them anew. */
async function identity(connection: ImapConnection): Promise<string> {
  if (connection.has('OBJECTID')) return 'OBJECTID is there: a folder renamed by another program stays the same folder.'
  const [answer] = connection.send([{ line: 'STATUS INBOX (X-GUID)' }])
  const told = await answer!.then(() => true, () => false)
  return told
    ? 'X-GUID is there: a folder renamed by another program stays the same folder.'
    : 'OBJECTID and X-GUID are missing: a folder renamed by another program is another folder.'
}

async function inbox(connection: ImapConnection): Promise<Finding> {
  let messages = ''
  const [answer] = connection.send([{ line: 'STATUS INBOX (MESSAGES)', on: ({ name, values }) => { if (name === 'STATUS') messages = text(list(values[1])[1]) } }])
  await answer
  return messages === '' ? bad('INBOX does not tell how many messages it has.') : good(`INBOX has ${messages} messages.`)
}
