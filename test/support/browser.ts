import { access } from 'node:fs/promises'
import { type BrowserContext, type BrowserContextOptions, type Browser, chromium, type Page } from 'playwright-core'

/** Debian's, for playwright-core brings none. */
const places = ['/usr/bin/chromium', '/usr/bin/chromium-headless-shell']

export type Window = {
  readonly page: Page
  readonly context: BrowserContext
  /** What no page of ours may do: errors of scripts, what the Content-Security-Policy stopped, dialogs of the browser, requests to elsewhere. */
  readonly faults: readonly string[]
}

export type Desk = {
  /** A browser profile of its own: nobody is signed in. */
  open(url: string, options?: BrowserContextOptions): Promise<Window>
  close(): Promise<void>
}

/** A headless Chromium, for as many windows as a test wants. */
export async function startBrowser(): Promise<Desk> {
  const executablePath = await firstThere(places)
  const browser: Browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] })
  return {
    async open(url, options = {}) {
      const context = await browser.newContext(options)
      const page = await context.newPage()
      const faults = watch(page, new URL(url).origin)
      await page.goto(url)
      return { page, context, faults }
    },
    close: () => browser.close(),
  }
}

function watch(page: Page, origin: string): string[] {
  const faults: string[] = []
  page.on('pageerror', error => faults.push(`error: ${error.message}`))
  page.on('dialog', dialog => {
    faults.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('console', message => {
    // A status that the page shows in a sentence is none; what a policy stops is.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource: the server responded with a status of 4')) faults.push(`console: ${message.text()}`)
  })
  page.on('request', request => {
    if (!request.url().startsWith('data:') && new URL(request.url()).origin !== origin) faults.push(`request: ${request.url()}`)
  })
  return faults
}

async function firstThere(paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    if (await access(path).then(() => true, () => false)) return path
  }
  throw new Error(`none of ${paths.join(', ')} is there: test/setup.sh installs it`)
}
