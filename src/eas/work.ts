import type { Work } from '../base/load.ts'
import { child, children, text, type Element } from '../wire/wbxml.ts'

/** [MS-ASCMD] Commands, as what they are to a process that has too much to do. What is not named is light. */
const works: Readonly<Record<string, Work>> = {
  Ping: 'wait',
  Search: 'heavy', Find: 'heavy', GetAttachment: 'heavy', ItemOperations: 'heavy',
  SendMail: 'send', SmartReply: 'send', SmartForward: 'send', MeetingResponse: 'send',
}

export const workOf = (command: string): Work => (Object.hasOwn(works, command) ? works[command] : undefined) ?? 'light'

/** What a request turns out to be when it was read: heavy where it asks for all of a folder. A Sync that waits is asked when it does. */
export function workOfBody(command: string, body: Element | undefined): Work {
  const list = command === 'Sync' && body ? child(body, 'AirSync:Collections') : undefined
  const first = list && children(list, 'AirSync:Collection').some(one => text(one, 'AirSync:SyncKey') === '0')
  return first ? 'heavy' : workOf(command)
}
