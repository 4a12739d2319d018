// What Status values mean, for people who look for a fault.

/** [MS-ASCMD] Common Status Codes: those that devices are told in practice. */
const common: Readonly<Record<string, string>> = {
  101: 'The request could not be understood.', 102: 'The request was no WBXML.', 103: 'The request did not have the form of this command.',
  108: 'The device did not say which one it is.', 109: 'The device did not say of what type it is.',
  110: 'A fault of Postern: the log says more.', 111: 'Something behind Postern is away or busy. The device tries again.',
  113: 'The mailbox is full.', 115: 'The user has sent as much as is allowed for now.', 118: 'The message was sent before, and not once more.',
  119: 'The message names nobody to send it to.', 120: 'The mail server did not take the message.', 122: 'The file is too large.',
  129: 'The device may not be here: it is blocked, wiped, or waits for a decision.', 130: 'The user may not do this.',
  132: 'The device has to begin anew.', 134: 'The device has to begin anew.', 136: 'The device has to begin anew.',
  137: 'This command is not supported.', 138: 'This version of the protocol is not allowed here.',
  139: 'The device cannot do all that its policy asks for.', 140: 'The device was told that it is to be wiped.',
  141: 'The device is too old for its policy.', 142: 'The device was sent to take its policy first.', 143: 'The policy has changed: the device was sent to take it.',
  144: 'The device was sent to take its policy anew.', 150: 'The message is gone.', 156: 'The device was sent to try again with less at once.',
  165: 'The device was sent to say what it is first.', 177: 'Too many want something now. The device tries again.',
}

/** [MS-ASCMD] Status: the sections of each command. */
const ofCommand: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Sync: {
    3: 'The device begins a folder anew.', 4: 'The request did not have the form of a Sync.', 5: 'A fault of Postern or of a server behind it.',
    8: 'The item is gone.', 9: 'The mailbox is full.', 12: 'Folders have changed: the device asks for their list.', 13: 'The device was asked to send its whole request again.',
    14: 'The device wanted to wait for longer than it may.', 15: 'The device wanted to wait for too many folders.', 16: 'A server behind Postern is away. The device tries again.',
  },
  FolderSync: { 6: 'A server behind Postern is away or at fault.', 9: 'The device asks for all folders anew.', 10: 'The request did not have the form of a FolderSync.' },
  Ping: {
    1: 'Nothing happened while the device waited.', 2: 'There is something new.', 3: 'The device was asked to say again what it waits for.', 4: 'The request did not have the form of a Ping.',
    5: 'The device was told how long it may wait.', 6: 'The device wanted to wait for too many folders.', 7: 'Folders have changed: the device asks for their list.', 8: 'A server behind Postern is away or at fault.',
  },
  MoveItems: { 1: 'What was to be moved is gone.', 2: 'The folder to move to is gone.', 3: 'Moved.', 5: 'It could not be moved.' },
}

const ofHttp: Readonly<Record<string, string>> = {
  400: 'The request could not be understood.', 401: 'The name or the password is wrong.', 403: 'The device may not be here, or may not do this.',
  413: 'The request is too large.', 449: 'The device was sent to take its policy, or to be wiped.', 451: 'The device was sent to another server.',
  500: 'A fault of Postern: the log says more.', 501: 'This command is not supported.', 503: 'Something is away or busy. The device tries again.', 507: 'The mailbox is full.',
}

/** What the status of an answer means, where there is something to say about it. `status` as the log writes it: a number, or `HTTP` and one. */
export function meaningOf(command: string, status: string): string | undefined {
  const [, http] = /^HTTP (\d+)$/.exec(status) ?? []
  if (http !== undefined) return ofHttp[http]
  return (Object.hasOwn(ofCommand, command) ? ofCommand[command]?.[status] : undefined) ?? (Object.hasOwn(common, status) ? common[status] : undefined)
}

/** Whether something did not go as it should. */
export function isTrouble(command: string, status: string): boolean {
  if (status === '' || status === '1') return command === 'MoveItems' && status === '1'
  if (command === 'Ping') return status !== '2'
  return !(command === 'MoveItems' && status === '3') && !/^HTTP [23]\d\d$/.test(status)
}
