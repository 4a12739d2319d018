// A house of real servers with sample mail, Postern in front of it, and a phone's session as a table. Each line is checked.
// `--once` ends after it: 0 when every step was right. Otherwise it all stays up, for a real phone, until Ctrl-C.
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { parseArgs } from 'node:util'
import { startHouse, type House } from '../test/support/live.ts'
import { startPostern, type Postern } from '../test/support/postern.ts'
import type { User } from '../test/support/users.ts'
import { furnish, sendBySmtp } from './demo-mail.ts'
import { restart } from './demo-restart.ts'
import { arrive, exchange, phoneOf, push } from './demo-session.ts'
import { meeting } from './demo-meeting.ts'
import { objects } from './demo-objects.ts'
import { openTable, Wrong } from './demo-table.ts'
import { versions } from './demo-versions.ts'

const { values: options } = parseArgs({ options: { once: { type: 'boolean', default: false }, port: { type: 'string', default: '8080' } } })

const ended = new Promise(resolve => {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, resolve)
})
const house = await startHouse({ users: 4, dovecot: { specialUse: 'created' }, radicale: true })
try {
  const finished = await Promise.race([run().then(() => true), ended])
  if (options.once && finished !== true) process.exitCode = 130
} catch (error) {
  console.error(`\n${error instanceof Wrong ? error.message : String((error as Error).stack)}`)
  process.exitCode = 1
} finally {
  await house.stop()
  process.exit()
}

async function run(): Promise<void> {
  const anna = house.user('anna'), bob = house.user('bob')
  await furnish(house, anna)
  const postern = await startPostern(house, options.once ? {} : { host: '0.0.0.0', port: Number(options.port) })
  introduce(postern)
  await session(anna, bob, postern)
  if (options.once) return
  invite(anna, bob, postern)
  await ended
}

function introduce(postern: Postern): void {
  console.log(`
Real servers, started for this session only:
  Dovecot   IMAP        ${house.imap.host}:${house.imap.port}
  Exim      submission  ${house.submission.host}:${house.submission.port}
  Radicale  CalDAV      ${house.dav.url}  (and CardDAV)
  Postern   ActiveSync  http://${postern.host}:${postern.port}/Microsoft-Server-ActiveSync

Postern was told no more than this (the file of a real site has the same form, see examples/postern.yaml):

${readFileSync(postern.config, 'utf8').replace(/^/gm, '  ').trimEnd()}
`)
}

async function session(anna: User, bob: User, postern: Postern): Promise<void> {
  const table = openTable(line => console.log(line))
  const started = performance.now()
  table.head()
  const phone = phoneOf(postern, anna, 'ANNASPHONE'), bobs = phoneOf(postern, bob, 'BOBSPHONE')
  const desktop = await house.imapClient(anna)
  const scene = { house, postern, anna, bob, phone, bobs, desktop }
  try {
    const inbox = await arrive(scene, table)
    await exchange({ ...scene, inbox }, table)
    await push({ ...scene, inbox }, table)
    await restart({ ...scene, inbox }, table)
    await versions({ ...scene, inbox }, table)
    await objects({ ...scene, inbox }, table)
    await meeting({ ...scene, inbox }, table)
  } finally {
    phone.close()
    bobs.close()
  }
  console.log(`\nAll ${table.steps()} steps were right, in ${((performance.now() - started) / 1000).toFixed(1)} seconds.`)
}

/** What to type into a real phone. */
function invite(anna: User, bob: User, postern: Postern): void {
  const here = Object.values(networkInterfaces()).flat().find(one => one?.family === 'IPv4' && !one.internal)?.address ?? 'this host'
  console.log(`
It all stays up. On a phone in the same network, add an account of type Exchange (or "Corporate"):

  E-mail     ${anna.address}
  Server     ${here}        Port  ${postern.port}        Security  none: switch SSL/TLS off
  User       ${anna.login}
  Password   ${anna.password}
  Domain     leave it empty

Whoever reaches this port can read the sample mail. Postern's log: ${postern.config.replace(/yaml$/, 'log')}
${process.stdin.isTTY ? 'Enter sends Anna a mail. ' : ''}Ctrl-C ends everything and removes it.`)
  if (process.stdin.isTTY) sendOnEnter(house, bob, anna)
}

function sendOnEnter(servers: House, from: User, to: User): void {
  let count = 0
  process.stdin.on('data', () => {
    sendBySmtp(servers, from, to, `Mail number ${++count}`).then(() => console.log(`Mail number ${count} is on its way.`), console.error)
  })
}
