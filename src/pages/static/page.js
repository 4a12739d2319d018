// @ts-check
// What both pages have in common: signing in, asking the server, saying what happened, and dialogs. What others wrote becomes text, never markup.

/**
 * @typedef {string | Node | null | undefined | false} Child
 * @typedef {{ readonly [name: string]: string | number | boolean | EventListener | undefined }} Attributes
 */

/**
 * An element; attributes that are false or undefined are left out, functions are listeners.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(attribute, value)
    else if (value !== undefined && value !== false) element.setAttribute(attribute, value === true ? '' : String(value))
  }
  element.append(...children.filter(isThere))
  return element
}

/** @param {Child} child @returns {child is string | Node} */
const isThere = child => child !== null && child !== undefined && child !== false

/** @template {HTMLElement} T @param {string} id @param {new () => T} kind @returns {T} */
export function byId(id, kind) {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`no ${id}`)
  return found
}

/** What a device or a user calls itself, apart from the words around it: signs that turn the direction of text end with it. @param {string} text */
export const said = text => el('bdi', {}, text)

// --- asking the server ------------------------------------------------------------------------------------------------

/** What the server refused, in its words. */
export class Refused extends Error {
  /** @param {number} status @param {string} message @param {string} [word] */
  constructor(status, message, word) {
    super(message)
    this.status = status
    this.word = word
  }
}

let used = false
for (const event of ['pointerdown', 'keydown']) addEventListener(event, () => { used = true }, { capture: true, passive: true })

/** @param {string} path @param {unknown} [body] @returns {Promise<any>} */
async function send(path, body) {
  /** @type {Record<string, string>} */
  const headers = { 'x-postern-page': used ? 'used' : 'waits' }
  used = false
  /** @type {Response} */
  let response
  try {
    response = await fetch(new URL(`api/${path}`, import.meta.url), body === undefined ? { headers } : { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) })
  } catch {
    throw new Refused(0, 'Postern does not answer. The page goes on trying.')
  }
  const answer = await response.json().catch(() => ({}))
  if (response.ok) return answer
  throw new Refused(response.status, typeof answer.error === 'string' ? answer.error : `Postern answered with ${response.status}.`, answer.word)
}

/** A GET. Where nobody is signed in any more, the page begins anew. @param {string} path @returns {Promise<any>} */
export const ask = path => send(path).catch(beginAnew)

/**
 * A POST. The password is asked for where it was given too long ago, and the action goes on then.
 * @param {string} path @param {object} [body] @returns {Promise<any>} undefined where somebody rather did not
 */
export async function order(path, body = {}) {
  for (;;) {
    try {
      return await send(path, body)
    } catch (error) {
      if (!(error instanceof Refused) || error.word !== 'password') return beginAnew(error)
      if (!await passwordAgain()) return undefined
    }
  }
}

/** @param {unknown} error @returns {never} */
function beginAnew(error) {
  if (error instanceof Refused && error.word === 'sign-in') showSignIn('You were signed out. Please sign in again.')
  throw error
}

// --- saying what happened ---------------------------------------------------------------------------------------------

/** Something that went well, or is only to be known. @param {string} text */
export function tell(text) {
  byId('trouble', HTMLElement).textContent = ''
  byId('news', HTMLElement).textContent = text
}

/** Something that did not. @param {unknown} error */
export function complain(error) {
  if (error instanceof Refused && error.word === 'sign-in') return
  byId('news', HTMLElement).textContent = ''
  byId('trouble', HTMLElement).textContent = error instanceof Error ? error.message : String(error)
}

/** @param {number} at milliseconds since 1970-01-01 @param {number} [now] */
export function agoOf(at, now = Date.now()) {
  const seconds = Math.max(0, Math.round((now - at) / 1000))
  const [size, unit] = /** @type {const} */ ([[86_400, 'd'], [3600, 'h'], [60, 'min']]).find(([one]) => seconds >= one) ?? [1, 's']
  return seconds < 2 ? 'now' : `${Math.floor(seconds / size)} ${unit} ago`
}

/** A moment, short, with the whole of it for who points at it. @param {number} at @param {string} [text] */
export const moment = (at, text = agoOf(at)) => el('time', { datetime: new Date(at).toISOString(), title: new Date(at).toLocaleString() }, text)

// --- dialogs ----------------------------------------------------------------------------------------------------------

/**
 * Asks in a dialog. `fields` are in its form; resolves with what they hold, or undefined where somebody rather did not.
 * @param {{ title: string, text: readonly Child[], does: string, danger?: boolean, fields?: readonly Node[] }} question
 * @returns {Promise<FormData | undefined>}
 */
export function askInDialog({ title, text, does, danger = false, fields = [] }) {
  const before = document.activeElement
  const form = el('form', { method: 'dialog' },
    el('h2', { id: 'dialog-title' }, title), ...text.map(one => typeof one === 'string' ? el('p', {}, one) : one), ...fields,
    el('div', { class: 'buttons' },
      el('button', { type: 'button', value: 'no', class: 'quiet', click: () => dialog.close('no') }, 'Cancel'),
      el('button', { type: 'submit', value: 'yes', class: danger ? 'danger' : 'main' }, does)))
  const dialog = el('dialog', { 'aria-labelledby': 'dialog-title' }, form)
  document.body.append(dialog)
  dialog.showModal()
  // Enter alone must not do what cannot be undone.
  if (danger && !fields.length) form.querySelector('button')?.focus()
  return new Promise(resolve => {
    dialog.addEventListener('close', () => {
      const values = new FormData(form)
      const yes = dialog.returnValue === 'yes'
      dialog.remove()
      if (before instanceof HTMLElement && before.isConnected) before.focus()
      resolve(yes ? values : undefined)
    })
  })
}

/** Whatever was asked: nobody wants it any more. */
export function closeDialogs() {
  for (const dialog of document.querySelectorAll('dialog')) dialog.close('no')
}

/** A field with its label. @param {string} label @param {Attributes} attributes */
export const field = (label, attributes) => el('label', { class: 'field' }, el('span', {}, label), el('input', attributes))

let signedInAs = ''

/** @returns {Promise<boolean>} */
async function passwordAgain(why = 'It was given more than ten minutes ago, and this changes something.') {
  const values = await askInDialog({
    title: 'Your password, once more', text: [why], does: 'Go on',
    fields: [
      el('input', { name: 'name', value: signedInAs, autocomplete: 'username', hidden: true, 'aria-hidden': 'true' }),
      field(`Password of ${signedInAs}`, { name: 'password', type: 'password', autocomplete: 'current-password', required: true, autofocus: true, maxlength: 1024 }),
    ],
  })
  if (!values) return false
  try {
    await send('session', { password: String(values.get('password')) })
    return true
  } catch (error) {
    return error instanceof Refused && error.word !== 'sign-in' ? passwordAgain(error.message) : beginAnew(error)
  }
}

// --- signing in -------------------------------------------------------------------------------------------------------

/** @typedef {{ readonly title: string, readonly intro?: string, readonly name: string, readonly password: string }} SignInWords */

/** @type {() => void} */
let show = () => {}
/** @type {SignInWords} */
let words = { title: 'Sign in', name: 'Name', password: 'Password' }

/**
 * Begins: `main` fills the page for who is signed in, and is called anew for whoever signs in later. `own` says what is asked for.
 * @param {() => void} main @param {SignInWords} [own]
 */
export async function start(main, own = words) {
  show = main
  words = own
  byId('sign-out', HTMLButtonElement).addEventListener('click', () => {
    send('session/end', {}).then(() => showSignIn('You are signed out.'), complain)
  })
  try {
    const { name } = await send('session')
    if (name) showPage(name)
    else showSignIn()
  } catch (error) {
    complain(error)
    setTimeout(() => location.reload(), 5000)
  }
}

/** @param {string} name */
function showPage(name) {
  signedInAs = name
  const who = byId('who', HTMLElement)
  who.replaceChildren('Signed in as ', said(name))
  byId('account', HTMLElement).hidden = false
  tell('')
  show()
}

export const isSignedIn = () => signedInAs !== ''

function showSignIn(why = '') {
  signedInAs = ''
  closeDialogs()
  byId('account', HTMLElement).hidden = true
  const button = el('button', { type: 'submit', class: 'main' }, 'Sign in')
  const form = el('form', {
    class: 'sign-in', 'aria-labelledby': 'sign-in-title', submit: event => {
      event.preventDefault()
      const values = new FormData(form)
      button.disabled = true
      send('session', { name: String(values.get('name')), password: String(values.get('password')) }).then(({ name }) => {
        showPage(name)
        byId('main', HTMLElement).focus()
      }, error => {
        complain(error)
        const password = form.querySelector('[name=password]')
        if (password instanceof HTMLInputElement) {
          password.value = ''
          password.focus()
        }
      }).finally(() => { button.disabled = false })
    },
  },
  el('h1', { id: 'sign-in-title' }, words.title), words.intro && el('p', {}, words.intro),
  field(words.name, { name: 'name', autocomplete: 'username', required: true, autofocus: true, maxlength: 256, autocapitalize: 'none', spellcheck: 'false' }),
  field(words.password, { name: 'password', type: 'password', autocomplete: 'current-password', required: true, maxlength: 1024 }), button)
  byId('main', HTMLElement).replaceChildren(form)
  form.querySelector('input')?.focus()
  tell(why)
}

// --- what changes while somebody looks --------------------------------------------------------------------------------

/**
 * Does something again and again while the page is visible and somebody is signed in; at once when it becomes visible.
 * @param {number} milliseconds @param {() => Promise<void>} work
 * @returns {{ now(): void, stop(): void }}
 */
export function poll(milliseconds, work) {
  let timer = 0, running = false, again = false, over = false, failed = false
  const run = async () => {
    clearTimeout(timer)
    if (over || !isSignedIn()) return
    if (running) {
      again = true
      return
    }
    if (document.hidden) return
    running = true
    again = false
    try {
      await work()
      if (failed) tell('Postern answers again.')
      failed = false
    } catch (error) {
      if (!failed) complain(error)
      failed = true
    } finally {
      running = false
      if (!over) timer = setTimeout(run, again ? 0 : milliseconds)
    }
  }
  const now = () => void run()
  document.addEventListener('visibilitychange', now)
  now()
  return {
    now,
    stop() {
      over = true
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', now)
    },
  }
}

/**
 * Makes the children of a parent what `items` say, by their keys: what stays is the same element, so focus, selection and scrolling stay.
 * Items with the same key are told apart by their order.
 * @template T
 * @param {Element} parent @param {readonly T[]} items @param {(item: T) => string} keyOf
 * @param {(item: T) => HTMLElement} make @param {(element: HTMLElement, item: T) => void} fill
 */
export function showAll(parent, items, keyOf, make, fill) {
  const before = new Map([...parent.children].map(child => [child instanceof HTMLElement ? child.dataset['key'] : undefined, child]))
  /** @type {Element | null} */
  let next = parent.firstElementChild
  const focused = document.activeElement
  /** @type {Map<string, number>} */
  const seen = new Map()
  for (const item of items) {
    const name = keyOf(item), times = seen.get(name) ?? 0
    seen.set(name, times + 1)
    const key = times ? `${name} ${times}` : name, known = before.get(key)
    const element = known instanceof HTMLElement ? known : make(item)
    element.dataset['key'] = key
    before.delete(key)
    fill(element, item)
    if (element === next) next = next.nextElementSibling
    else parent.insertBefore(element, next)
  }
  for (const gone of before.values()) gone.remove()
  // What is moved loses it.
  if (focused instanceof HTMLElement && focused !== document.activeElement && parent.contains(focused)) focused.focus({ preventScroll: true })
}

/** Puts text or nodes in only where they differ: screen readers and selections are not disturbed. @param {Element} element @param {...Child} children */
export function put(element, ...children) {
  const wanted = el('div', {}, ...children).childNodes, there = element.childNodes
  if (wanted.length === there.length && [...wanted].every((node, at) => node.isEqualNode(there[at] ?? null))) return
  element.replaceChildren(...wanted)
}
