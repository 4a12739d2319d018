// @ts-check
// How to set up each kind of device, with the words its menus had in November 2026. {address}, {user} and the like are filled in with the user's own.

/**
 * @typedef {{ readonly title?: string, readonly when?: string, readonly profile?: boolean, readonly steps?: readonly string[], readonly here?: readonly string[], readonly facts?: readonly (readonly [string, string])[], readonly note?: string }} Part
 *   `when` names a value without which the part is left out; `profile` puts the button and the code for Apple's profile there; `here` are the steps
 *   where the page is on the device that is to be set up.
 * @typedef {{ readonly id: string, readonly title: string, readonly parts: readonly Part[] }} Guide
 */

/** @type {readonly (readonly [string, string])[]} */
const activeSync = [['E-mail', '{address}'], ['User name', '{user}'], ['Domain', '(leave it empty)'], ['Server', '{host}'], ['Port', '{port}'], ['Security', 'SSL/TLS']]

/** @type {readonly (readonly [string, string])[]} */
const mailServers = [
  ['User name', '{login}'], ['Incoming (IMAP)', '{imapHost}'], ['Port', '{imapPort}, {imapSecurity}'], ['Outgoing (SMTP)', '{smtpHost}'], ['Port', '{smtpPort}, {smtpSecurity}'],
]

/** @type {readonly (readonly [string, string])[]} */
const davServer = [['User name', '{davLogin}'], ['CalDAV and CardDAV', '{davUrl}']]

const installed = [
  'Open Settings. Tap Profile Downloaded near the top (or General > VPN & Device Management), within 8 minutes.',
  'Tap Install and give the passcode of the device, then your mail password.',
]

const noImap = { when: 'noImap', note: 'This site has not made public where its IMAP server is. Ask your administrator.' }

/** @type {readonly Guide[]} */
export const guides = [
  {
    id: 'ios', title: 'iPhone and iPad', parts: [
      {
        title: 'With a profile', when: 'profile', profile: true, steps: [
          'Scan the code with the camera of the iPhone or iPad and open the link in Safari, or open this page there and tap the button. Tap Allow.', ...installed,
        ], here: ['Tap the button, then Allow.', ...installed],
      },
      { when: 'unsigned', note: 'The device will say that the profile is not signed. That is so here; it holds no password.' },
      {
        title: 'By hand', steps: [
          'Settings > Apps > Mail > Mail Accounts > Add Account > Microsoft Exchange. (Up to iOS 17: Settings > Mail > Accounts > Add Account.)',
          'Type {address} and tap Next. Choose Configure Manually, not Sign In.',
          'Type your mail password and tap Next. If it asks for more, it is what stands here.',
          'Choose what to synchronise and tap Save.',
        ], facts: activeSync,
      },
    ],
  },
  {
    id: 'android', title: 'Android', parts: [
      {
        title: 'Gmail', steps: [
          'Gmail: tap your picture at the top > Add another account > Exchange and Office 365.',
          'Type {address}, then tap Next (or Manual setup, if a sign-in page of Microsoft appears), and type your mail password.',
          'If it asks for the server, type what stands below. Let it use the calendar and contacts when it asks.',
        ],
      },
      {
        title: 'Samsung Email', steps: [
          'Email: menu > settings > Add account. Type {address} and your mail password, and tap Manual setup > Microsoft Exchange ActiveSync.',
          'Type the server from below. Secure connection (SSL) stays on.',
        ],
      },
      { title: 'Nine and other programs', steps: ['Add an account of the kind Exchange or ActiveSync, with what stands here.'], facts: activeSync },
    ],
  },
  {
    id: 'outlook-app', title: 'Outlook on a phone', parts: [
      {
        steps: [
          'Outlook: tap your picture > settings > Add account. Type {address}.',
          'If it takes you for somebody of Microsoft 365 or IMAP, change the provider to Exchange.',
          'Type your mail password, open the advanced settings, and type what stands here.',
        ], facts: activeSync,
        note: 'This program does not connect by itself: servers of Microsoft fetch your mail with your password and keep a copy. With the mail program of the phone nobody stands in between.',
      },
    ],
  },
  {
    id: 'outlook-windows', title: 'Outlook on Windows', parts: [
      {
        title: 'Mail', when: 'imapHost', steps: [
          'File > Add Account. Type {address} and choose Connect; Outlook finds the servers.',
          'Type your mail password. If the servers are not found, choose Advanced options > Let me set up my account manually > IMAP.',
        ], facts: mailServers,
      },
      noImap,
      {
        title: 'What does not work', note: 'This way, Outlook has your mail, but not your calendars, contacts and tasks, for it knows neither CalDAV nor CardDAV, and Exchange accounts of Outlook are not served here yet. Classic Outlook can have them as an account of the kind Exchange ActiveSync, where it offers that: Control Panel > Mail > Email Accounts > New > Manual setup, with {host} as server and {user} as user name. The new Outlook cannot, and has your mail fetched by servers of Microsoft.',
      },
    ],
  },
  {
    id: 'thunderbird', title: 'Thunderbird', parts: [
      {
        title: 'Mail', when: 'imapHost', steps: [
          'Menu > New Account > Email. Type your name and {address}, and choose Continue; Thunderbird finds the servers.',
          'Type your mail password. If calendars and address books are offered, choose Connect for those you want.',
        ], facts: mailServers,
      },
      noImap,
      {
        title: 'Calendars and contacts by hand', when: 'davUrl', steps: [
          'Calendar > New Calendar > On the Network. Type the user name and the address from here, and choose Find Calendars.',
          'Address Book > New Address Book > Add CardDAV Address Book. Type the same.',
        ], facts: davServer,
      },
    ],
  },
  {
    id: 'mac', title: 'Mac', parts: [
      {
        title: 'Mail', when: 'imapHost', steps: [
          'System Settings > Internet Accounts > Add Account > Add Other Account > Mail account. Do not choose Microsoft Exchange: a Mac speaks another protocol there, which is not served here.',
          'Type your name, {address} and your mail password, and what stands here where it asks.',
        ], facts: mailServers,
      },
      noImap,
      {
        title: 'Calendars and contacts', when: 'davUrl', steps: [
          'Add Account > Add Other Account > CalDAV account. As account type choose Manual, and type what stands here.', 'The same once more with CardDAV account.',
        ], facts: davServer,
      },
      { note: 'The profile for the iPhone does not fit a Mac.', when: 'profile' },
    ],
  },
]

/** What the kind of device in front of the page is called in `guides`; undefined for one that has no guide of its own. */
export function guideOfThis({ userAgent, maxTouchPoints } = navigator) {
  // An iPad says that it is a Mac, which has no screen to touch.
  if (/\b(iPhone|iPad|iPod)\b/.test(userAgent) || (/\bMacintosh\b/.test(userAgent) && maxTouchPoints > 1)) return 'ios'
  if (/\bAndroid\b/.test(userAgent)) return 'android'
  return /\bMacintosh\b/.test(userAgent) ? 'mac' : undefined
}

/** @typedef {{ readonly host: string, readonly port: number, readonly security: 'tls' | 'starttls' }} Server */
/**
 * @typedef {{
 *   readonly site: string, readonly address: string | null, readonly user: string, readonly login: string, readonly host: string, readonly port: number, readonly signed: boolean,
 *   readonly profile?: string, readonly profileUrl?: string, readonly imap?: Server, readonly smtp?: Server, readonly dav?: { readonly url: string, readonly login: string },
 * }} SetUp
 */

/** What is filled in. @param {SetUp} setUp @returns {Readonly<Record<string, string>>} */
export function valuesOf({ address, user, login, host, port, signed, profile, imap, smtp, dav }) {
  /** @type {Record<Server['security'], string>} */
  const names = { tls: 'SSL/TLS', starttls: 'STARTTLS' }
  return {
    user, login, host, port: String(port), ...(address === null ? {} : { address }), ...(profile ? { profile } : {}), ...(profile && !signed ? { unsigned: 'yes' } : {}),
    ...(imap && smtp
      ? { imapHost: imap.host, imapPort: String(imap.port), imapSecurity: names[imap.security], smtpHost: smtp.host, smtpPort: String(smtp.port), smtpSecurity: names[smtp.security] }
      : { noImap: 'yes' }),
    ...(dav ? { davUrl: dav.url, davLogin: dav.login } : {}),
  }
}

/** Stands for an address that nobody knows. */
export const noAddress = 'your e-mail address'
