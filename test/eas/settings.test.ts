import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { child, el, type Element } from '../../src/wire/wbxml.ts'
import { printXml } from '../../src/wire/xml.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'

let server: EasServer
beforeAll(async () => void (server = await easServer()))
afterAll(() => server.stop())

const outline = (element: Element): unknown => element.children.length
  ? { [element.tag.split(':')[1]!]: element.children.map(outline) }
  : `${element.tag.split(':')[1]} ${element.text}`.trim()

describe('Settings', () => {
  it.each([['12.1'], ['14.0']])('tells version %s the addresses below Get', async version => {
    const answer = await server.phone({ version }).settings(el('Settings:UserInformation', [el('Settings:Get')]))
    expect(outline(answer)).toEqual({ Settings: ['Status 1', { UserInformation: ['Status 1', { Get: [{
      EmailAddresses: ['SMTPAddress anna@postern.test', 'SMTPAddress anna.alias@postern.test'],
    }] }] }] })
  })

  it.each([['14.1'], ['16.1']])('tells version %s an account, whose primary address has no id', async version => {
    const answer = await server.phone({ version }).settings(el('Settings:UserInformation', [el('Settings:Get')]))
    expect(outline(answer)).toEqual({ Settings: ['Status 1', { UserInformation: ['Status 1', { Get: [{ Accounts: [{ Account: [
      'UserDisplayName Anna Test',
      { EmailAddresses: [
        'SMTPAddress anna@postern.test', 'SMTPAddress anna.alias@postern.test', 'PrimarySmtpAddress anna@postern.test',
      ] },
    ] }] }] }] }] })
  })

  it('answers several parts in their order', async () => {
    const answer = await server.phone().settings(
      el('Settings:DeviceInformation', [el('Settings:Set', [el('Settings:Model', 'Pocket'), el('Settings:OS', 'PocketOS 3')])]),
      el('Settings:Oof', [el('Settings:Get', [el('Settings:BodyType', 'Text')])]),
      el('Settings:DevicePassword', [el('Settings:Set', [el('Settings:Password', 'p')])]),
    )
    expect(outline(answer)).toEqual({ Settings: [
      'Status 1', { DeviceInformation: ['Status 1'] }, { Oof: ['Status 1', { Get: ['OofState 0'] }] },
      { DevicePassword: ['Status 7'] },
    ] })
    expect(
      server.served.log.lines.findLast(({ command }) => command === 'Settings')
    ).toMatchObject({ model: 'Pocket', os: 'PocketOS 3' })
    expect(printXml(answer)).not.toContain('Password>p<')
  })

  it('does not pretend to send automatic replies', async () => {
    const answer = await server.phone().settings(el('Settings:Oof', [el('Settings:Set', [el('Settings:OofState', '1')])]))
    expect(outline(child(answer, 'Settings:Oof')!)).toEqual({ Oof: ['Status 3'] })
  })

  it.each([
    ['nothing', []],
    ['something unknown', [el('Ping:Ping', 'x')]],
    ['the same twice', [el('Settings:UserInformation', [el('Settings:Get')]), el('Settings:UserInformation', [el('Settings:Get')])]],
  ])('asked for %s is a protocol error', async (_, parts) => {
    expect(outline(await server.phone().settings(...parts))).toEqual({ Settings: ['Status 2'] })
  })
})
