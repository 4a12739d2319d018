import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'yaml'
import { readFileSync } from 'node:fs'
import type { FolderId } from '../src/model/folder.ts'
import { parseSyncKey } from '../src/state/sync-key.ts'
import { startPostern, type Postern } from '../test/support/postern.ts'
import { sendBySmtp } from './demo-mail.ts'
import { find, phoneOf, type Scene } from './demo-session.ts'
import { check, type Table } from './demo-table.ts'

/** Nothing is stored but in the phone: Postern dies and comes back, and another process goes on where it stopped. */
export async function restart(scene: Scene, { chapter, step }: Table): Promise<void> {
  const { house, postern, phone, anna, bob, inbox } = scene
  chapter('No database')
  const held = phone.held(inbox)
  await step('Postern is killed, and starts with nothing in memory', async () => {
    await postern.kill()
    await postern.start()
    return `a new process, ${postern.pid}`
  })
  await step('The phone syncs with the key it has', async () => {
    const before = held.items.size
    const { empty, collections } = await phone.sync({ collections: [{ id: inbox }] })
    check(empty, `something was sent again: ${collections[0]?.adds.length ?? 0} items, Status ${collections[0]?.status}`)
    check(held.items.size === before, 'the phone lost items')
    return `accepted; none of the ${before} items is sent again`
  })
  await step('While it was away two mails came', async took => {
    await postern.kill()
    for (const subject of ['The first', 'The second']) await sendBySmtp(house, bob, anna, subject)
    await postern.start()
    const { collections } = await delivered(took, () => phone.sync({ collections: [{ id: inbox }] }))
    check(collections[0]?.adds.length === 2, `${collections[0]?.adds.length ?? 0} items came`)
    for (const subject of ['The first', 'The second']) find(phone, inbox, subject)
    return 'just these two come'
  })
  await step('The next request goes to another process', async took => {
    const other = await startPostern(house)
    const traveller = phoneOf(other, anna, 'ANNASPHONE')
    traveller.held(inbox).key = held.key
    await sendBySmtp(house, bob, anna, 'The third')
    const { collections } = await delivered(took, () => traveller.sync({ collections: [{ id: inbox }] }))
    traveller.close()
    await other.stop()
    check(collections[0]?.status === '1' && collections[0].adds.length === 1, `Status ${collections[0]?.status}, ${collections[0]?.adds.length} items`)
    held.key = collections[0].key
    return `port ${other.port} takes the key of port ${postern.port} and goes on`
  })
  await explain(postern, anna.login, inbox, held.key, step)
}

/** Mail that was accepted is in the inbox a moment later. */
async function delivered<T>(took: (ms: number) => void, ask: () => Promise<T>): Promise<T> {
  await sleep(500)
  const start = performance.now()
  const answer = await ask()
  took(performance.now() - start)
  return answer
}

async function explain(postern: Postern, owner: string, inbox: string, key: string, step: Table['step']): Promise<void> {
  await step('What the key says', async () => {
    const { secret } = parse(readFileSync(postern.config, 'utf8')) as { secret: string }
    const { cursor, options } = parseSyncKey(Buffer.from(secret), owner, inbox as FolderId, key)
    check(key.length <= 64, `it has ${key.length} characters`)
    check(cursor.gaps.length === 0, 'it says that there is mail still to come')
    return [
      key,
      `${key.length} characters of 64, which say:`,
      `UIDVALIDITY  ${cursor.validity}`,
      `MODSEQ       ${cursor.modseq}: every change up to here`,
      `top          ${cursor.top}: what is below was offered`,
      `gaps         ${cursor.gaps.map(({ from, to }) => `${from}-${to}`).join(', ') || 'none: nothing left to deliver'}`,
      `since        ${cursor.since ? new Date(cursor.since * 86_400_000).toISOString().slice(0, 10) : 'no time filter'}`,
      `options      ${options ? options.bodies.map(({ type, truncationSize }) => `body type ${type} up to ${truncationSize ?? 'any'}`).join(', ') || 'as they are by default' : 'did not fit'}`,
      'and an HMAC over it with user and folder',
    ]
  })
}
