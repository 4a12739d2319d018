import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { cardCertificates, readCardEntry } from '../../src/formats/contact-entry.ts'
import { mutations } from '../support/fuzz.ts'
import { bobDer, bobPem } from '../support/memory-directory.ts'

const card = (version: string, ...lines: readonly string[]): Buffer => Buffer.from(['BEGIN:VCARD', `VERSION:${version}`, ...lines, 'END:VCARD', ''].join('\r\n'))
const entry = (version: string, ...lines: readonly string[]) => readCardEntry(card(version, ...lines), 'id', 'contact')
const base64 = bobDer.toString('base64')

describe('somebody of an address book', () => {
  it.each<[string, string, string[], string, string[]]>([
    ['has a name and an address', '3.0', ['FN:Ann Example', 'EMAIL:ann@x.test'], 'Ann Example', ['ann@x.test']],
    ['has the preferred address first', '3.0', ['FN:A', 'EMAIL:one@x.test', 'EMAIL;TYPE=pref:two@x.test'], 'A', ['two@x.test', 'one@x.test']],
    ['has the preferred address first, by number', '4.0', ['FN:A', 'EMAIL;PREF=2:one@x.test', 'EMAIL;PREF=1:two@x.test'], 'A', ['two@x.test', 'one@x.test']],
    ['has each address once, and none that is no address', '3.0', ['FN:A', 'EMAIL:a@x.test', 'EMAIL:a@x.test', 'EMAIL:nonsense', 'item1.EMAIL:mailto:b@x.test'], 'A', ['a@x.test', 'b@x.test']],
    ['is called by the parts of the name', '2.1', ['N:Example;Ann', 'EMAIL;INTERNET:ann@x.test'], 'Ann Example', ['ann@x.test']],
    ['is called by the company', '3.0', ['FN:', 'ORG:Postern', 'EMAIL:a@x.test'], 'Postern', ['a@x.test']],
    ['is called by the address', '3.0', ['EMAIL:a@x.test'], 'a@x.test', ['a@x.test']],
    ['has a name of one line', '3.0', ['FN:Ann\\nExample', 'EMAIL:a@x.test'], 'Ann Example', ['a@x.test']],
    ['has a name that ends somewhere', '3.0', [`FN:${'x'.repeat(1000)}`, 'EMAIL:a@x.test'], 'x'.repeat(256), ['a@x.test']],
  ])('%s', (_, version, lines, name, addresses) => {
    expect(entry(version, ...lines)).toMatchObject({ id: 'id', kind: 'contact', displayName: name, addresses })
  })

  it('without an address is none', () => expect(entry('3.0', 'FN:Ann', 'TEL:1')).toBeUndefined())
  it('that is no vCard is refused', () => expect(() => readCardEntry(Buffer.from('<html>'), 'id', 'gal')).toThrow(Failure))
})

describe('a certificate of somebody', () => {
  it.each<[string, string, string[], number]>([
    ['is in base64', '3.0', [`KEY;ENCODING=b;TYPE=X509:${base64}`], 1],
    ['is in base64 that nobody says to be of X.509', '3.0', [`KEY;ENCODING=b:${base64}`], 1],
    ['is in the old base64, over many lines', '2.1', [`KEY;X509;ENCODING=BASE64:\r\n ${base64.replace(/.{70}/g, '$&\r\n ')}`, ''], 1],
    ['is in an address that has it in itself', '4.0', [`KEY:data:application/pkix-cert;base64,${base64}`], 1],
    ['is in the same, its comma escaped', '4.0', [`KEY:data:application/x-x509-user-cert;base64\\,${base64}`], 1],
    ['is PEM in base64', '3.0', [`KEY;ENCODING=b:${Buffer.from(bobPem).toString('base64')}`], 1],
    ['is one of several', '3.0', [`KEY;ENCODING=b:${base64}`, `KEY;ENCODING=b;TYPE=PGP:${base64}`, `item1.KEY;ENCODING=b:${base64}`], 2],
    ['is none of another kind', '4.0', [`KEY:data:application/pgp-keys;base64,${base64}`], 0],
    ['is none that would have to be fetched', '4.0', ['KEY;MEDIATYPE=application/pkix-cert:http://x.test/a.cer'], 0],
    ['is none where it is text', '3.0', ['KEY;ENCODING=b:bm9uc2Vuc2U='], 0],
    ['is none that is too large', '3.0', [`KEY;ENCODING=b:${Buffer.alloc(60_000, 0x30).toString('base64')}`], 0],
    ['is one of ten at most', '3.0', Array.from({ length: 30 }, () => `KEY;ENCODING=b:${base64}`), 10],
  ])('%s', (_, version, lines, count) => {
    const found = cardCertificates(card(version, ...lines))
    expect(found).toHaveLength(count)
    for (const der of found) expect(Buffer.compare(der, bobDer)).toBe(0)
  })
})

it('any octets are somebody, nobody, or refused', () => {
  const samples = [
    card('3.0', 'FN:Ann Example', 'N:Example;Ann', 'EMAIL;TYPE=pref:ann@x.test', 'TEL;TYPE=CELL:+1', `KEY;ENCODING=b:${base64}`, 'NICKNAME:annie'),
    card('4.0', 'FN:Ann', 'EMAIL;PREF=1:ann@x.test', `KEY:data:application/pkix-cert;base64,${base64}`, 'KIND:group', 'MEMBER:urn:uuid:1'),
  ]
  for (const octets of mutations(samples, 20_000, 11)) {
    try {
      const found = readCardEntry(octets, 'x', 'gal')
      if (found && !found.addresses.every(one => /^[^\s@]+@[^\s@]+$/.test(one))) throw new Error('an address that is none')
      cardCertificates(octets)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
    }
  }
}, 60_000)
