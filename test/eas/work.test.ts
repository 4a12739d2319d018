import { expect, it } from 'vitest'
import { workOf, workOfBody } from '../../src/eas/work.ts'
import { decode, el, encodeSync } from '../../src/wire/wbxml.ts'

const sync = (...keys: string[]) => el('AirSync:Sync', [el('AirSync:Collections', keys.map(key =>
  el('AirSync:Collection', [el('AirSync:SyncKey', key), el('AirSync:CollectionId', '2')])))])

it.each([
  ['Ping', 'wait'], ['Search', 'heavy'], ['Find', 'heavy'], ['ItemOperations', 'heavy'], ['GetAttachment', 'heavy'],
  ['Sync', 'light'], ['FolderSync', 'light'], ['MoveItems', 'light'], ['Provision', 'light'], ['constructor', 'light'],
  ['SendMail', 'send'], ['SmartReply', 'send'], ['SmartForward', 'send'], ['MeetingResponse', 'send'],
])('%s is %s', (command, work) => {
  expect(workOf(command)).toBe(work)
  expect(workOfBody(command, undefined)).toBe(work)
})

it.each([
  ['one that begins', sync('0'), 'heavy'],
  ['one that begins with one of its folders', sync('AbC', '0'), 'heavy'],
  ['one that goes on', sync('AbC'), 'light'],
  ['one without folders', el('AirSync:Sync', []), 'light'],
])('a Sync, %s', (_, body, work) => expect(workOfBody('Sync', decode(encodeSync(body)))).toBe(work))
