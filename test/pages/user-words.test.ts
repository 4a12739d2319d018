import { describe, expect, it } from 'vitest'

type Device = { readonly type: string; readonly agent: string }
type Words = { nameOf(device: Device): string; fill(text: string, values: Record<string, string>): string; words: unknown }
type Guides = {
  guides: readonly { readonly id: string; readonly parts: readonly { readonly when?: string; readonly steps?: readonly string[]; readonly facts?: readonly (readonly [string, string])[]; readonly note?: string }[] }[]
  guideOfThis(navigator: { userAgent: string; maxTouchPoints: number }): string | undefined
  valuesOf(setUp: object): Record<string, string>
}
const load = async <T>(name: string): Promise<T> => await import(new URL(`../../src/pages/static/${name}`, import.meta.url).href) as T
const { nameOf, fill } = await load<Words>('user-words.js')
const { guides, guideOfThis, valuesOf } = await load<Guides>('user-guides.js')

describe('what a device is called before its user', () => {
  it.each([
    ['iPhone', 'Apple-iPhone15C2/2208.100', 'iPhone'], ['iPad', 'Apple-iPad14C1/2208.100', 'iPad'], ['iPhone', '', 'iPhone'],
    ['SamsungDevice', 'SAMSUNG-SM-S928B/101.15000', 'Samsung (SM-S928B)'], ['Android', 'Android-Mail/2026.10.05.release', 'Gmail on Android'],
    ['Outlook', 'Outlook-iOS-Android/1.0', 'Outlook app'], ['Outlook', 'Outlook-iOS/2.0', 'Outlook on an iPhone or iPad'], ['Outlook', '', 'Outlook app'], ['WindowsOutlook15', 'Outlook/15.0 (15.0.4420.1017; MSI; x64)', 'Outlook on Windows'],
    ['Android', 'Nine-QW/6.3', 'Nine on Android'], ['WindowsMail', 'MSFT-WIN-4/10.0.1', 'Windows Mail'], ['BlackBerry', 'BB10', 'BlackBerry'],
    ['MyPhone', 'Unheard/1', 'MyPhone'], ['', 'Unheard/1', 'Unheard/1'], ['', '', 'A device without a name'],
    ['a\u202Eb\u0000c\u2028d', '', 'a b c d'], ['x'.repeat(300), '', 'x'.repeat(60)], ['__proto__', '', '__proto__'],
  ])('%j that says %j is %s', (type, agent, name) => {
    expect(nameOf({ type, agent })).toBe(name)
  })

  it('is put into sentences as it is', () => {
    expect(fill('Remove {name}? {other}', { name: '$& {name}' })).toBe('Remove $& {name}? {other}')
  })
})

describe('how to set up a device', () => {
  it.each([
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15', 5, 'ios'], ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15', 5, 'ios'],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15', 0, 'mac'], ['Mozilla/5.0 (Linux; Android 16; Pixel 9)', 5, 'android'],
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64)', 0, undefined], ['Mozilla/5.0 (X11; Linux x86_64)', 0, undefined],
  ])('begins with the device in hand: %s, %i', (userAgent, maxTouchPoints, guide) => {
    expect(guideOfThis({ userAgent, maxTouchPoints })).toBe(guide)
  })

  const least = { site: 'x', address: null, user: 'u', login: 'u', host: 'h', port: 443, signed: false }
  const server = { host: 'h', port: 1, security: 'tls' }
  it.each([
    ['nothing but ActiveSync', least], ['all there is', { ...least, address: 'a@b.c', profile: '/p', imap: server, smtp: server, dav: { url: 'https://d/', login: 'u' } }],
  ])('names only what there is: %s', (_, setUp) => {
    const values = valuesOf(setUp)
    for (const { id, parts } of guides) {
      const shown = parts.filter(({ when }) => when === undefined || values[when] !== undefined)
      expect(shown.length, id).toBeGreaterThan(0)
      const texts = shown.flatMap(({ steps = [], facts = [], note = '' }) => [...steps, ...facts.flat(), note])
      for (const [, name = ''] of texts.join(' ').matchAll(/\{(\w+)\}/g)) if (name !== 'address') expect(values, `${id}: ${name}`).toHaveProperty(name)
    }
  })
})
