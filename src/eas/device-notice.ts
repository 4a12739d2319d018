import { randomUUID } from 'node:crypto'
import { encodeWords } from '../formats/encoded-words.ts'
import { printMailbox } from '../formats/mime-write.ts'
import { encodeText } from '../formats/transfer-write.ts'
import type { Stores } from '../model/ports.ts'
import type { EasRequest } from './request.ts'

/**
 * A mail from the user to the user, with the user's own rights: it needs no other account, no server takes it for a forgery, and it is where
 * a user looks who wonders why the phone stays empty. Throws as `Submission.send` does.
 */
export async function tellOfQuarantine({ submission, person }: Stores, { deviceId, deviceType, userAgent }: EasRequest, more = ''): Promise<void> {
  const [address = ''] = person.addresses
  const mailbox = printMailbox({ address, ...(person.displayName ? { name: person.displayName } : {}) })
  const { encoding, octets } = encodeText([
    'A device wants to synchronise with this mailbox and is not allowed to yet:', '',
    `  ${shown(deviceType)} (${shown(userAgent ?? 'no name')})`, `  Device ID: ${shown(deviceId)}`, '',
    'It gets nothing until an administrator allows it. If this device is not yours, change your password: somebody knows it.',
    ...(more ? ['', more] : []), '',
  ].join('\r\n'))
  const head = [
    `From: ${mailbox}`, `To: ${mailbox}`, `Subject: ${encodeWords('A new device waits to be allowed')}`, `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${randomUUID()}@${address.slice(address.lastIndexOf('@') + 1)}>`, 'Auto-Submitted: auto-generated', 'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8', `Content-Transfer-Encoding: ${encoding}`, '', '',
  ].join('\r\n')
  await submission.send(address, [address], Buffer.concat([Buffer.from(head), octets]))
}

const shown = (said: string): string => said.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ').slice(0, 100)
