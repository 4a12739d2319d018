import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { canonicalDeviceId } from '../../src/base/devices.ts'
import { deviceFault, parseRequest } from '../../src/eas/request.ts'
import { base64Query, commandCodes, plainQuery, type Query } from '../support/eas-query.ts'
import { mutations } from '../support/fuzz.ts'

const parse = (query: string, headers: Record<string, string> = { 'MS-ASProtocolVersion': '14.1' }) =>
  parseRequest(new URL(`http://host/Microsoft-Server-ActiveSync?${query}`), new Headers(headers))

const kindOf = (work: () => unknown): string => {
  try {
    work()
    return 'none'
  } catch (error) {
    if (error instanceof Failure) return error.kind
    throw error
  }
}

describe('the query of a request', () => {
  it('is the same in the two forms of the example in MS-ASHTTP', () => {
    const plain = parse('Cmd=Sync&User=rmjones&DeviceId=v140Device&DeviceType=SmartPhone', { 'MS-ASProtocolVersion': '14.0' })
    const base64 = parse('jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l', {})
    expect(base64).toEqual({ ...plain, user: '' })
    expect(base64).toMatchObject(
      { command: 'Sync', version: '14.0', deviceId: 'v140Device', deviceType: 'SmartPhone', policyKey: undefined }
    )
  })

  it.each([
    ['names in any letter case', 'cmd=foldersync&USER=a&deviceID=d1&DEVICETYPE=t', {
      command: 'FolderSync', user: 'a', deviceId: 'd1', deviceType: 't'
    }],
    ['a domain before the user', 'Cmd=Ping&User=HOUSE%5Canna&DeviceId=d1&DeviceType=t', { user: 'HOUSE\\anna' }],
    ['a plus that is a plus', 'Cmd=GetAttachment&AttachmentName=a+b%2Bc&DeviceId=d', { attachmentName: 'a+b+c' }],
    ['a percent sign that escapes nothing', 'Cmd=Ping&User=100%&DeviceId=d', { user: '100%' }],
    ['the copy in Sent', 'Cmd=SendMail&SaveInSent=T&DeviceId=d', { saveInSent: true }],
    ['no copy in Sent', 'Cmd=SendMail&SaveInSent=F&DeviceId=d', { saveInSent: false }],
    ['ids of a message to answer', 'Cmd=SmartReply&CollectionId=5&ItemId=5:1&DeviceId=d', { collectionId: '5', itemId: '5:1' }],
    ['an unknown command as it came', 'Cmd=Teleport&DeviceId=d', { command: 'Teleport' }],
  ])('tells %s', (_, query, expected) => {
    expect(parse(query)).toMatchObject(expected)
  })

  it('tells a policy key and parameters in base64 too', () => {
    const query = base64Query({
      command: 'SendMail', user: 'anna', deviceId: 'd1', deviceType: 't', version: '12.1', policyKey: '4294967295',
      parameters: { SaveInSent: 'T', AttachmentName: 'a', CollectionId: 'c', ItemId: 'i' },
    })
    expect(parse(query, {})).toMatchObject({
      command: 'SendMail', user: 'anna', version: '12.1', policyKey: '4294967295', saveInSent: true, multipart: false,
      attachmentName: 'a', collectionId: 'c', itemId: 'i',
    })
  })

  it('takes the flag for multipart answers from the header or from the options', () => {
    expect(parse('Cmd=ItemOperations', { 'MS-ASProtocolVersion': '16.1', 'MS-ASAcceptMultiPart': 'T' }).multipart).toBe(true)
    expect(parse(Buffer.from([161, 19, 0, 0, 1, 65, 0, 1, 66, 7, 1, 2]).toString('base64'), {}).multipart).toBe(true)
  })

  it('shows a device id of octets as hexadecimal', () => {
    expect(parse(Buffer.from([161, 0, 0, 0, 4, 0xde, 0xad, 0, 1, 0, 1, 66]).toString('base64'), {}).deviceId).toBe('dead0001')
  })

  it.each([
    ['nothing', '', 'malformed'],
    ['no command', 'User=a&DeviceId=d', 'malformed'],
    ['an unknown command code', Buffer.from([161, 99, 0, 0, 1, 65, 0, 1, 66]).toString('base64'), 'malformed'],
    ['a policy key of three octets', Buffer.from([161, 0, 0, 0, 1, 65, 3, 1, 2, 3, 1, 66]).toString('base64'), 'malformed'],
    ['a length beyond the end', Buffer.from([161, 0, 0, 0, 200, 65, 0, 1, 66]).toString('base64'), 'malformed'],
  ])('refuses %s', (_, query, kind) => {
    expect(kindOf(() => parse(query))).toBe(kind)
  })

  it.each([
    [undefined, 'unsupported'], ['1.0', 'unsupported'], ['2.1', 'malformed'], ['17.0', 'malformed'],
    ['x'.repeat(10_000), 'malformed'],
  ])('does not speak version %s', (version, kind) => {
    expect(kindOf(() => parse('Cmd=Sync', version === undefined ? {} : { 'MS-ASProtocolVersion': version }))).toBe(kind)
  })

  it('has a base64 form, and asks for answers in parts, from 12.1 only', () => {
    const base64 = Buffer.from([120, 0, 0, 0, 1, 65, 0, 1, 66]).toString('base64')
    expect(kindOf(() => parse(base64, {}))).toBe('malformed')
    const multipart = (version: string): boolean =>
      parse('Cmd=ItemOperations', { 'MS-ASProtocolVersion': version, 'MS-ASAcceptMultiPart': 'T' }).multipart
    expect(['12.0', '12.1', '16.1'].map(multipart)).toEqual([false, true, true])
  })

  it('survives the way through both forms', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9]{1,32}$/)
    fc.assert(fc.property(fc.record({
      command: fc.constantFrom(...Object.keys(commandCodes)), user: fc.string({ maxLength: 60 }), deviceId: word,
      deviceType: word,
      version: fc.constantFrom('12.1', '14.0', '14.1', '16.0', '16.1'), policyKey: fc.nat(0xffffffff).map(String),
      parameters: fc.record({ CollectionId: word, ItemId: word, CollectionName: word, ParentId: word, AttachmentName: fc.string({ maxLength: 60 }) }),
    }), (query: Query) => {
      const headers = {
        'MS-ASProtocolVersion': query.version, ...(query.policyKey === '0' ? {} : { 'X-MS-PolicyKey': query.policyKey })
      }
      expect(parse(base64Query(query), {})).toEqual(parse(plainQuery(query), headers))
    }))
  })

  it('yields a request or a failure, whatever it is made of', () => {
    const sample = Buffer.from(base64Query({
      command: 'Sync', user: 'anna', deviceId: 'device', deviceType: 'phone', version: '16.1', policyKey: '12',
      parameters: { ItemId: 'i' },
    }), 'base64')
    for (const bytes of mutations([sample], 5000, 1)) kindOf(() => parse(Buffer.from(bytes).toString('base64'), {}))
    const plain = Buffer.from('Cmd=Sync&User=a%40b&DeviceId=d1&DeviceType=t&SaveInSent=T')
    for (const bytes of mutations([plain], 5000, 2)) kindOf(() => parse(encodeURI(Buffer.from(bytes).toString('latin1'))))
  })
})

describe('a device', () => {
  it.each([
    ['', 't', '108'], ['a,b', 't', '108'], ['a b', 't', '108'], ['x'.repeat(65), 't', '108'],
    ['d1', '', '109'], ['d1', 'a\nb', '109'], ['d1', 'x'.repeat(65), '109'],
    ['d1', 'SmartPhone', undefined], ['{6F9619FF-8B86-D011-B42D-00CF4FC964FF}', 'iPad 2', undefined],
    ['validate', 'Android', undefined],
  ])('named %j of type %j gets status %s', (deviceId, deviceType, status) => {
    expect(deviceFault({ deviceId, deviceType })).toBe(status)
  })

  it('is one and the same as text and as the octets its text spells', () => {
    const octets = Buffer.from('4e696e6501020304', 'hex')
    const query = Buffer.from([161, 0, 0, 0, octets.length, ...octets, 0, 1, 66]).toString('base64')
    expect(canonicalDeviceId(parse(query, {}).deviceId)).toBe(canonicalDeviceId('4E696E6501020304'))
    expect(canonicalDeviceId('Nine0000')).toBe(canonicalDeviceId(Buffer.from('Nine0000').toString('hex')))
  })
})
