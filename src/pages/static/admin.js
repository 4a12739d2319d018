// @ts-check
// All devices, and the latest requests.
import { ask, byId, closeDialogs, complain, el, field, isSignedIn, moment, order, poll, put, said, showAll, start, tell } from './page.js'
import { headings, showDevice, showInstead } from './admin-device.js'
import { askToBlock, isUndecided, linkTo, marksOf, outcomeOf, pathOf } from './admin-words.js'

/** @typedef {import('./admin-words.js').Row} Row @typedef {import('./admin-words.js').Spoken} Spoken */

const filterNames = /** @type {const} */ ({ all: 'All devices', quarantine: 'Wanting to be let in', blocked: 'Blocked or wiped', waiting: 'Waiting for news', trouble: 'With errors' })
const sortNames = /** @type {const} */ ({ seen: 'Last seen', sync: 'Last sync', user: 'User', type: 'Type' })
const step = 100

/** What is looked at; stays while one looks at a device. */
const view = { search: '', filter: 'all', sort: 'seen', most: step }

/** @param {HTMLElement} main @returns {() => void} ends it */
function showList(main) {
  document.title = 'Devices · Postern'
  const rows = el('tbody'), none = el('p', { class: 'empty', hidden: true }), count = el('p', { class: 'soft' })
  const more = el('button', { type: 'button', hidden: true, click: () => look(() => { view.most += step }) }, 'Show more')
  const requests = el('tbody'), noRequest = el('p', { class: 'empty', hidden: true }, 'Nothing was asked for yet.'), waiting = el('p', { class: 'soft' })

  /** @param {() => void} change */
  function look(change) {
    change()
    polling.now()
  }
  /** @param {'filter' | 'sort'} what @param {Record<string, string>} names */
  const select = (what, names) => el('select', { name: what, change: event => look(() => {
    view[what] = /** @type {HTMLSelectElement} */ (event.currentTarget).value
    view.most = step
  }) }, ...Object.entries(names).map(([value, name]) => el('option', { value, selected: view[what] === value }, name)))
  const filter = select('filter', filterNames), sort = select('sort', sortNames)
  const search = field('Search', { type: 'search', name: 'search', value: view.search, placeholder: 'User, id, type or program', autocomplete: 'off', maxlength: 200, input: event => {
    view.search = /** @type {HTMLInputElement} */ (event.currentTarget).value
    view.most = step
    clearTimeout(typing)
    typing = setTimeout(() => polling.now(), 200)
  } })
  let typing = 0

  const polling = poll(2000, async () => {
    const { devices, counts, found } = await ask(`devices?${new URLSearchParams({ ...view, most: String(view.most) })}`)
    for (const option of filter.options) put(option, `${filterNames[/** @type {keyof typeof filterNames} */ (option.value)]} (${counts[option.value]})`)
    showAll(rows, /** @type {Row[]} */ (devices), ({ user, id }) => `${user}/${id}`, () => makeRow(columns), fillRow)
    put(none, counts.all === 0 ? 'No device was here yet. It appears when it syncs for the first time.' : 'No device fits that.')
    showInstead(rows, none)
    more.hidden = found <= devices.length
    put(count, found > devices.length ? `${devices.length} of ${found}` : found === 1 ? '1 device' : `${found} devices`)
    const latest = await ask('requests')
    const all = [...latest.requests, .../** @type {any[]} */ (latest.waits).map(wait => ({ ...wait, waits: true }))].sort((a, b) => b.at - a.at)
    showAll(requests, all, one => `${one.user}/${one.id} ${one.at} ${one.command} ${one.status}`, () => makeRow(requestColumns), (row, one) =>
      requestColumns.forEach(({ show }, at) => put(/** @type {Element} */ (row.children[at]), ...show(one))))
    showInstead(requests, noRequest)
    put(waiting, latest.waiting === 1 ? '1 request waits for news.' : `${latest.waiting} requests wait for news.`)
  })

  /** @param {Row} row @param {string} what @param {string} done */
  async function decide(row, what, done) {
    try {
      if (await order(`${pathOf(row)}/${what}`)) {
        tell(done)
        document.querySelector('.live')?.scrollIntoView({ block: 'nearest' })
        polling.now()
      }
    } catch (error) {
      complain(error)
    }
  }

  /** @type {readonly { label: string, head?: true, show: (row: Row) => (string | Node)[] }[]} */
  const columns = [
    { label: 'Device', head: true, show: row => [el('span', { class: 'name' }, el('a', { href: linkTo(row) }, said(row.type || 'Device'), ' ', said(row.id)), el('small', {}, said(row.agent)))] },
    { label: 'User', show: ({ user }) => [long(user)] },
    { label: 'Version', show: ({ version }) => version ? [version] : [] },
    { label: 'Last seen', show: ({ lastSeen }) => [short(lastSeen)] },
    { label: 'Last sync', show: ({ lastSync }) => [short(lastSync)] },
    { label: 'Folders', show: ({ folders }) => [String(folders)] },
    { label: 'Latest', show: ({ last }) => last ? [el('span', { class: 'outcome' }, said(last.command), outcomeOf(last))] : [] },
    {
      label: 'State', show: row => [el('span', { class: 'marks' }, ...marksOf(row)), ...isUndecided(row.orders) ? [el('span', { class: 'marks' },
        el('button', { type: 'button', 'aria-label': `Allow ${row.id} of ${row.user}`, click: () => void decide(row, 'allow', 'It may come in.') }, 'Allow'),
        el('button', { type: 'button', class: 'risky', 'aria-label': `Block ${row.id} of ${row.user}`, click: () => void askToBlock(row).then(async sure => { if (sure) await decide(row, 'block', 'It is blocked.') }) }, 'Block…')),
      ] : []],
    },
  ]
  /** @param {HTMLElement} element @param {Row} row */
  const fillRow = (element, row) => columns.forEach(({ show }, at) => put(/** @type {Element} */ (element.children[at]), ...show(row)))

  main.replaceChildren(
    el('div', { class: 'title' }, el('h1', {}, 'Devices'), count),
    el('div', { class: 'tools', role: 'search' }, search, el('label', { class: 'field' }, el('span', {}, 'Show'), filter), el('label', { class: 'field' }, el('span', {}, 'Sort by'), sort)),
    el('section', { class: 'sheet', 'aria-label': 'Devices' }, el('table', { class: 'cards' }, el('caption', { class: 'unseen' }, 'Devices'), headings(...columns.map(({ label }) => label)), rows), none, more),
    el('section', { class: 'sheet', 'aria-labelledby': 'requests-title' }, el('div', { class: 'title' }, el('h2', { id: 'requests-title' }, 'Latest requests'), waiting),
      el('table', { class: 'cards lines', 'aria-labelledby': 'requests-title' }, headings(...requestColumns.map(({ label }) => label)), requests), noRequest))
  return () => polling.stop()
}

/** @typedef {Spoken & { user: string, id: string, type: string, folders: number, waits?: true }} Request */
/** @type {readonly { label: string, show: (request: Request) => (string | Node)[] }[]} */
const requestColumns = [
  { label: 'When', show: ({ at }) => [short(at)] },
  { label: 'User', show: ({ user }) => [long(user)] },
  { label: 'Device', show: one => [el('span', { class: 'name' }, el('a', { href: linkTo(one) }, said(one.type || 'Device'), ' ', said(one.id)))] },
  { label: 'Command', show: ({ command, waits }) => [waits ? 'waits' : said(command)] },
  { label: 'Outcome', show: one => [one.waits ? el('small', {}, `for news of ${one.folders === 1 ? '1 folder' : `${one.folders} folders`}`) : outcomeOf(one)] },
]

/** @param {number} at */
const short = at => el('span', { class: 'nowrap' }, at ? moment(at) : 'never')
/** @param {string} text */
const long = text => el('span', { class: 'long' }, said(text))

/** @param {readonly { label: string, head?: true }[]} columns */
const makeRow = columns => el('tr', {}, ...columns.map(({ label, head }) => head ? el('th', { scope: 'row' }) : el('td', { 'data-label': label })))

// --- which of them ----------------------------------------------------------------------------------------------------

let end = () => {}

function show() {
  closeDialogs()
  end()
  end = () => {}
  if (!isSignedIn()) return
  const main = byId('main', HTMLElement), [, what, user, id] = location.hash.split('/').map(readable)
  end = what === 'device' && user && id ? showDevice(main, user, id) : showList(main)
}

/** @param {string} text */
function readable(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

// A link to a place within the page is none to another one.
addEventListener('hashchange', () => { if (location.hash === '' || location.hash.startsWith('#/')) show() })
void start(show)
