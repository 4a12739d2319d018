import type { FolderId } from '../../src/model/folder.ts'
import { parseSyncKey, printSyncKey } from '../../src/state/sync-key.ts'
import type { Phone } from './eas-client.ts'

/** Brings a phone, but for the items themselves, to where it has taken all there is in a mailbox: some thousand windows of half a million messages. */
export async function holdAll(phone: Phone, inbox: string, secret: string): Promise<void> {
  const owner = Buffer.from(secret), { user } = phone.options, id = inbox as FolderId
  await phone.sync({ collections: [{ id: inbox, key: '0' }] })
  await phone.sync({ collections: [{ id: inbox, window: 1 }] })
  const { cursor, options } = parseSyncKey(owner, user, id, phone.held(inbox).key)
  phone.held(inbox).key = printSyncKey(owner, user, id, { cursor: { ...cursor, gaps: [] }, options })
  await phone.sync({ collections: [{ id: inbox }] })
}
