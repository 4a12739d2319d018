import { mark, type Markup } from '../wire/xml-write.ts'
import { addressThere, baseOf, displayNameOf, domainOf, easPath, primaryOf, type Ask } from './house.ts'
import { response, type Schema } from './pox-answer.ts'

const space = 'http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006'

/** [MS-ASCMD] Autodiscover MobileSync Namespace Schema. */
export const mobileSync: Schema = {
  name: 'mobilesync',
  async settings(ask, address, stores) {
    const primary = primaryOf(stores.person, address)
    return answer(primary, await displayNameOf(ask, stores, primary), server(`${baseOf(ask, domainOf(address))}${easPath}`))
  },
  // With the address of the other place clients begin anew there; else they go straight to it.
  elsewhere(_, address, to) {
    const there = addressThere(to, address)
    return answer(address, undefined, there === undefined ? server(to.url) : mark('Redirect', there))
  },
  notYours: (ask: Ask, address) => answer(address, undefined, mark('Error', [
    mark('Status', '2'), mark('Message', 'This is not an address of the user'), mark('DebugData', ask.visit.id),
  ])),
}

const answer = (address: string, name: string | undefined, action: Markup): Markup => response(space, [
  mark('Culture', 'en:us'),
  mark('User', [...(name === undefined ? [] : [mark('DisplayName', name)]), mark('EMailAddress', address)]),
  mark('Action', [action]),
])

const server = (url: string): Markup =>
  mark('Settings', [mark('Server', [mark('Type', 'MobileSync'), mark('Url', url), mark('Name', url)])])
