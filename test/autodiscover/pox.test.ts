import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { versions } from '../../src/eas/versions.ts'
import { autodiscoverServer, poxRequest, post, get, requestSpaces, responseSpaces, type AutodiscoverServer, type House } from '../support/autodiscover.ts'
import { parseElements, type XmlElement } from '../support/xml.ts'
import { checkElements, outlookResponse, poxResponse } from './schema.ts'

let server: AutodiscoverServer
beforeAll(async () => void (server = await autodiscoverServer()))
afterAll(async () => {
  await server.close(0)
  expect(server.bugs()).toBe(0)
})

/** Another house, for one test. */
async function inHouse<T>(house: House, use: (server: AutodiscoverServer) => Promise<T>): Promise<T> {
  const other = await autodiscoverServer(house)
  try {
    return await use(other)
  } finally {
    await other.close(0)
    expect(other.bugs()).toBe(0)
  }
}

const anna = 'anna@postern.test'

/** The text at a path of names. */
function at(root: XmlElement, ...names: readonly string[]): string | undefined {
  let here: XmlElement | undefined = root
  for (const name of names) here = here?.children.find(child => child.name === name)
  return here?.text
}

const read = (text: string) => parseElements(text.slice(text.indexOf('?>') + 2).trim())

describe('a request in the mobilesync schema', () => {
  it.each(versions)('is answered with the server, whatever version the phone speaks: %s', async version => {
    const { status, headers, text } = await post(server, poxRequest(anna), { headers: { 'ms-asprotocolversion': version } })
    expect([status, headers.get('content-type')]).toEqual([200, 'text/xml; charset=utf-8'])
    const root = read(text)
    checkElements(root, poxResponse)
    const [response] = root.children
    expect([root.space, response!.space]).toEqual([responseSpaces.plain, responseSpaces.mobilesync])
    const url = `https://127.0.0.1:${server.port}/Microsoft-Server-ActiveSync`
    const place = ['Action', 'Settings', 'Server']
    expect([at(response!, ...place, 'Type'), at(response!, ...place, 'Url'), at(response!, ...place, 'Name')]).toEqual(['MobileSync', url, url])
    expect([at(response!, 'Culture'), at(response!, 'User', 'EMailAddress'), at(response!, 'User', 'DisplayName')]).toEqual(['en:us', anna, 'Anna Test'])
  })

  it('names the primary address of a user who asks with another, and in any letter case', async () => {
    for (const address of ['anna.alias@postern.test', 'Anna@POSTERN.test']) {
      const { text } = await post(server, poxRequest(address))
      expect(text).toContain(`<EMailAddress>${anna}</EMailAddress>`)
    }
  })

  it('may be sent as text/html, as Exchange 2007 took it, or without a type', async () => {
    for (const type of ['text/html', 'application/octet-stream']) {
      expect((await post(server, poxRequest(anna), { headers: { 'content-type': type } })).text).toContain('<Type>MobileSync</Type>')
    }
  })

  it('has its path in any letter case', async () => {
    for (const path of ['/Autodiscover/Autodiscover.xml', '/AutoDiscover/AutoDiscover.xml', '/AUTODISCOVER/AUTODISCOVER.XML']) {
      expect((await post(server, poxRequest(anna), { path })).text).toContain('<Type>MobileSync</Type>')
    }
  })

  it('about somebody else is an error of the action, not told whether there is such a user', async () => {
    const answers = await Promise.all(['bob@postern.test', 'nobody@postern.test', 'bob@elsewhere.test', 'no address'].map(async address => {
      const root = read((await post(server, poxRequest(address))).text)
      checkElements(root, poxResponse)
      return [at(root, 'Response', 'Action', 'Error', 'Status'), at(root, 'Response', 'Action', 'Settings'), at(root, 'Response', 'User', 'EMailAddress')]
    }))
    expect(answers).toEqual(['bob@postern.test', 'nobody@postern.test', 'bob@elsewhere.test', 'no address'].map(address => ['2', undefined, address]))
  })

  it('is escaped in the answer', async () => {
    const { text } = await post(server, poxRequest('&lt;b&gt;&amp;&quot;@x'))
    expect(text).toContain('<EMailAddress>&#60;b&#62;&#38;&#34;@x</EMailAddress>')
  })
})

describe('a request in the outlook schema', () => {
  it('is answered with IMAP and SMTP, and never with MAPI', async () => {
    const { text } = await post(server, poxRequest(anna, 'outlook'), { headers: { 'X-MapiHttpCapability': '1', 'X-AnchorMailbox': anna } })
    const root = read(text)
    checkElements(root, outlookResponse)
    expect(root.children[0]!.space).toBe(responseSpaces.outlook)
    const account = root.children[0]!.children.find(({ name }) => name === 'Account')!
    const protocols = account.children.filter(({ name }) => name === 'Protocol')
    expect(protocols.map(one => ['Type', 'Server', 'Port', 'LoginName', 'SSL', 'Encryption', 'AuthRequired'].map(name => at(one, name)))).toEqual([
      ['IMAP', 'imap.postern.test', '993', anna, 'on', 'SSL', 'on'], ['SMTP', 'smtp.postern.test', '587', anna, 'off', 'TLS', 'on'],
    ])
    expect(text).not.toMatch(/<Type>EX|mapiHttp/i)
    expect(server.log.lines.findLast(line => line['front'] === 'autodiscover')).toMatchObject({ mapi: '1', schema: 'outlook', user: anna })
  })

  it('is error 501 where no server is for the outside', async () => {
    await inHouse({ backends: [{ domains: '*', login: '{local}@{domain}', imap: { host: '127.0.0.1', port: 143, security: 'none' }, smtp: { host: 'mail', port: 25, security: 'none', auth: false } }] }, async house => {
      expect(at(read((await post(house, poxRequest(anna, 'outlook'))).text), 'Response', 'Error', 'ErrorCode')).toBe('501')
    })
  })

  it('is error 500 for an address that is not the user\'s, and for a LegacyDN', async () => {
    for (const body of [poxRequest('bob@postern.test', 'outlook'), poxRequest(anna, 'outlook').replace('</EMailAddress>', '</EMailAddress><LegacyDN>/o=x</LegacyDN>')]) {
      const root = read((await post(server, body)).text)
      checkElements(root, poxResponse)
      expect(at(root, 'Response', 'Error', 'ErrorCode')).toBe('500')
    }
  })
})

describe('an error', () => {
  const swap = (from: string, to: string) => poxRequest(anna).replace(from, to)
  it.each<[sentence: string, body: string | Uint8Array, code: string]>([
    ['no XML', 'hello', '600'],
    ['nothing', '', '600'],
    ['a document type', poxRequest(anna).replace('?>', '?><!DOCTYPE x [<!ENTITY a "b">]>'), '600'],
    ['octets that are no text', Buffer.from([0x3c, 0x61, 0xff, 0x3e]), '600'],
    ['another root', '<Autodiscover/>', '600'],
    ['no Request', `<Autodiscover xmlns="${requestSpaces.mobilesync}"/>`, '600'],
    ['two Requests', poxRequest(anna).replace(/<Request>.*<\/Request>/s, '$&$&'), '600'],
    ['no address', swap(`<EMailAddress>${anna}</EMailAddress>`, ''), '600'],
    ['an empty address', swap(anna, ' '), '600'],
    ['two addresses', swap('</EMailAddress>', '</EMailAddress><EMailAddress>x@y</EMailAddress>'), '600'],
    ['no AcceptableResponseSchema', poxRequest(anna).replace(/<Acc.*ema>/s, ''), '600'],
    ['a schema nobody knows', poxRequest(anna, 'mobilesync', 'http://schemas.microsoft.com/exchange/autodiscover/toaster/responseschema/2006'), '601'],
    ['the name of something every object has for a schema', poxRequest(anna, 'mobilesync', 'constructor'), '601'],
  ])('is told for %s', async (_, body, code) => {
    const { status, text } = await post(server, body)
    const root = read(text)
    checkElements(root, poxResponse)
    const [response] = root.children, error = response!.children[0]!
    expect([status, response!.space, error.name, at(error, 'ErrorCode')]).toEqual([200, responseSpaces.plain, 'Error', code])
    expect(error.attributes.get('Time')).toBe('16:56:32.6160000')
    expect(error.attributes.get('Id')).toMatch(/^\d{1,10}$/)
    expect(at(error, 'DebugData')).toBe(server.log.lines.at(-1)!['id'])
    expect(at(error, 'Message')).not.toBe('')
  })

  it('is 603 while the mail host does not answer, which the log explains', async () => {
    await inHouse({ open: async () => { throw new Failure('unavailable', 'IMAP is away') } }, async house => {
      const { status, text } = await post(house, poxRequest(anna))
      expect([status, at(read(text), 'Response', 'Error', 'ErrorCode')]).toEqual([200, '603'])
      expect(house.log.lines.at(-1)).toMatchObject({ failure: 'unavailable', why: 'IMAP is away', status: '603', command: 'Autodiscover', form: 'pox' })
    })
  })

  it('is 503 for who tried too many passwords, and 413 for a request without end', async () => {
    await inHouse({ open: async () => { throw new Failure('busy', 'too many', { retryAfter: 60 }) } }, async house => {
      const { status, headers } = await post(house, poxRequest(anna))
      expect([status, headers.get('retry-after')]).toEqual([503, '60'])
    })
    expect((await post(server, 'x'.repeat(70_000))).status).toBe(413)
  })
})

describe('who asks', () => {
  it('is asked for credentials first, and told that SOAP is there too', async () => {
    const { status, headers } = await post(server, poxRequest(anna), { user: undefined })
    expect([status, headers.get('www-authenticate'), headers.get('x-soap-enabled')]).toEqual([401, 'Basic realm="Postern", charset="UTF-8"', 'True'])
  })

  it('is refused with wrong credentials before anything is read', async () => {
    for (const [user, password] of [[anna, 'guess'], ['nobody@postern.test', 'secret']] as const) {
      const { status, text } = await post(server, 'no XML at all', { user, password })
      expect([status, text]).toEqual([401, 'User name or password is wrong.\n'])
    }
  })

  it('with a token is known by what comes beside it, and refused where nothing does', async () => {
    const asked: string[] = []
    await inHouse({ open: async ({ user }) => { asked.push(user); throw new Failure('auth', 'no') } }, async house => {
      for (const headers of [{ 'x-user-identity': anna }, { 'x-anchormailbox': anna }, { 'x-anchormailbox': 'SMTP:x y' }, {}]) {
        expect((await post(house, poxRequest(anna), { user: undefined, headers: { authorization: 'Bearer abc', ...headers } })).status).toBe(401)
      }
    })
    expect(asked).toEqual([anna, anna, '', ''])
  })

  it('by GET without TLS is redirected to where TLS is spoken, with or without credentials', async () => {
    await inHouse({ settings: { url: 'https://mail.{domain}/' } }, async house => {
      const headers = { 'x-forwarded-host': 'autodiscover.postern.test', 'x-forwarded-proto': 'http' }
      const { status, headers: answer } = await get(house, '/Autodiscover/Autodiscover.xml', { headers })
      expect([status, answer.get('location')]).toEqual([302, 'https://mail.postern.test/autodiscover/autodiscover.xml'])
    })
    const { headers } = await get(server, '/autodiscover/autodiscover.xml', { headers: { 'x-forwarded-host': 'autodiscover.postern.test' } })
    expect(headers.get('location')).toBe('https://autodiscover.postern.test/autodiscover/autodiscover.xml')
  })

  it('by GET with TLS is asked for credentials, then told that this is no request', async () => {
    const headers = { 'x-forwarded-proto': 'https' }
    expect((await get(server, '/autodiscover/autodiscover.xml', { headers })).status).toBe(401)
    const { text } = await get(server, '/autodiscover/autodiscover.xml', { headers, user: anna })
    expect(text).toContain('<ErrorCode>600</ErrorCode>')
    expect((await get(server, '/autodiscover/autodiscover.xml', { method: 'PUT' })).status).toBe(405)
  })
})

describe('a user who is served elsewhere', () => {
  const url = 'https://other.example.org/Microsoft-Server-ActiveSync'
  it.each([
    ['is sent to the server there', { user: 'bob@postern.test', url }, `<Url>${url}</Url>`, '<RedirectUrl>https://other.example.org/autodiscover/autodiscover.xml</RedirectUrl>'],
    ['asks there for another address', { domain: 'postern.test', url, address: '{local}@other.example.org' }, '<Redirect>bob@other.example.org</Redirect>', '<RedirectAddr>bob@other.example.org</RedirectAddr>'],
  ])('%s, and nobody is asked about the password', async (_, rule, mobile, desktop) => {
    await inHouse({ redirects: [rule] }, async house => {
      const asked = async (kind: 'mobilesync' | 'outlook') => (await post(house, poxRequest('bob@postern.test', kind), { user: 'bob@postern.test', password: 'any' })).text
      const [phone, outlook] = [await asked('mobilesync'), await asked('outlook')]
      checkElements(read(phone), poxResponse)
      checkElements(read(outlook), outlookResponse)
      expect([phone.includes(mobile), outlook.includes(desktop)]).toEqual([true, true])
      expect(phone).toContain('<EMailAddress>bob@postern.test</EMailAddress>')
    })
  })

  it('is so by the address asked about, too', async () => {
    await inHouse({ redirects: [{ user: 'bob@postern.test', url }] }, async house => {
      expect((await post(house, poxRequest('bob@postern.test'))).text).toContain(`<Url>${url}</Url>`)
    })
  })
})

it.each(versions)('an error, a redirection and a wrong address are told whatever version the phone speaks: %s', async version => {
  const redirects = [{ user: 'bob@postern.test', url: 'https://x/', address: 'bob@x' }]
  await inHouse({ redirects }, async house => {
    const headers = { 'ms-asprotocolversion': version }
    const roots = await Promise.all(['', poxRequest('bob@postern.test'), poxRequest('carl@postern.test')].map(async body => read((await post(house, body, { headers })).text)))
    for (const root of roots) checkElements(root, poxResponse)
    const [error, redirection, wrong] = roots
    expect([at(error!, 'Response', 'Error', 'ErrorCode'), at(redirection!, 'Response', 'Action', 'Redirect')]).toEqual(['600', 'bob@x'])
    expect(['Status', 'Message', 'DebugData'].map(name => at(wrong!, 'Response', 'Action', 'Error', name)?.length)).toEqual([1, 34, expect.any(Number)])
  })
})

describe('a password', () => {
  const passwords = { url: 'https://account.postern.test/', expire: { [anna]: '2026-11-30' }, warnDays: 14 }
  it('that is near its end is told of in the answer', async () => {
    await inHouse({ passwords }, async house => {
      const { headers } = await post(house, poxRequest(anna))
      expect([headers.get('x-ms-credentials-expire'), headers.get('x-ms-credential-service-url')]).toEqual(['5', passwords.url])
    })
  })

  it('that has expired is status 457 with the place where to change it', async () => {
    await inHouse({ passwords: { ...passwords, expire: { [anna]: '2026-11-01' } } }, async house => {
      const { status, headers } = await post(house, poxRequest(anna), { password: 'old' })
      expect([status, headers.get('x-ms-credential-service-url')]).toEqual([457, passwords.url])
    })
  })
})

describe('the URL', () => {
  const urlOf = async (house: AutodiscoverServer, headers: Record<string, string>) =>
    /<Url>(.*)<\/Url>/.exec((await post(house, poxRequest(anna), { headers })).text)?.[1]

  it('is where the client asked, as trusted proxies say', async () => {
    expect(await urlOf(server, { 'x-forwarded-host': 'Mail.Example.ORG:8443' })).toBe('https://mail.example.org:8443/Microsoft-Server-ActiveSync')
    expect(await urlOf(server, { 'x-forwarded-host': 'mail.one.test, inner' })).toBe('https://mail.one.test/Microsoft-Server-ActiveSync')
    expect(await urlOf(server, { 'x-forwarded-host': 'a/b"><' })).toBe(`https://127.0.0.1:${server.port}/Microsoft-Server-ActiveSync`)
  })

  it('is not what a stranger says in X-Forwarded-Host', async () => {
    await inHouse({ http: { trustedProxies: ['192.0.2.1'] } }, async house => {
      expect(await urlOf(house, { 'x-forwarded-host': 'evil.test' })).toBe(`https://127.0.0.1:${house.port}/Microsoft-Server-ActiveSync`)
    })
  })

  it('is that of the configuration before that, with the domain of the address in it', async () => {
    await inHouse({ settings: { url: 'https://mail.{domain}' } }, async house => {
      expect(await urlOf(house, { 'x-forwarded-host': 'other.test' })).toBe('https://mail.postern.test/Microsoft-Server-ActiveSync')
    })
  })
})
