// @ts-check
// What is known of a device, in words.
import { agoOf, askInDialog, el, moment, said } from './page.js'

/**
 * As src/base/devices.ts and src/pages/device-view.ts have them.
 * @typedef {{ at: number, by: string }} Decided
 * @typedef {{
 *   decision?: Decided & { access: 'allow' | 'block' }, removed?: Decided, pending?: { at: number, told: boolean }, resync?: Record<string, number>,
 *   wipe?: Decided & { kind: 'full' | 'account', state: 'ordered' | 'told' | 'failed' | 'done', changed: number }, trace?: { until: number, by: string },
 * }} Orders
 * @typedef {{ at: number, command: string, status: string, trouble: boolean, meaning?: string }} Spoken
 * @typedef {{
 *   user: string, id: string, type: string, agent: string, version: string, lastSeen: number, lastSync: number, folders: number, waits: boolean,
 *   orders: Orders, last?: Spoken, troubles: number,
 * }} Row
 * @typedef {Row & { firstSeen: number, known: boolean, statuses: Spoken[], resyncs: [at: number, why: string][], synced: [at: number, collection: string][] }} Device
 */

/** @param {{ user: string, id: string }} device */
export const pathOf = ({ user, id }) => `devices/${encodeURIComponent(user)}/${encodeURIComponent(id)}`
/** @param {{ user: string, id: string }} device */
export const linkTo = ({ user, id }) => `#/device/${encodeURIComponent(user)}/${encodeURIComponent(id)}`

/** @param {Orders} orders */
export const isUndecided = ({ pending, decision }) => pending !== undefined && decision === undefined
/** @param {Orders} orders */
export const isTraced = ({ trace }) => trace !== undefined && trace.until > Date.now()

/** The state of a device in few words. @param {Row} device @returns {HTMLElement[]} */
export function marksOf({ orders, waits, troubles }) {
  const { wipe, decision, removed, resync } = orders
  /** @type {(readonly [string, string] | false | undefined)[]} */
  const words = [
    wipe && [wipe.state === 'done' ? 'wiped' : `${wipe.kind === 'account' ? 'account ' : ''}wipe ${wipe.state}`, 'bad'],
    decision && (decision.access === 'block' ? ['blocked', 'bad'] : ['allowed', 'good']),
    removed && ['removed by its user', 'warn'],
    isUndecided(orders) && ['wants to be let in', 'warn'],
    resync && [`${Object.keys(resync).length} to begin anew`, 'warn'],
    isTraced(orders) && ['traced', 'warn'],
    waits && ['waits for news', 'good'],
    troubles > 0 && [troubles === 1 ? '1 error' : `${troubles} errors`, 'warn'],
  ]
  return words.filter(one => one !== undefined && one !== false).map(([text, kind]) => el('span', { class: `mark ${kind}` }, text))
}

/** What is ordered for a device, in sentences. @param {Device} device @returns {HTMLElement[]} */
export function sentencesOf({ orders, version }) {
  const { wipe, decision, removed, pending, resync, trace } = orders
  /** @type {HTMLElement[]} */
  const all = []
  /** @param {...(string | Node)} words */
  const add = (...words) => { all.push(el('li', {}, ...words)) }
  if (wipe) {
    const what = wipe.kind === 'account' ? 'this account on it' : 'all of it'
    add('A wipe of ', what, ' was ordered by ', said(wipe.by), ' ', moment(wipe.at), '. ', {
      ordered: 'It hears of that when it asks for something next. Until then it can be taken back.',
      told: `It was told ${agoOf(wipe.changed)}, and has not said yet that it is done.`,
      failed: `It said ${agoOf(wipe.changed)} that it could not.`,
      done: `It said ${agoOf(wipe.changed)} that it is done. Nothing more of it is let in until it is allowed again.`,
    }[wipe.state])
    if (wipe.kind === 'account' && version !== '' && version !== '16.1') add(`It speaks version ${version}, which knows no wipe of an account: it is only kept out.`)
  }
  if (removed) add('Its user removed it ', moment(removed.at), '; allowing it lets it in again.')
  if (decision) add(decision.access === 'block' ? 'Blocked by ' : 'Allowed by ', said(decision.by), ' ', moment(decision.at), '.')
  else if (pending) add('It wants to be let in since ', moment(pending.at), pending.told ? ', and its user was told by mail.' : '. Its user could not be told.')
  for (const [collection, at] of Object.entries(resync ?? {})) add('Begins anew: ', said(collection), ', ordered ', moment(at), '.')
  if (trace && isTraced(orders)) add('Traced for ', said(trace.by), ' until ', moment(trace.until, new Date(trace.until).toLocaleTimeString()), '.')
  return all
}

/** How a request ended. @param {Spoken} spoken @returns {HTMLElement} */
export const outcomeOf = ({ status, trouble, meaning }) => el('span', { class: 'outcome' },
  el('span', {}, trouble ? el('span', { class: 'mark warn' }, said(status || 'error')) : said(status === '' || status === '1' ? 'ok' : status)),
  meaning && el('small', {}, meaning))

// --- what is asked before something is done ---------------------------------------------------------------------------

/** @param {Row} device */
const nameOf = ({ type, id, user }) => [said(`${type || 'device'} ${id}`), ' of ', said(user)]

/** @param {Row} device */
export const askToBlock = device => askInDialog({
  title: 'Block this device?', danger: true, does: 'Block it',
  text: [el('p', {}, ...nameOf(device), ' gets nothing more from this server, and cannot send.'), 'What it has by now stays on it. You can allow it again at any time.'],
})

/** Twice: what, and then whether really. @param {Row} device @returns {Promise<{ accountOnly: boolean } | undefined>} */
export async function askToWipe(device) {
  const able = device.version === '16.1' || device.version === ''
  /** @param {string} value @param {boolean} checked @param {boolean} disabled @param {string} label @param {string} more */
  const choice = (value, checked, disabled, label, more) =>
    el('label', { class: 'choice' }, el('input', { type: 'radio', name: 'kind', value, checked, disabled, required: true }), label, el('small', {}, more))
  const values = await askInDialog({
    title: 'Wipe what?', does: 'Go on', text: [el('p', {}, 'On ', ...nameOf(device), ':')],
    fields: [el('fieldset', {}, el('legend', { class: 'unseen' }, 'What is wiped'),
      choice('account', able, !able, 'This account alone', able
        ? 'Its mail, calendars and contacts from this server are deleted. All else on the device stays.' : `It speaks version ${device.version}; only 16.1 can do that. Blocking it is the gentle way.`),
      choice('full', false, false, 'The whole device', 'Everything on it is deleted, private pictures and other accounts too. It is as when it was new.'))],
  })
  if (!values) return undefined
  const accountOnly = values.get('kind') === 'account'
  const sure = await askInDialog({
    title: accountOnly ? 'Wipe this account?' : 'Wipe the whole device?', danger: true, does: accountOnly ? 'Wipe the account' : 'Wipe everything',
    text: [
      el('p', {}, ...nameOf(device), accountOnly ? ' deletes what it has of this account' : ' deletes everything on it', ' when it asks for something next.'),
      'Until then you can take it back. Once it was told, nobody can.',
    ],
  })
  return sure && { accountOnly }
}

/** @param {string} collection */
export const askToResync = collection => askInDialog({
  title: 'Begin anew?', does: 'Begin anew',
  text: [el('p', {}, 'The device drops what it has of ', said(collection), ' and loads it again, when it asks for it next. Nothing on the server changes.'),
    'Changes on the device that it has not sent yet may be lost.'],
})
