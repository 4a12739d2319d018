import { describe, expect, it } from 'vitest'
import { conversationId, conversationIndex, threadTopic } from '../../../src/eas/map/conversation.ts'
import { parseHeader } from '../../../src/formats/header.ts'

const header = (...lines: string[]) => parseHeader(Buffer.from(lines.join('\r\n')))
const id = (...lines: string[]): string => Buffer.from(conversationId(header(...lines))).toString('hex')
const index = (...lines: string[]): string => Buffer.from(conversationIndex(header(...lines), new Date('2026-11-23T03:46:00Z'))).toString('hex')

it.each([
  ['Plan', 'Plan'],
  ['Re: Plan', 'Plan'],
  ['RE: re: Fwd:Plan', 'Plan'],
  ['AW: WG: Plan', 'Plan'],
  ['Re[2]: Plan', 'Plan'],
  ['SV: VS: Antw: Plan', 'Plan'],
  ['回复：转发: Plan', 'Plan'],
  ['Отв: Plan', 'Plan'],
  ['Report: Plan', 'Report: Plan'],
  ['Re', 'Re'],
  ['Re:', ''],
  ['', ''],
])('the topic of %j is %j', (subject, topic) => {
  expect(threadTopic(subject)).toBe(topic)
})

describe('a conversation', () => {
  it('has one id for all of its messages', () => {
    const first = id('Message-ID: <1@x>')
    expect(first).toMatch(/^[0-9a-f]{32}$/)
    expect(id('Message-ID: <2@x>', 'In-Reply-To: <1@x>')).toBe(first)
    expect(id('Message-ID: <3@x>', 'In-Reply-To: <2@x>', 'References: <1@x>\r\n <2@x>')).toBe(first)
    expect(id('Message-ID: <9@x>')).not.toBe(first)
  })

  it('is known by its topic where nobody wrote ids', () => {
    expect(id('Subject: Re: plan')).toBe(id('Subject: Plan'))
    expect(id('Subject: Re: plan')).not.toBe(id('Subject: another'))
  })
})

describe('the index of a conversation', () => {
  it('begins with the time it was sent', () => {
    // 2026-11-23 03:46 as FILETIME is 0x01dd7afd278f9a00 or so; its first octet and its last two are left out
    expect(index('Date: Mon, 23 Nov 2026 03:46:00 +0000')).toBe('dd7afd278f')
    expect(index('Date: unknown')).toBe('dd7afd278f')
  })

  it('has five octets more for each answer, at most twenty times', () => {
    expect(index('References: <1@x>', 'Message-ID: <2@x>').length).toBe(20)
    const third = index('References: <1@x> <2@x>', 'Message-ID: <3@x>')
    expect(third.length).toBe(30)
    expect(third.slice(0, 20)).toBe(index('References: <1@x>', 'Message-ID: <2@x>'))
    expect(index(`References: ${Array.from({ length: 90 }, (_, n) => `<${n}@x>`).join(' ')}`).length).toBe(2 * (5 + 20 * 5))
  })

  it("is Outlook's own where there is one", () => {
    const outlook = Buffer.concat([Buffer.from('01dd7afd2790', 'hex'), Buffer.alloc(16, 7), Buffer.from('0102030405', 'hex')])
    expect(index(`Thread-Index: ${outlook.toString('base64')}`)).toBe('dd7afd27900102030405')
    expect(index('Thread-Index: AAAA', 'Date: Mon, 23 Nov 2026 03:46:00 +0000')).toBe('dd7afd278f')
  })
})
