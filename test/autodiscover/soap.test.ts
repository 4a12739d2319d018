import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { autodiscoverServer, post, type AutodiscoverServer, type Wish } from '../support/autodiscover.ts'

let server: AutodiscoverServer
beforeAll(async () => void (server = await autodiscoverServer({ redirects: [
  { user: 'bob@postern.test', url: 'https://other.example.org/Microsoft-Server-ActiveSync' },
  { user: 'carl@postern.test', url: 'https://other.example.org/Microsoft-Server-ActiveSync', address: '{local}@other.example.org' },
] })))
afterAll(async () => {
  await server.close(0)
  expect(server.bugs()).toBe(0)
})

const space = 'http://schemas.microsoft.com/exchange/2010/Autodiscover'
const anna = 'anna@postern.test'

/** As the EWS Managed API and exchangelib write it. */
const envelope = (body: string, version = 'http://schemas.xmlsoap.org/soap/envelope/'): string => `<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:a="${space}" xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:soap="${version}">
  <soap:Header><a:RequestedServerVersion>Exchange2013</a:RequestedServerVersion><wsa:Action>${space}/Autodiscover/GetUserSettings</wsa:Action><wsa:To>https://x/autodiscover/autodiscover.svc</wsa:To></soap:Header>
  <soap:Body>${body}</soap:Body>
</soap:Envelope>`

const users = (addresses: readonly string[], names: readonly string[]): string => envelope(`<a:GetUserSettingsRequestMessage><a:Request>
  <a:Users>${addresses.map(address => `<a:User><a:Mailbox>${address}</a:Mailbox></a:User>`).join('')}</a:Users>
  <a:RequestedSettings>${names.map(name => `<a:Setting>${name}</a:Setting>`).join('')}</a:RequestedSettings>
</a:Request></a:GetUserSettingsRequestMessage>`)

const domains = (names: readonly string[]): string => envelope(`<a:GetDomainSettingsRequestMessage><a:Request>
  <a:Domains>${names.map(name => `<a:Domain>${name}</a:Domain>`).join('')}</a:Domains>
  <a:RequestedSettings><a:Setting>ExternalEwsUrl</a:Setting><a:Setting>ExternalEwsVersion</a:Setting></a:RequestedSettings>
</a:Request></a:GetDomainSettingsRequestMessage>`)

const ask = (body: string | Uint8Array, wish: Wish = {}) => post(server, body, { path: '/autodiscover/autodiscover.svc', ...wish })

/** Without the space between elements. */
const flat = (text: string): string => text.replace(/>\s+</g, '><').trim()

describe('GetUserSettings', () => {
  it('tells the settings that there are, and of each other one that it is not there', async () => {
    const { status, headers, text } = await ask(users([anna], ['UserDisplayName', 'AutoDiscoverSMTPAddress', 'ExternalImap4Connections', 'ExternalSmtpConnections', 'ExternalEwsUrl', 'constructor']))
    expect([status, headers.get('content-type')]).toEqual([200, 'text/xml; charset=utf-8'])
    expect(flat(text)).toBe(flat(`<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="http://www.w3.org/2005/08/addressing">
  <s:Header><a:Action s:mustUnderstand="1">${space}/Autodiscover/GetUserSettingsResponse</a:Action></s:Header>
  <s:Body>
    <GetUserSettingsResponseMessage xmlns="${space}">
      <Response xmlns:i="http://www.w3.org/2001/XMLSchema-instance">
        <ErrorCode>NoError</ErrorCode><ErrorMessage/>
        <UserResponses><UserResponse>
          <ErrorCode>NoError</ErrorCode><ErrorMessage>No error.</ErrorMessage><RedirectTarget i:nil="true"/>
          <UserSettingErrors>
            <UserSettingError><ErrorCode>SettingIsNotAvailable</ErrorCode><ErrorMessage>There is no such setting here.</ErrorMessage><SettingName>ExternalEwsUrl</SettingName></UserSettingError>
            <UserSettingError><ErrorCode>SettingIsNotAvailable</ErrorCode><ErrorMessage>There is no such setting here.</ErrorMessage><SettingName>constructor</SettingName></UserSettingError>
          </UserSettingErrors>
          <UserSettings>
            <UserSetting i:type="StringSetting"><Name>UserDisplayName</Name><Value>Anna Test</Value></UserSetting>
            <UserSetting i:type="StringSetting"><Name>AutoDiscoverSMTPAddress</Name><Value>${anna}</Value></UserSetting>
            <UserSetting i:type="ProtocolConnectionCollectionSetting"><Name>ExternalImap4Connections</Name><ProtocolConnections><ProtocolConnection>
              <Hostname>imap.postern.test</Hostname><Port>993</Port><EncryptionMethod>SSL</EncryptionMethod></ProtocolConnection></ProtocolConnections></UserSetting>
            <UserSetting i:type="ProtocolConnectionCollectionSetting"><Name>ExternalSmtpConnections</Name><ProtocolConnections><ProtocolConnection>
              <Hostname>smtp.postern.test</Hostname><Port>587</Port><EncryptionMethod>TLS</EncryptionMethod></ProtocolConnection></ProtocolConnections></UserSetting>
          </UserSettings>
        </UserResponse></UserResponses>
      </Response>
    </GetUserSettingsResponseMessage>
  </s:Body>
</s:Envelope>`))
  })

  it('answers of others only that they are not the user, or where they are', async () => {
    const { text } = await ask(users(['dora@postern.test', 'no address', 'bob@postern.test', 'carl@postern.test', anna], ['UserDisplayName']))
    const codes = [...text.matchAll(/<ErrorCode>(\w+)<\/ErrorCode>/g)].map(([, code]) => code)
    expect(codes).toEqual(['NoError', 'InvalidUser', 'InvalidUser', 'RedirectUrl', 'RedirectAddress', 'NoError'])
    const targets = [...text.matchAll(/<RedirectTarget>(.+)<\/RedirectTarget>/g)].map(([, target]) => target)
    expect(targets).toEqual(['https://other.example.org/autodiscover/autodiscover.svc', 'carl@other.example.org'])
  })

  it.each([
    ['without users', users([], ['UserDN'])],
    ['without settings', users([anna], [])],
    ['for too many users', users(Array.from({ length: 101 }, () => anna), ['UserDN'])],
    ['without a Request', envelope('<a:GetUserSettingsRequestMessage/>')],
  ])('%s is an invalid request', async (_, body) => {
    const { status, text } = await ask(body)
    expect([status, /<ErrorCode>(\w+)/.exec(text)?.[1]]).toEqual([200, 'InvalidRequest'])
  })
})

it('GetDomainSettings has nothing to tell: a setting is not there, or the domain is not served', async () => {
  const { status, text } = await ask(domains(['postern.test', 'else.test', 'no domain']))
  const codes = [...text.matchAll(/<ErrorCode>(\w+)<\/ErrorCode>/g)].map(([, code]) => code)
  expect([status, codes]).toEqual([200, ['NoError', 'NoError', 'SettingIsNotAvailable', 'SettingIsNotAvailable', 'InvalidDomain', 'InvalidDomain']])
})

it.each([
  ['another operation', envelope('<a:GetFederationInformationRequestMessage/>'), 'a:ActionNotSupported'],
  ['an operation of another namespace', envelope('<GetUserSettingsRequestMessage xmlns="x"/>'), 'a:ActionNotSupported'],
  ['SOAP 1.2', envelope('<a:x/>', 'http://www.w3.org/2003/05/soap-envelope'), 's:VersionMismatch'],
  ['an empty body', envelope(''), 's:Client'],
  ['two operations at once', envelope('<a:x/><a:y/>'), 's:Client'],
  ['no envelope', '<x/>', 's:Client'],
  ['no XML', 'hello', 's:Client'],
  ['a document type', envelope('<a:x/>').replace('?>', '?><!DOCTYPE x>'), 's:Client'],
])('%s is a fault', async (_, body, code) => {
  const { status, text } = await ask(body)
  expect([status, /<faultcode>(.*)<\/faultcode>/.exec(text)?.[1]]).toEqual([500, code])
  expect(server.log.lines.at(-1)).toMatchObject({ form: 'soap', status: code })
})

it('is for users only, and a fault while the mail host is away', async () => {
  expect((await ask(users([anna], ['UserDN']), { user: undefined })).status).toBe(401)
  expect((await ask('no XML', { password: 'guess' })).status).toBe(401)
  const other = await autodiscoverServer({ open: async () => { throw new Failure('unavailable', 'away') } })
  const { status, text } = await post(other, users([anna], ['UserDN']), { path: '/Autodiscover/Autodiscover.svc' })
  expect([status, text.includes('<faultcode>s:Server</faultcode>')]).toEqual([500, true])
  await other.close(0)
})
