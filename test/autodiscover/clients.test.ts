// What clients send first, in their order. Where that is known from is said at each, and what is assumed. Issues are on GitHub.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { autodiscoverServer, basic, poxRequest, requestSpaces, responseSpaces, type AutodiscoverServer } from '../support/autodiscover.ts'

let server: AutodiscoverServer
beforeAll(async () => void (server = await autodiscoverServer({ settings: { url: 'https://mail.postern.test' } })))
afterAll(async () => {
  await server.close(0)
  expect(server.bugs()).toBe(0)
})

const anna = 'anna@postern.test', login = basic(anna)

type Step = {
  readonly method?: 'GET' | 'POST'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Status, and what has to be in the answer. */
  readonly status: number
  readonly text?: string
  readonly location?: string
}

const eas = 'https://mail.postern.test/Microsoft-Server-ActiveSync'
const http = { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'autodiscover.postern.test' }

/** AOSP's serializer, with its declaration and its quotes. */
const android = `<?xml version='1.0' encoding='UTF-8' standalone='no' ?><Autodiscover xmlns="${requestSpaces.mobilesync}"><Request><EMailAddress>${anna}</EMailAddress><AcceptableResponseSchema>${responseSpaces.mobilesync}</AcceptableResponseSchema></Request></Autodiscover>`

/** [MS-OXDSCLI] Autodiscover Request; without a declaration, and its elements the other way round, as nothing forbids. */
const outlook = `<Autodiscover xmlns="${requestSpaces.outlook}"><Request><AcceptableResponseSchema>${responseSpaces.outlook}</AcceptableResponseSchema><EMailAddress>${anna}</EMailAddress></Request></Autodiscover>`

/** With a declaration in small letters, and spaces between the elements. */
const thunderbird = `<?xml version="1.0" encoding="utf-8"?>
  <Autodiscover xmlns="${requestSpaces.outlook}">
    <Request>
      <EMailAddress>${anna}</EMailAddress>
      <AcceptableResponseSchema>${responseSpaces.outlook}</AcceptableResponseSchema>
    </Request>
  </Autodiscover>`

const clients: Readonly<Record<string, readonly Step[]>> = {
  // Its class ASAutodiscoverV2Task: V2 in the path at autodiscover.DOMAIN, then the URL it got, with an empty Bearer
  // (test/live/autodiscover.test.ts). The name of the agent is assumed.
  'iOS 17, by V2': [
    {
      path: `/autodiscover/autodiscover.json/v1.0/${anna}?Protocol=ActiveSync`, headers: { accept: 'application/json', 'user-agent': 'Apple-iPhone15C2/2106.60' },
      status: 200, text: `"Url":"${eas}"`,
    },
  ],
  // openradar 34535320: up to iOS 10 it went by Autodiscover at once. The request is that of [MS-ASCMD], the path's letter case is assumed.
  'iOS 10, by POX': [
    { method: 'POST', path: '/Autodiscover/Autodiscover.xml', headers: { 'user-agent': 'Apple-iPhone9C1/1402.92', authorization: login }, body: poxRequest(anna), status: 200, text: `<Url>${eas}</Url>` },
  ],
  // com.android.exchange.eas.EasAutoDiscover (Android 5 to 7; of Gmail after it the same is assumed): POST with credentials at both hosts, then GET without TLS.
  'Android and Gmail': [
    {
      method: 'POST', path: '/autodiscover/autodiscover.xml', headers: { 'content-type': 'text/xml', 'user-agent': 'Android-Mail/7.11.5', 'ms-asprotocolversion': '2.5', authorization: login },
      body: android, status: 200, text: `<Url>${eas}</Url>`,
    },
    { path: '/autodiscover/autodiscover.xml', headers: http, status: 302, location: 'https://mail.postern.test/autodiscover/autodiscover.xml' },
  ],
  // sys4/automx issue 34 (Galaxy S7): a chunked POST, then GET at the same place. What stands in the POST is assumed.
  'Samsung': [
    { method: 'POST', path: '/autodiscover/autodiscover.xml', headers: { 'user-agent': 'Android-SAMSUNG-SM-G930F/101.60001', authorization: login }, body: android, status: 200, text: `<Url>${eas}</Url>` },
    { path: '/autodiscover/autodiscover.xml', headers: { 'user-agent': 'Android-SAMSUNG-SM-G930F/101.60001', ...http }, status: 302 },
  ],
  // wdes/mail-autodiscover-autoconfig issue 4: V2 in the query, then Thunderbird's file at a path of its own.
  'Nine': [
    { path: '/autodiscover/autodiscover.json?Email=anna%40postern.test&Protocol=ActiveSync&RedirectCount=1', status: 200, text: `"Url":"${eas}"` },
    { path: `/v1.1/mail/config-v1.1.xml?emailaddress=${anna}`, status: 200, text: '<hostname>imap.postern.test</hostname>' },
  ],
  // mailcow issue 646 (Outlook 2013), [MS-OXDSCLI] Autodiscover Request: without credentials, then with them; then GET without TLS.
  'Outlook 2013': [
    { method: 'POST', path: '/autodiscover/autodiscover.xml', headers: { 'user-agent': 'Microsoft Office/15.0 (Windows NT 6.1; Microsoft Outlook 15.0.4420; Pro)', 'x-mapihttpcapability': '1' }, body: outlook, status: 401 },
    { method: 'POST', path: '/autodiscover/autodiscover.xml', headers: { 'user-agent': 'Microsoft Office/15.0 (Windows NT 6.1; Microsoft Outlook 15.0.4420; Pro)', 'x-mapihttpcapability': '1', authorization: login }, body: outlook, status: 200, text: '<Type>IMAP</Type>' },
    { path: '/autodiscover/autodiscover.xml', headers: http, status: 302, location: 'https://mail.postern.test/autodiscover/autodiscover.xml' },
  ],
  // [MS-OXDSCLI] and Microsoft's account of its order: the domain itself, then its autodiscover, then GET without TLS. What it says of itself is assumed.
  'Outlook 2016': [
    ...['postern.test', 'autodiscover.postern.test'].flatMap((host): Step[] => [undefined, login].map(authorization => ({
      method: 'POST', path: '/autodiscover/autodiscover.xml', body: outlook, status: authorization ? 200 : 401, ...(authorization ? { text: '<Type>IMAP</Type>' } : {}),
      headers: {
        'user-agent': 'Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.4266; Pro)', 'x-mapihttpcapability': '1', 'x-anchormailbox': anna, 'x-forwarded-host': host,
        ...(authorization ? { authorization } : {}),
      },
    }))),
    { path: '/autodiscover/autodiscover.xml', headers: http, status: 302, location: 'https://mail.postern.test/autodiscover/autodiscover.xml' },
  ],
  // mailcow issue 2300 (Outlook 2019), mjl-/mox issue 200 (2024): V2 with its own spelling of AutodiscoverV1, in the query or in the path; then POX.
  'Outlook 2019 and 2021': [
    {
      path: '/autodiscover/autodiscover.json?Email=anna%40postern.test&Protocol=Autodiscoverv1&RedirectCount=1',
      headers: { 'user-agent': 'Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.11231; Pro)' }, status: 200, text: '"Url":"https://mail.postern.test/autodiscover/autodiscover.xml"',
    },
    {
      path: `/autodiscover/autodiscover.json/v1.0/${anna}?Protocol=Autodiscoverv1&RedirectCount=1`,
      headers: { 'user-agent': 'Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17726; Pro)' }, status: 200, text: '"Protocol":"AutodiscoverV1"',
    },
    { method: 'POST', path: '/autodiscover/autodiscover.xml', headers: { 'x-mapihttpcapability': '1', 'x-anchormailbox': anna, authorization: login }, body: outlook, status: 200, text: '<Type>SMTP</Type>' },
  ],
  // mail-in-a-box issue 1811: it asks for EWS, which is not here.
  'Outlook for Mac': [
    { path: '/autodiscover/autodiscover.json?Email=anna%40postern.test&Protocol=EWS&RedirectCount=1', status: 400, text: '"ErrorCode":"InvalidProtocol"' },
  ],
  // gronke/email-autodiscover issue 4: from Microsoft's servers, not from the phone.
  'Outlook for iOS and Android': [
    {
      path: '/autodiscover/autodiscover.json?Email=anna%40postern.test&Protocol=ActiveSync&RedirectCount=1',
      headers: { 'user-agent': 'OutlookMobileCloudService-Autodetect/1.0.0' }, status: 200, text: `"Url":"${eas}"`,
    },
  ],
  // comm-central, ExchangeAutoDiscover (Thunderbird 140), all at once, without credentials where there is no TLS: it prefers what comes first of these.
  'Thunderbird, of Exchange': [
    ...['autodiscover.postern.test', 'postern.test'].map((host): Step => ({
      method: 'POST', path: '/autodiscover/autodiscover.xml', headers: { 'content-type': 'text/xml; charset=utf-8', 'x-forwarded-host': host, authorization: login },
      body: thunderbird, status: 200, text: '<Type>IMAP</Type>',
    })),
    { method: 'POST', path: '/autodiscover/autodiscover.xml', headers: { 'content-type': 'text/xml; charset=utf-8', ...http }, body: thunderbird, status: 401 },
  ],
  // draft-ietf-mailmaint-autoconfig, Configuration: at autoconfig.DOMAIN, then at DOMAIN.
  'Thunderbird': [
    { path: '/mail/config-v1.1.xml?emailaddress=anna%40postern.test', headers: { 'x-forwarded-host': 'autoconfig.postern.test' }, status: 200, text: '<incomingServer type="imap">' },
    { path: '/.well-known/autoconfig/mail/config-v1.1.xml', headers: { 'x-forwarded-host': 'postern.test' }, status: 200, text: '<calendar type="caldav">' },
  ],
}

it.each(Object.entries(clients))('%s finds what it looks for', async (_, steps) => {
  for (const { method = 'GET', path, headers = {}, body, ...wanted } of steps) {
    // As a stream, so that it is chunked.
    const sent = body === undefined ? {} : { body: new Blob([body]).stream(), duplex: 'half' }
    const response = await fetch(`${server.url}${path}`, { method, headers, redirect: 'manual', ...sent } as RequestInit)
    expect(response.status, path).toBe(wanted.status)
    const text = await response.text()
    if (wanted.text !== undefined) expect(text).toContain(wanted.text)
    if (wanted.location !== undefined) expect(response.headers.get('location')).toBe(wanted.location)
  }
})
