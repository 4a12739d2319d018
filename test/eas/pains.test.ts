// What people have reported for years of Exchange ActiveSync in front of IMAP, as far as it concerns mail: the test that shows that it
// does not happen here, or the reason why it cannot.
import { describe, expect, it } from 'vitest'
import { isThere, type NamedTest } from '../support/named-tests.ts'

type Pain = { readonly pain: string } & ({ readonly tests: readonly NamedTest[] } | { readonly reason: string })

const pains: readonly Pain[] = [
  { pain: 'Push eats all workers; webmail and DAV freeze', tests: [
    ['live/commands.test.ts', 'watches many folders for many devices over few connections'],
    ['backend/imap-watch.test.ts', 'is one connection for all who watch, and ends some time after the last'],
  ] },
  { pain: 'Waits go on after the phone has left, or two requests in one second are not told apart', tests: [
    ['eas/ping.test.ts', 'no longer when the socket closes'], ['eas/ping.test.ts', 'when the device asks anew, and the new one goes on waiting'],
    ['eas/sync.test.ts', 'ends when the same device asks again, and when its socket closes'],
  ] },
  { pain: 'A sync takes more and more memory', tests: [
    ['live/bad-input.test.ts', 'survives 20,000 mutated requests, with its memory where it was'],
    ['eas/item-operations.test.ts', 'of a whole large message, which flows through'],
  ] },
  { pain: 'A big folder never ends: the same 512 items again and again', tests: [
    ['eas/sync.test.ts', 'comes in windows, newest first, and new mail before the backlog'],
    ['eas/sync.test.ts', 'costs nothing when memory is lost as well: the same key brings the same items, and the same wish is done once'],
  ] },
  { pain: 'The state is lost or unreadable after an upgrade', reason: 'there is none but the key, which says its own version and is sealed: one of another kind begins the folder anew' },
  { pain: 'Gmail asks for the hierarchy with key 0, and all mail loads again', tests: [
    ['eas/quirks.test.ts', 'FolderSync with key 0 leaves items and their keys as they are'],
  ] },
  { pain: 'Outlook asks for the hierarchy without end', tests: [
    ['eas/folders.test.ts', 'with key 0 tells the whole hierarchy, special folders by their types, parents before children'],
    ['eas/folders.test.ts', 'needs no memory while nothing changes, and starts again without it when something did'],
  ] },
  { pain: 'A build of a client takes no version above another', tests: [['eas/rules.test.ts', 'is what OPTIONS offers and what requests may be of']] },
  { pain: 'All users of an app come from the addresses of its maker and are locked out together', tests: [
    ['backend/credentials.test.ts', 'has a user wait who is being guessed, but not their devices that were right before'],
  ] },
  { pain: 'Gmail drops an answer after 30 seconds of silence', tests: [['http/server.test.ts', 'starts before it is complete, and comes piece by piece']] },
  { pain: 'Gmail keeps mail cut for ever', tests: [['eas/quirks.test.ts', 'a body as long as the size asked for is not cut']] },
  { pain: 'Mail is there twice after it was moved', tests: [['eas/move-items.test.ts', 'moves, says the new id, and neither folder tells this phone of it']] },
  { pain: 'Samsung gets every mail two or three times', tests: [
    ['eas/sync-request.test.ts', 'are those for mail when a client sends a block for SMS as well, in either order'],
  ] },
  { pain: 'One poisoned item holds back a folder for ever', tests: [
    ['eas/items.test.ts', 'that break the code that reads them are items that say so'],
    ['eas/items.test.ts', 'that the server does not hand out say so, and the folder goes on'],
  ] },
  { pain: 'Keys do not match on bad networks, items come twice', tests: [
    ['eas/sync.test.ts', 'is repeated to the octet'],
    ['eas/sync.test.ts', 'costs nothing when memory is lost as well: the same key brings the same items, and the same wish is done once'],
  ] },
  { pain: 'An account resets where Drafts or Outbox is missing', tests: [
    ['backend/imap-folders.test.ts', 'makes the special ones that are missing, once, and subscribes them'],
  ] },
  { pain: 'An error of the mail server looks like an empty folder', tests: [
    ['live/outage.test.ts', 'is given up after a while, and its silence is no empty folder'],
    ['eas/sync.test.ts', 'that cannot reach the mail server is told to try again, and nothing is deleted'],
  ] },
  { pain: 'iOS shows an empty mailbox because the state of a device is broken', reason: 'there is no state of a device; a key that cannot be read begins one folder anew' },
  { pain: 'Two accounts on one phone mix up', tests: [['eas/provision.test.ts', 'keys belong to a policy, an account and a device']] },
  { pain: 'Trash, Drafts or Junk is not found, and deleting fails', tests: [
    ['backend/imap-folders.test.ts', 'knows special folders by their names in many languages, and by the configuration'],
  ] },
  { pain: 'Folders double', tests: [['eas/folders.test.ts', 'are not told to the phone that made them, but to the others']] },
  { pain: 'A folder that was renamed is not followed', tests: [
    ['backend/imap-folders.test.ts', 'makes, renames, moves and deletes folders of any name, the id staying'],
    ['live/commands.test.ts', 'changed by another client are told, whoever answers'],
  ] },
  { pain: 'Mail with a calendar part breaks the sync', tests: [['eas/items.test.ts', 'that break the code that reads them are items that say so']] },
  { pain: 'Forwarding loses files or breaks text', reason: 'the original is spliced in as its octets are, and nothing of it is taken apart' },
  { pain: 'S/MIME stops the sync or its signature breaks', tests: [['eas/map/body.test.ts', 'is the message as it is, to the octet']] },
  { pain: 'App passwords are refused', reason: 'the password is tried at the IMAP server and nowhere else, and the same is used for SMTP' },
  { pain: 'The sender is wrong, or a phone cannot send', tests: [
    ['live/commands.test.ts', 'sends as nobody else'], ['eas/settings.test.ts', 'tells version %s an account, whose primary address has no id'],
  ] },
  { pain: 'An account cannot be added because a policy is half filled', tests: [
    ['eas/provision.test.ts', 'all settings are sent in order, the wanted ones with their values'],
    ['eas/provision.test.ts', 'no phone is asked, and one that asks hears that there is none'],
  ] },
  { pain: 'Provisioning goes round and round', tests: [
    ['eas/provision.test.ts', 'a phone gets in by two phases, in either form of the query, whatever the process remembers'],
    ['eas/versions.test.ts', 'is asked for by HTTP 449 and taken in two phases, in version %s'],
  ] },
  { pain: 'Invitations go out twice, or not at all', tests: [
    ['live/organizer.test.ts', 'invites once, though the answer got lost and the server was started anew'], ['live/organizer.test.ts', 'is mailed by the phone alone'],
    ['live/organizer.test.ts', 'nothing is mailed besides'], ['live/organizer.test.ts', 'is not made while nobody can be told'],
  ] },
  { pain: 'Accepting goes round and round with HTTP 500, as the event is not on the server', tests: [
    ['live/meetings.test.ts', 'becomes an event that keeps all it said'], ['live/meetings.test.ts', 'to nothing that can be answered has a status of its own'],
  ] },
]

describe('a pain of old', () => {
  it.each(pains.map(one => [one.pain, one] as const))('%s', (_, one) => {
    if ('reason' in one) expect(one.reason.length).toBeGreaterThan(40)
    else expect(one.tests.filter(test => !isThere(test))).toEqual([])
  })
})
