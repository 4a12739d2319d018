// @ts-check
import { ask, askInDialog, byId, complain, el, moment, order, poll, put, said, showAll, start, tell } from './page.js'
import { guideOfThis, guides, noAddress, valuesOf } from './user-guides.js'
import { fill, nameOf, words } from './user-words.js'

/**
 * @typedef {keyof typeof words.actions} Action
 * @typedef {{
 *   readonly id: string, readonly type: string, readonly agent: string, readonly firstSeen: number, readonly lastSeen: number, readonly lastSync: number,
 *   readonly waits: boolean, readonly state: Exclude<keyof typeof words.states, 'new'>, readonly ordered: boolean, readonly may: readonly Action[],
 * }} Device
 * @typedef {{ readonly devices: readonly Device[] | null, readonly password: { readonly days: number, readonly url: string } | null, readonly setUp: import('./user-guides.js').SetUp }} Me
 */

/** How often the devices are looked at while the page is. */
const often = 5000

/** @type {{ now(): void, stop(): void } | undefined} */
let watch
let guidesAre = ''

void start(() => {
  watch?.stop()
  guidesAre = ''
  const own = guideOfThis() === 'ios' ? section('this-device', words.setUp.thisOne) : null
  byId('main', HTMLElement).replaceChildren(...[
    el('h1', {}, words.title), el('p', { id: 'password', class: 'notice', hidden: true }), own,
    section('devices', words.devices.title, el('p', { id: 'no-devices', class: 'soft' }), el('ul', { class: 'devices' })),
    section('set-up', own ? words.setUp.others : words.setUp.title),
  ].filter(one => one !== null))
  watch = poll(often, refresh)
}, words.signIn)

/** @param {string} id @param {string} title @param {...Node} content */
const section = (id, title, ...content) => el('section', { id, 'aria-labelledby': `${id}-title` }, el('h2', { id: `${id}-title` }, title), ...content)

async function refresh() {
  /** @type {Me} */
  const { devices, password, setUp } = await ask('me')
  showPassword(password)
  showDevices(devices)
  const text = JSON.stringify(setUp)
  if (text === guidesAre) return
  guidesAre = text
  showGuides(setUp)
  put(byId('site', HTMLElement), setUp.site)
}

/** @param {Me['password']} password */
function showPassword(password) {
  const notice = byId('password', HTMLElement), { other, one, zero, change } = words.passwordEnds
  notice.hidden = password === null
  if (!password) return
  const { days, url } = password
  put(notice, fill(days > 1 ? other : days === 1 ? one : zero, { days }), ' ', el('a', { href: url, rel: 'noreferrer' }, change))
}

// --- devices ----------------------------------------------------------------------------------------------------------

/** @param {Me['devices']} devices */
function showDevices(devices) {
  const list = byId('devices', HTMLElement).querySelector('ul')
  if (!list) return
  put(byId('no-devices', HTMLElement), devices === null ? words.devices.notRemembered : devices.length ? '' : words.devices.none)
  showAll(list, devices ?? [], ({ id }) => id, () => el('li', { class: 'sheet device' },
    el('div', { class: 'head' }, el('h3'), el('span')), el('p'), el('dl', { class: 'facts' }), el('div', { class: 'buttons' })), showDevice)
}

/** @param {HTMLElement} item @param {Device} device */
function showDevice(item, device) {
  const { state, lastSync, ordered } = device
  const { mark, look, text } = words.states[state === 'good' && !lastSync ? 'new' : state]
  const [title, state_, why, facts, buttons] = ['h3', 'span', 'p', 'dl', '.buttons'].map(one => item.querySelector(one))
  if (!title || !state_ || !why || !facts || !buttons) return
  put(title, said(nameOf(device)))
  put(state_, mark)
  state_.className = `mark ${look}`
  put(why, [text, ordered && state !== 'quarantine' && state !== 'blocked' && words.ordered].filter(Boolean).join(' '))
  put(facts, ...factsOf(device))
  if (buttons.getAttribute('data-may') === device.may.join(' ')) return
  buttons.setAttribute('data-may', device.may.join(' '))
  buttons.replaceChildren(...device.may.map(action => el('button', {
    type: 'button', class: action === 'wipe' ? 'risky' : undefined, 'aria-label': `${words.actions[action]}: ${nameOf(device)}`, click: () => void act(action, device),
  }, words.actions[action])))
}

/** @param {Device} device */
function factsOf({ id, agent, type, firstSeen, lastSeen, lastSync, waits }) {
  const { facts } = words
  /** @type {readonly (readonly [string, string | Node])[]} */
  const rows = [
    [facts.lastSync, lastSync ? moment(lastSync) : facts.never], [facts.lastSeen, lastSeen ? el('span', {}, moment(lastSeen), waits ? `, ${facts.waits}` : '') : facts.never],
    ...firstSeen ? [/** @type {const} */ ([facts.firstSeen, moment(firstSeen, new Date(firstSeen).toLocaleDateString())])] : [],
    ...agent || type ? [/** @type {const} */ ([facts.agent, said(agent || type)])] : [], [facts.id, said(id)],
  ]
  return rows.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])
}

/** @param {Action} action @param {Device} device */
async function act(action, device) {
  const name = nameOf(device)
  tell('')
  if (!await agreed(action, name)) return
  try {
    if (await order(`devices/${action}`, { id: device.id }) === undefined) return
    await refresh()
    tell(fill(words.done[action], { name }))
    // The button that was pressed is gone: whoever has no mouse goes on at the device.
    if (document.activeElement === document.body) focusDevice(device.id)
  } catch (error) {
    complain(error)
    watch?.now()
  }
}

/** @param {string} id */
function focusDevice(id) {
  const item = [...document.querySelectorAll('.device')].find(one => one instanceof HTMLElement && one.dataset['key'] === id)
  item?.querySelector('button')?.focus()
}

/** @param {Action} action @param {string} name */
async function agreed(action, name) {
  const { title, text, does } = words[action]
  const wipe = action === 'wipe'
  const first = await askInDialog({
    title: fill(title, { name }), text, does, danger: wipe,
    fields: wipe ? [el('label', { class: 'choice' }, el('input', { type: 'checkbox', name: 'understood', required: true }), el('span', {}, words.wipe.understood))] : [],
  })
  if (!first || !wipe) return first !== undefined
  const { again } = words.wipe
  return await askInDialog({ title: fill(again.title, { name }), text: again.text, does: again.does, danger: true }) !== undefined
}

// --- setting up -------------------------------------------------------------------------------------------------------

/** The guide for the device in front of the page comes first, on Apple's before all else. @param {Me['setUp']} setUp */
function showGuides(setUp) {
  const own = guideOfThis(), first = document.getElementById('this-device')
  const all = guides.map(guide => ({ id: guide.id, shown: showGuide(guide, setUp, own) }))
  const mine = all.filter(({ id }) => id === own).map(({ shown }) => shown), others = all.filter(({ id }) => id !== own).map(({ shown }) => shown)
  const intro = el('p', { class: 'soft' }, words.setUp.intro)
  if (first) keepTitle(first, intro, ...mine)
  keepTitle(byId('set-up', HTMLElement), ...first ? others : [intro, ...mine, ...others])
}

/** @param {HTMLElement} section @param {...Node} content */
const keepTitle = (section, ...content) => section.replaceChildren(...[section.querySelector('h2')].filter(one => one !== null), ...content)

/** @param {import('./user-guides.js').Guide} guide @param {Me['setUp']} setUp @param {string | undefined} own */
function showGuide({ id, title, parts }, setUp, own) {
  const values = valuesOf(setUp)
  return el('details', { class: 'sheet guide', id: `guide-${id}`, open: id === own },
    el('summary', {}, el('h3', {}, title)),
    el('div', { class: 'parts' }, ...parts.filter(({ when }) => when === undefined || values[when] !== undefined).map(part => showPart(part, values, setUp, own === 'ios'))))
}

/**
 * @param {import('./user-guides.js').Part} part @param {Readonly<Record<string, string>>} values @param {Me['setUp']} setUp
 * @param {boolean} onApple the device in front of the page is the one to set up
 */
function showPart({ title, profile, steps, here, facts, note }, values, { profile: path, profileUrl }, onApple) {
  return el('div', { class: 'part' },
    title && el('h4', {}, title),
    profile && path && el('div', { class: 'profile' },
      el('a', { class: 'button main', href: path }, words.profile.button),
      profileUrl && !onApple && el('figure', {}, el('img', { src: new URL('api/profile.svg', import.meta.url).href, alt: words.profile.alt, width: 220, height: 220 }), el('figcaption', {}, words.profile.caption))),
    steps && el('ol', {}, ...(onApple && here || steps).map(step => el('li', {}, ...filled(step, values)))),
    facts && el('dl', { class: 'facts' }, ...facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, ...filled(value, values))])),
    note && el('p', { class: 'soft' }, ...filled(note, values)))
}

/** Words with what is filled in set apart, so that it can be copied. @param {string} text @param {Readonly<Record<string, string>>} values */
const filled = (text, values) => text.split(/\{(\w+)\}/).map((piece, n) => {
  if (n % 2 === 0) return piece
  const value = values[piece]
  return value === undefined ? piece === 'address' ? noAddress : '' : el('code', {}, value)
})
