// @ts-check
// One device: what is known of it, and what can be done.
import { ask, complain, el, field, moment, order, poll, put, said, showAll, tell } from './page.js'
import { askToBlock, askToResync, askToWipe, isTraced, isUndecided, marksOf, outcomeOf, pathOf, sentencesOf } from './admin-words.js'

/** @typedef {import('./admin-words.js').Device} Device */

/** Characters of a trace that are shown; all of it can be downloaded. */
const mostShown = 1_000_000

/**
 * @param {HTMLElement} main @param {string} user @param {string} id
 * @returns {() => void} ends it
 */
export function showDevice(main, user, id) {
  const path = pathOf({ user, id })
  /** @type {Device | undefined} */
  let device
  const parts = {
    title: el('h1', { tabindex: -1 }, said(id)), marks: el('div', { class: 'marks' }), facts: el('dl', { class: 'facts' }),
    sentences: el('ul', { class: 'sentences' }), buttons: el('div', { class: 'buttons' }),
    synced: el('tbody'), noSynced: el('p', { class: 'empty' }, 'It has not synced one yet.'), statuses: el('tbody'), noStatus: el('p', { class: 'empty' }, 'Nothing yet.'), resyncs: el('tbody'), noResync: el('p', { class: 'empty' }, 'None: it never lost its place.'),
  }
  const trace = traceOf(path, { begin: minutes => act('trace', { minutes }, 'It is traced from now on.'), end: () => act('trace', { minutes: 0 }, 'The trace has ended.') })

  /** @param {string} what @param {object} body @param {string} done */
  async function act(what, body, done) {
    try {
      const next = await order(`${path}/${what}`, body)
      if (!next) return
      show(next)
      tell(done)
    } catch (error) {
      complain(error)
    }
  }

  /** @type {readonly { name: string, label: string, kind?: string, fits: (device: Device) => boolean, does: (device: Device) => Promise<unknown> }[]} */
  const orders = [
    { name: 'allow', label: 'Allow', fits: ({ orders: { decision, wipe, removed } }) => wipe?.state !== 'ordered' && (decision?.access !== 'allow' || wipe !== undefined || removed !== undefined), does: () => act('allow', {}, 'It may come in.') },
    { name: 'block', label: 'Block…', kind: 'risky', fits: ({ orders: { decision } }) => decision?.access !== 'block', does: async one => await askToBlock(one) && act('block', {}, 'It is blocked.') },
    {
      name: 'wipe', label: 'Wipe…', kind: 'risky', fits: ({ orders: { wipe } }) => wipe === undefined || wipe.state === 'done',
      async does(one) {
        const wish = await askToWipe(one)
        if (wish) await act('wipe', wish, 'A wipe is ordered. The device hears of it when it asks for something next.')
      },
    },
    { name: 'cancel', label: 'Take the wipe back', fits: ({ orders: { wipe } }) => wipe?.state === 'ordered', does: () => act('cancel', {}, 'The wipe is taken back.') },
  ]

  /** @param {Device} next */
  function show(next) {
    device = next
    document.title = `${next.type || next.id} of ${next.user} · Postern`
    put(parts.title, said(next.type || 'Device'), ' ', said(next.id))
    put(parts.marks, ...marksOf(next))
    put(parts.facts, ...factsOf(next))
    const sentences = sentencesOf(next)
    put(parts.sentences, ...sentences.length ? sentences : [el('li', { class: 'soft' }, 'Nothing is decided or ordered: the rules of the configuration hold.')])
    const focused = parts.buttons.contains(document.activeElement)
    showAll(parts.buttons, orders.filter(one => one.fits(next)), one => one.name, one =>
      el('button', { type: 'button', click: () => { if (device) void one.does(device) } }, one.label),
    (button, { name, kind }) => { button.className = name === 'allow' && isUndecided(next.orders) ? 'main' : kind ?? '' })
    if (focused && !parts.buttons.contains(document.activeElement)) parts.buttons.querySelector('button')?.focus()
    const synced = next.synced.toSorted(([, a], [, b]) => placeOf(a) < placeOf(b) ? -1 : 1)
    showAll(parts.synced, synced, ([, collection]) => collection, () => el('tr'), (row, [at, collection]) => fill(row, collectionCells(at, collection, next.orders)))
    showInstead(parts.synced, parts.noSynced)
    showAll(parts.statuses, next.statuses, ({ at, command, status }) => `${at} ${command} ${status}`, () => el('tr'), (row, one) => fill(row, [
      el('td', { 'data-label': 'When', class: 'nowrap' }, moment(one.at)), el('td', { 'data-label': 'Command' }, said(one.command)), el('td', { 'data-label': 'Outcome' }, outcomeOf(one))]))
    showInstead(parts.statuses, parts.noStatus)
    showAll(parts.resyncs, next.resyncs, ([at, why]) => `${at} ${why}`, () => el('tr'), (row, [at, why]) => fill(row, [el('td', { 'data-label': 'When', class: 'nowrap' }, moment(at)), el('td', { 'data-label': 'Folder and reason' }, said(why))]))
    showInstead(parts.resyncs, parts.noResync)
    trace.show(next)
  }

  /** @param {number} at @param {string} collection an id, and for what it is @param {Device['orders']} orders */
  function collectionCells(at, collection, orders) {
    const [id = '', use = ''] = collection.split(' ')
    return [
      el('th', { scope: 'row' }, use, ' ', el('small', {}, said(id))), el('td', { 'data-label': 'Last sync' }, moment(at)),
      el('td', {}, orders.resync && id in orders.resync ? el('span', { class: 'mark warn' }, 'to begin anew')
        : el('button', { type: 'button', 'aria-label': `Begin ${use} ${id} anew`, click: () => void anew(id) }, 'Begin anew…')),
    ]
  }
  /** @param {string} collection */
  async function anew(collection) {
    if (await askToResync(collection)) await act('resync', { collection }, 'It begins anew when the device asks for it next.')
  }
  const resync = el('form', {
    class: 'line', submit: event => {
      event.preventDefault()
      const collection = resync.querySelector('input')?.value.trim()
      if (collection) void anew(collection)
    },
  }, field('Id of another one', { name: 'collection', required: true, maxlength: 200, autocomplete: 'off', spellcheck: 'false' }), el('button', {}, 'Begin anew…'))

  main.replaceChildren(
    el('p', {}, el('a', { href: '#/' }, '← All devices')),
    el('div', { class: 'title' }, parts.title, parts.marks),
    el('div', { class: 'columns' },
      el('section', { class: 'sheet', 'aria-labelledby': 'facts-title' }, el('h2', { id: 'facts-title' }, 'What is known'), parts.facts),
      el('section', { class: 'sheet', 'aria-labelledby': 'orders-title' }, el('h2', { id: 'orders-title' }, 'Decisions and orders'), parts.sentences, parts.buttons),
      el('section', { class: 'sheet wide', 'aria-labelledby': 'synced-title' }, el('h2', { id: 'synced-title' }, 'Folders it syncs'),
        el('p', { class: 'soft' }, 'One that is wrong on the device can be loaded anew. Nothing on the server changes.'),
        el('table', { class: 'cards', 'aria-labelledby': 'synced-title' }, headings('Folder', 'Last sync', 'Order'), parts.synced), parts.noSynced, resync),
      el('section', { class: 'sheet wide', 'aria-labelledby': 'trace-title' }, el('h2', { id: 'trace-title' }, 'Trace'), ...trace.parts),
      el('section', { class: 'sheet', 'aria-labelledby': 'statuses-title' }, el('h2', { id: 'statuses-title' }, 'What it asked for lately'),
        el('table', { class: 'cards lines', 'aria-labelledby': 'statuses-title' }, headings('When', 'Command', 'Outcome'), parts.statuses), parts.noStatus),
      el('section', { class: 'sheet', 'aria-labelledby': 'resyncs-title' }, el('h2', { id: 'resyncs-title' }, 'Folders it had to begin anew'),
        el('table', { class: 'cards lines', 'aria-labelledby': 'resyncs-title' }, headings('When', 'Folder and reason'), parts.resyncs), parts.noResync)))
  parts.title.focus()
  const look = poll(2000, async () => show(await ask(path)))
  return () => {
    look.stop()
    trace.stop()
  }
}

/** The inbox first, then by what they are for. @param {string} collection */
function placeOf(collection) {
  const [id, use] = collection.split(' ')
  return `${use === 'inbox' ? '' : use} ${id}`
}

/** The cells of a row: those that are there stay, with what is in them anew. @param {Element} row @param {readonly HTMLElement[]} cells */
function fill(row, cells) {
  if (row.childElementCount !== cells.length) row.replaceChildren(...cells)
  else cells.forEach((cell, at) => put(/** @type {Element} */ (row.children[at]), ...cell.childNodes))
}

/** A table without rows gives way to a sentence. @param {HTMLElement} rows @param {HTMLElement} sentence */
export function showInstead(rows, sentence) {
  const isEmpty = rows.childElementCount === 0, table = rows.closest('table')
  sentence.hidden = !isEmpty
  if (table) table.hidden = isEmpty
}

/** @param {...string} names */
export const headings = (...names) => el('thead', {}, el('tr', {}, ...names.map(name => el('th', { scope: 'col' }, name))))

/** @param {Device} device @returns {HTMLElement[]} */
function factsOf({ user, id, type, agent, version, firstSeen, lastSeen, lastSync, folders, known }) {
  /** @type {(readonly [string, string | Node])[]} */
  const facts = [
    ['User', said(user)], ['Device id', said(id)], ['Type', said(type || 'not known')], ['Program', said(agent || 'does not say')], ['Protocol', version || 'not known'],
    ['First seen', firstSeen ? moment(firstSeen) : 'never'], ['Last seen', lastSeen ? moment(lastSeen) : 'never'], ['Last sync', lastSync ? moment(lastSync) : 'never'], ['Folders', String(folders)],
  ]
  return (known ? facts : facts.slice(0, 2)).flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])
}

/**
 * What a device says and hears, as it comes.
 * @param {string} path @param {{ begin(minutes: number): Promise<void>, end(): Promise<void> }} on
 */
function traceOf(path, on) {
  let have = 0, shown = 0, traced = false, asked = false
  const text = el('pre', { class: 'trace', tabindex: 0, role: 'region', 'aria-label': 'What was traced', hidden: true })
  const minutes = el('select', { name: 'minutes' }, ...['5', '10', '30', '60'].map(value => el('option', { value, selected: value === '10' }, `${value} minutes`)))
  const begin = el('button', {}, 'Trace it'), end = el('button', { type: 'button', click: () => void on.end() }, 'End the trace')
  const download = el('a', { class: 'button', href: `api/${path}/trace.txt`, download: '', hidden: true }, 'Download')
  const form = el('form', { class: 'line', submit: event => { event.preventDefault(); void on.begin(Number(minutes.value)) } },
    el('label', { class: 'field' }, el('span', {}, 'For how long'), minutes), el('div', { class: 'buttons' }, begin, end, download))
  const look = poll(2000, async () => {
    if (!traced && asked) return
    asked = true
    const { first, trace } = await ask(`${path}/trace?from=${have}`)
    if (first !== have) {
      text.textContent = ''
      shown = 0
    }
    have = first + trace.length
    const isAtEnd = text.scrollHeight - text.scrollTop - text.clientHeight < 40
    for (const piece of trace) {
      if (shown < mostShown) text.append(`${piece}\n\n`)
      shown += piece.length
    }
    text.hidden = download.hidden = have === 0
    if (isAtEnd && trace.length) text.scrollTop = text.scrollHeight
  })
  return {
    parts: [el('p', { class: 'soft' }, 'What the device and Postern say to each other, decoded. What the user wrote and received is left out, and names in addresses too.'), form, text],
    /** @param {Device} device */
    show({ orders }) {
      const now = isTraced(orders)
      // What came last is kept a moment later.
      if (traced && !now) asked = false
      traced = now
      end.hidden = !now
      put(begin, now ? 'Trace longer' : 'Trace it')
    },
    stop: () => look.stop(),
  }
}
