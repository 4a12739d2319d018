import { baseFor } from './autodiscover/house.ts'
import { profilePath } from './autodiscover/mobileconfig.ts'
import type { Backend } from './backend/connect.ts'
import { publicServers } from './backend/public-servers.ts'
import type { DeviceStore } from './base/devices.ts'
import type { Front } from './base/front.ts'
import type { Log } from './base/log.ts'
import type { Shared } from './base/shared.ts'
import type { Config } from './config.ts'
import { accessOf, daysLeft, redirectOf } from './eas/rules.ts'
import type { Open } from './model/ports.ts'
import { sessions } from './pages/session.ts'
import { userPage, type UserPageSettings } from './pages/user-page.ts'

type Parts = { readonly open: Open; readonly devices: DeviceStore | undefined; readonly shared: Shared; readonly log: Log; readonly now?: () => Date }

type Site = Pick<Config, 'eas' | 'autodiscover'> & { readonly page: UserPageSettings; readonly mailHosts: readonly Backend[] }

/** The users' page of a site. */
export function userFront({ page, eas, autodiscover, mailHosts }: Site, { open, devices, shared, log, now = () => new Date() }: Parts): Front {
  return userPage({
    settings: page, sessions: sessions('user', { secret: eas.secret, shared }), open, serversOf: publicServers(mailHosts), devices, log,
    rule: names => ({ type, agent, id }) => accessOf(eas, { userAgent: agent, deviceId: id, deviceType: type }, { names: names.map(name => name.toLowerCase()), groups: undefined }),
    elsewhere: name => redirectOf(eas, name),
    expiry: names => {
      const days = daysLeft(eas, names, now())
      return days === undefined ? undefined : { days, url: eas.passwords!.url }
    },
    site: {
      name: autodiscover?.name, signed: autodiscover?.signer !== undefined,
      url: (domain, { origin }) => baseFor(autodiscover?.url, origin.host, domain),
      profile: autodiscover?.mobileconfig ? profilePath : undefined,
    },
  })
}
