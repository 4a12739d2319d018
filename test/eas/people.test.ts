// The address list and the user's own contacts together, and when all of them have time.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { directories } from '../../src/model/directories.ts'
import { resolve, searchGal, type ResolveWish } from '../support/eas-directory.ts'
import { easServer, type EasServer } from '../support/eas-server.ts'
import { MemoryUser } from '../support/memory-objects.ts'
import { bobDer, builders, MemoryDirectory } from '../support/memory-directory.ts'

const contacts = (): MemoryDirectory => new MemoryDirectory([
  { kind: 'contact', displayName: 'Bobby', addresses: ['bob@home.test', 'BOB@postern.test'], photo: Buffer.from('ffd8aa', 'hex') },
  { kind: 'contact', displayName: 'Dörte B.', addresses: ['doerte@postern.test'], certificates: [bobDer] },
  { kind: 'contact', displayName: 'Carol Builder', addresses: ['carol@home.test'] },
  { kind: 'contact', displayName: 'Carola', addresses: ['carola@home.test'] },
  { kind: 'contact', displayName: 'Zoe Friend', addresses: ['zoe@friends.test'], photo: Buffer.from('ffd8bb', 'hex') },
])

let account: MemoryUser
let own: MemoryDirectory, list: MemoryDirectory
let server: EasServer
beforeEach(async () => {
  account = new MemoryUser()
  account.directory = list = builders()
  account.contacts = own = contacts()
  server = await easServer({}, account, () => new Date('2026-11-25T10:00:00Z'))
})
afterEach(() => server.stop())

const told = async (wish: ResolveWish, version = '16.1') => (await resolve(server.phone({ version }), wish)).responses
  .map(({ status, recipients }) => [status, ...recipients.map(({ type, name, address }) => `${type} ${name} ${address}`)])

describe('a recipient', () => {
  it.each<[string, string, string[]]>([
    ['of the contacts alone', 'Zoe', ['1', '2 Zoe Friend zoe@friends.test']],
    ['of both by an address is of the address list', 'bob@postern.test', ['1', '1 Bob Builder bob@postern.test']],
    ['of both by the address that only the contact has', 'bob@home.test', ['1', '2 Bobby bob@home.test']],
    ['of both by a name is two where they are two', 'Carol Builder', ['2', '2 Carol Builder carol@postern.test', '2 Carol Builder carol@home.test']],
    ['whose name is the beginning of another', 'Carola', ['1', '2 Carola carola@home.test']],
    ['of several by the beginning of their names', 'dörte', ['1', '1 Dörte Builder doerte@postern.test']],
    ['that is the user', 'anna@postern.test', ['1', '1 Anna Test anna@postern.test']],
    ['that is nobody', 'nobody', ['4']],
  ])('%s', async (_, to, expected) => expect(await told({ to: [to] })).toEqual([expected]))

  it.each(['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1'])('of the contacts is told in version %s', async version => {
    expect(await told({ to: ['Zoe'] }, version)).toEqual([['1', '2 Zoe Friend zoe@friends.test']])
  })

  it('has the photo and the certificates of the address list, or else of the contact', async () => {
    const { responses } = await resolve(server.phone(), { to: ['bob@postern.test', 'doerte@postern.test', 'zoe@friends.test'], certificates: 2, picture: {} })
    expect(responses.map(({ recipients: [one] }) => [one!.picture, one!.certificates!.slice(0, 3)])).toEqual([
      ['1 5', ['1', '1', '1']], ['1 5000', ['1', '1', '1']], ['1 3', ['7', '0', '1']],
    ])
  })

  it('of the address list is told though the contacts are away; that there is nobody is not', async () => {
    own.outage = new Failure('unavailable', 'gone')
    expect(await told({ to: ['bob@postern.test', 'anna@postern.test'] })).toEqual([['1', '1 Bob Builder bob@postern.test'], ['1', '1 Anna Test anna@postern.test']])
    expect(await resolve(server.phone(), { to: ['Zoe'] })).toEqual({ status: '6', responses: [] })
    own.outage = new Failure('denied', 'refused')
    expect(await told({ to: ['Zoe'] })).toEqual([['4']])
    list.outage = new Failure('unavailable', 'gone')
    expect(await resolve(server.phone(), { to: ['bob@postern.test'] })).toEqual({ status: '6', responses: [] })
  })

  it('of the contacts is not in the address list', async () => {
    expect((await searchGal(server.phone(), { query: 'zoe' })).total).toBe('0')
    account.directory = undefined
    expect(await told({ to: ['Zoe', 'bob@postern.test'] })).toEqual([['1', '2 Zoe Friend zoe@friends.test'], ['1', '2 Bobby bob@home.test']])
  })
})

describe('several books', () => {
  it('count who is in more than one once, and sort all by name', async () => {
    const { entries, total } = await directories([builders(), contacts()]).search('b', 3)
    expect([entries.map(({ displayName }) => displayName), total]).toEqual([['Bob Builder', 'Carol Builder', 'Carol Builder'], 4])
  })

  it('fail where one does', async () => {
    list.outage = new Failure('unavailable', 'gone')
    await expect(directories([own, list]).search('bob', 3)).rejects.toMatchObject({ kind: 'unavailable' })
  })
})

describe('the time', () => {
  const availability = { start: '2026-12-07T08:00:00.000Z', end: '2026-12-07T10:00:00.000Z' }
  const busy = (...periods: readonly string[]): Uint8Array[] => [Buffer.from(['BEGIN:VCALENDAR', 'BEGIN:VFREEBUSY', ...periods.map(one => `FREEBUSY:20261207T${one}`),
    'END:VFREEBUSY', 'END:VCALENDAR', ''].join('\r\n'))]
  const event = (...lines: readonly string[]): Uint8Array => Buffer.from(['BEGIN:VCALENDAR', 'VERSION:2.0', 'BEGIN:VEVENT', 'UID:1', 'DTSTAMP:20261101T000000Z', ...lines, 'END:VEVENT', 'END:VCALENDAR', ''].join('\r\n'))
  const asked: string[][] = []
  const knows = (answers: Readonly<Record<string, readonly Uint8Array[] | Failure>>): void => {
    Object.assign(account.collections, { freeBusy: async (addresses: readonly string[]) => {
      asked.push([...addresses])
      return new Map(Object.entries(answers))
    } })
  }
  const times = async (to: readonly string[]) => (await resolve(server.phone(), { to, availability })).responses.map(({ recipients }) => recipients.map(one => one.availability))
  beforeEach(() => { asked.length = 0 })

  it('of all is asked for in one request, and each is answered by itself', async () => {
    knows({
      'bob@postern.test': busy('083000Z/PT30M'), 'carol@postern.test': new Failure('unavailable', 'late'), 'zoe@friends.test': new Failure('denied', 'private'),
      'doerte@postern.test': [event('DTSTART:20261207T093000Z', 'DURATION:PT10M', 'X-MICROSOFT-CDO-BUSYSTATUS:OOF')], 'carola@home.test': [Buffer.from('<html>')],
    })
    expect(await times(['bob@postern.test', 'carol@postern.test', 'zoe@friends.test', 'doerte@postern.test', 'all@postern.test', 'carola', 'anna@postern.test', 'Carol Builder', 'BOB@postern.test']))
      .toEqual([['1 0200'], ['162'], ['163'], ['1 0003'], ['163'], ['162'], ['1 0000'], [undefined, undefined], ['1 0200']])
    expect(asked.map(addresses => addresses.toSorted())).toEqual([['bob@postern.test', 'carol@postern.test', 'carola@home.test', 'doerte@postern.test', 'zoe@friends.test']])
  })

  it('of somebody of whom the server knows nothing is no data', async () => {
    knows({})
    expect(await times(['bob@postern.test'])).toEqual([['1 4444']])
  })

  it.each([['unsupported', '163'], ['denied', '163'], ['unavailable', '162'], ['busy', '162']] as const)('where the server is %s has status %s', async (kind, status) => {
    Object.assign(account.collections, { freeBusy: () => Promise.reject(new Failure(kind, 'x')) })
    expect(await times(['bob@postern.test', 'anna@postern.test'])).toEqual([[status], ['1 0000']])
  })

  it.each<[string, number, string[], Readonly<Record<string, readonly Uint8Array[] | Failure>>, string]>([
    ['merges that of the members', 2, ['a@x.test', 'b@x.test'], { 'a@x.test': busy('083000Z/PT30M'), 'b@x.test': [event('DTSTART:20261207T083000Z', 'DURATION:PT90M', 'STATUS:TENTATIVE')] }, '1 0211'],
    ['is no data where one has no address', 3, ['a@x.test', 'b@x.test'], { 'a@x.test': busy(), 'b@x.test': busy() }, '1 4444'],
    ['is no data where nothing is known of one', 2, ['a@x.test', 'b@x.test'], { 'a@x.test': busy() }, '1 4444'],
    ['is for later where that of one is', 2, ['a@x.test', 'b@x.test'], { 'a@x.test': busy(), 'b@x.test': new Failure('unavailable', 'late') }, '162'],
    ['is not told where none may be known', 2, ['a@x.test', 'b@x.test'], { 'a@x.test': new Failure('denied', 'x'), 'b@x.test': new Failure('denied', 'x') }, '163'],
    ['of twenty is told', 20, Array.from({ length: 20 }, (_, n) => `m${n}@x.test`), Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`m${n}@x.test`, busy()])), '1 0000'],
    ['of twenty-one is not', 21, Array.from({ length: 21 }, (_, n) => `m${n}@x.test`), {}, '161'],
  ])('of a group %s', async (_, members, memberAddresses, answers, expected) => {
    account.directory = new MemoryDirectory([{ displayName: 'The Team', addresses: ['team@postern.test'], members, memberAddresses }])
    knows(answers)
    expect(await times(['team@postern.test'])).toEqual([[expected]])
  })
})
