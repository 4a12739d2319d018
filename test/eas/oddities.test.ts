import { expect, it } from 'vitest'
import { Phone } from '../support/eas-client.ts'
import { easServer } from '../support/eas-server.ts'
import { oddities } from '../support/oddities.ts'

// Real servers let no NUL through; whatever lets one through, it ends here.
it.each([1, 2, 4])('messages with octets that no server would store reach the phone, bodies of type %i', async type => {
  const server = await easServer()
  try {
    const all = oddities().filter(({ raw }) => raw.includes(0))
    for (const { raw } of all) server.account.deliver('inbox', raw)
    const phone: Phone = server.phone()
    await phone.folderSync('0')
    const inbox = phone.folder('Inbox')
    await phone.syncAll(inbox, { options: { bodies: [{ type }], mimeSupport: type === 4 ? 2 : 0 } })
    const held = [...phone.held(inbox).items.values()]
    expect(all.length).toBeGreaterThan(10)
    expect([held.length, held.filter(({ subject }) => subject === 'A message that could not be read')]).toEqual([all.length, []])
    expect(held.some(({ subject, body }) => `${subject}${body}`.includes('\0'))).toBe(false)
  } finally {
    await server.stop()
  }
})
