// Starts real servers and prints where they are. `--once` stops again at the end; otherwise Ctrl-C does.
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { startHouse } from '../test/support/live.ts'

const { values } = parseArgs({ options: { once: { type: 'boolean', default: false } } })
const house = await startHouse({ dovecot: { specialUse: 'created' }, radicale: true })
console.log(`IMAP        ${house.imap.host}:${house.imap.port} (TLS ${house.imap.tlsPort})`)
console.log(`Submission  ${house.submission.host}:${house.submission.port}`)
console.log(`DAV         ${house.dav.url}`)
console.log(`Users       ${house.users.map(user => user.login).join(', ')}; password ${house.user(0).password}`)
if (!values.once) {
  const forever = setInterval(() => {}, 60_000)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  clearInterval(forever)
}
await house.stop()
