import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { hear, say } from '../../../src/eas/map/calendar.ts'
import { versions, type Version } from '../../../src/eas/versions.ts'
import { decode, encodeSync } from '../../../src/wire/wbxml.ts'
import { printXml } from '../../../src/wire/xml.ts'
import { arrived, contextOf } from '../../support/calendar-context.ts'
import { golden, parseXml, readGolden } from '../../support/golden.ts'

/** Stored events are kept with LF, that people can read them; they are read with CRLF, as servers have them. */
const stored = (name: string): Uint8Array => Buffer.from(readGolden(`formats/${name}.ics`).replaceAll('\n', '\r\n'))
const html = { bodies: [{ type: 2 as const }, { type: 1 as const }] }

it.each<[name: string, version: Version]>([
  ['weekly-meeting', '2.5'], ['weekly-meeting', '12.1'], ['weekly-meeting', '14.1'], ['weekly-meeting', '16.1'],
  ['invitation', '2.5'], ['invitation', '14.0'], ['invitation', '16.1'],
  ['christmas', '14.1'], ['christmas', '16.1'], ['floating', '14.1'], ['floating', '16.0'],
  ['choir', '12.1'], ['choir', '14.1'], ['choir', '16.1'],
])('%s is told in version %s as recorded', (name, version) => {
  golden(`formats/${name}.${version}.xml`, printXml(arrived(say(stored(name), contextOf(version, html)))))
})

const requests = globSync('*.request.xml', { cwd: fileURLToPath(new URL('../../golden/formats/', import.meta.url)) }).sort()

it.each(requests.filter(name => !name.startsWith('task')).map(name => name.replace('.request.xml', '')))('%s makes of what is stored what was recorded', name => {
  const version = versions.find(one => name.endsWith(`.${one}`))!
  const before = name.startsWith('new-') ? undefined : stored(name.split('.')[0]!)
  const request = decode(encodeSync(parseXml(readGolden(`formats/${name}.request.xml`))))
  const after = Buffer.from(hear(before, request, contextOf(version))).toString()
  expect(after.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
  golden(`formats/${name}.after.ics`, after.replaceAll('\r\n', '\n'))
})
