// @ts-check
// Every sentence of the users' page but for the set-up steps (user-guides.js) and for what both pages say (page.js). {name} and its like are filled in.

export const words = {
  title: 'Your mail on your devices',
  signIn: { title: 'Your mail on your devices', intro: 'Sign in as for your mail. You will see your devices, and how to set up another one.', name: 'E-mail address or user name', password: 'Mail password' },
  passwordEnds: { other: 'Your password ends in {days} days.', one: 'Your password ends tomorrow.', zero: 'Your password ends today.', change: 'Change it' },
  devices: {
    title: 'Your devices',
    none: 'No device has synchronised with your mailbox yet. Below is how to set one up.',
    notRemembered: 'This site does not remember devices, so none are listed here. Below is how to set one up.',
  },
  facts: { lastSync: 'Synchronised', lastSeen: 'Last seen', firstSeen: 'First seen', agent: 'Calls itself', id: 'Device ID', never: 'not yet', waits: 'connected, waits for news' },
  unknown: 'A device without a name',
  actions: { remove: 'Remove', allow: 'Allow again', wipe: 'Erase everything', cancel: 'Do not erase' },
  done: {
    remove: '{name} is removed.', allow: '{name} may synchronise again.', wipe: '{name} will be erased when it connects next.', cancel: '{name} will not be erased.',
  },
  remove: {
    title: 'Remove {name}?',
    text: [
      'It gets nothing more from your mailbox until you allow it again here. If it can (ActiveSync 16.1), it also deletes its copy of your mail, calendars and contacts when it connects next. Nothing is lost on the server, and nothing else on the device is touched.',
      'Is it lost or stolen? Change your password too: whoever knows it can set up another device.',
    ],
    does: 'Remove',
  },
  allow: {
    title: 'Allow {name} again?',
    text: ['It may synchronise again, as far as your administrator has nothing against it. A device whose copy was deleted may have to be set up anew.'],
    does: 'Allow again',
  },
  wipe: {
    title: '{name}: erase everything?',
    text: [
      'When it connects next, it is told to erase itself: photos, messages, apps, everything on it, as when it was new. Some mail programs (Outlook, Gmail without such rights) delete only their own data. What is on the server stays there.',
      'You can take this back only until the device has been told. Afterwards it gets nothing from your mailbox until you allow it again.',
      'Do this for a lost or stolen device, and change your password too. If you only do not use it any more, remove it instead.',
    ],
    understood: 'I know that everything on the device will be gone.',
    does: 'Go on',
    again: { title: '{name}: really erase everything?', text: ['This is the last question. Everything on the device will be deleted.'], does: 'Erase everything' },
  },
  cancel: { title: 'Do not erase {name}?', text: ['It has not been told yet, and will not be.'], does: 'Do not erase' },
  /** In a few words, how it looks, and a sentence for those that need one. `ordered`: where an administrator did it. */
  states: {
    good: { mark: 'Synchronises', look: 'good', text: '' },
    new: { mark: 'Not synchronised yet', look: '', text: '' },
    quarantine: { mark: 'Waits to be allowed', look: 'warn', text: 'It gets nothing until an administrator allows it. If it is not yours, change your password: somebody knows it.' },
    blocked: { mark: 'Blocked', look: 'bad', text: 'It may not synchronise here. Ask your administrator.' },
    removed: { mark: 'Removed', look: 'warn', text: 'It gets nothing until you allow it again.' },
    deleting: { mark: 'Removed', look: 'warn', text: 'It will delete its copy of your mailbox when it connects next.' },
    deleted: { mark: 'Removed', look: 'warn', text: 'It has deleted its copy of your mailbox, and gets nothing until you allow it again.' },
    erasing: { mark: 'To be erased', look: 'bad', text: 'It will be told to erase itself when it connects next.' },
    told: { mark: 'Told to erase itself', look: 'bad', text: 'It was told to erase itself and has not said yet that it did.' },
    failed: { mark: 'Not erased', look: 'bad', text: 'It said that it could not erase itself. It gets nothing more from your mailbox.' },
    erased: { mark: 'Erased', look: 'bad', text: 'It has erased itself.' },
  },
  ordered: 'An administrator ordered this.',
  setUp: { title: 'Set up a device', intro: 'What to type is filled in for you. The password is always that of your mail.', thisOne: 'Set up this device', others: 'Set up another device' },
  profile: { button: 'Download the profile', caption: 'Or scan this with the camera of the iPhone or iPad.', alt: 'QR code that leads to the profile' },
  noScript: 'This page needs JavaScript.',
}

/** What programs are called, by what they call themselves: the first row that fits. $1 is what the pattern found. */
export const programs = /** @type {const} */ ([
  [/^Outlook-iOS-Android/i, 'Outlook app'], [/^Outlook-iOS/i, 'Outlook on an iPhone or iPad'], [/^Outlook-Android/i, 'Outlook on Android'], [/^Outlook$/i, 'Outlook app'],
  [/^(?:WindowsOutlook|Microsoft\.Outlook|Outlook\/)/i, 'Outlook on Windows'], [/^Android-Mail\//i, 'Gmail on Android'],
  [/^SAMSUNG-?([\w-]{2,20})/i, 'Samsung ($1)'], [/^SAMSUNG/i, 'Samsung'], [/^(?:Nine|9Folders)/i, 'Nine on Android'],
  [/^(?:Apple-)?iPhone/i, 'iPhone'], [/^(?:Apple-)?iPad/i, 'iPad'], [/^(?:Apple-)?iPod/i, 'iPod touch'],
  [/^(?:MSFT-WIN-|WindowsMail|Windows ?8|UniversalOutlook)/i, 'Windows Mail'], [/^(?:MSFT-WP|WP8|WP\/|WindowsPhone)/i, 'Windows Phone'],
  [/^(?:BB10|RIM|BlackBerry)/i, 'BlackBerry'], [/^Evolution/i, 'Evolution'], [/^TouchDown/i, 'TouchDown'],
])

/** @param {string} text @param {Readonly<Record<string, string | number>>} values */
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => Object.hasOwn(values, name) ? String(values[name]) : whole)

/** What to call a device before its user. @param {{ readonly type: string, readonly agent: string }} device */
export function nameOf({ type, agent }) {
  for (const said of [agent, type]) {
    for (const [pattern, name] of programs) {
      const found = pattern.exec(said)
      if (found) return name.replace('$1', () => found[1] ?? '')
    }
  }
  // It stands in sentences: signs that end lines or turn their direction are left out.
  const [own] = [type, agent].map(said => said.replace(/[\p{C}\p{Z}]+/gu, ' ').trim()).filter(Boolean)
  return own?.slice(0, 60) ?? words.unknown
}
