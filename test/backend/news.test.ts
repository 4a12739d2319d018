import { expect, it } from 'vitest'
import { news } from '../../src/backend/news.ts'

it.each([
  ['the whole address', 'anna@postern.test', ['anna@postern.test', 'anna']],
  ['the address in other letters', 'Anna@Postern.TEST', ['anna@postern.test', 'anna']],
  ['the local part alone', 'anna', ['anna@postern.test', 'Anna@other.test', 'anna']],
  ['an address nobody of that name has', 'anna@third.test', ['anna']],
  ['another name', 'bob', []],
])('news of a user called by %s are told to who may be it', (_, user, expected) => {
  const desk = news(), told: string[] = []
  for (const login of ['anna@postern.test', 'Anna@other.test', 'anna', 'ann@postern.test']) desk.hear(login, mailbox => void told.push(`${login} ${mailbox}`))
  desk.tell(user, 'INBOX')
  expect(told).toEqual(expected.map(login => `${login} INBOX`))
})

it('news are told to all of one name, each until it hears no more', () => {
  const desk = news(), told: number[] = []
  const ends = [0, 1].map(n => desk.hear('anna', () => void told.push(n)))
  desk.tell('anna', 'INBOX')
  ends[0]!()
  ends[0]!()
  desk.tell('anna', 'INBOX')
  ends[1]!()
  desk.tell('anna', 'INBOX')
  expect(told).toEqual([0, 1, 1])
})
